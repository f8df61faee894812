"""Wishes: how somebody wants to rehearse, and whether all is there that it needs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from stunkit.errors import StartError
from stunkit.extra import installation
from stunkit.rehearsal.media import Sources


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to rehearse. ``seconds`` is for all of it, ``call_seconds`` from when somebody came."""

    sources: Sources = field(default_factory=Sources)
    seconds: float | None = None
    call_seconds: float | None = None
    ca_file: str | os.PathLike[str] | None = None
    agent: str = "stunkit"


def require() -> None:
    """Import what is needed, which takes a while. Raises StartError where something is missing."""
    try:
        import aiohttp  # noqa: F401, PLC0415 (needs an extra)
        import aiortc  # noqa: F401, PLC0415 (needs an extra)
    except ImportError as error:
        what = error.name or "aiortc"
        raise StartError(
            f"a rehearsal needs {what}, which is missing", installation("rtc")
        ) from error
