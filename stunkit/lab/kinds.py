"""Kinds of network, all of which the lab can build (see ``stunkit.kinds``)."""

from __future__ import annotations

from stunkit.kinds import KINDS, Kind, find_kind

__all__ = ["KINDS", "Kind", "find_kind"]
