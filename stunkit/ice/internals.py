"""Internals: how chrome://webrtc-internals says candidates and descriptions.

Its file is JSON: connections, each with a log of events whose values are texts, JSON or the older
``sdpMid: 0, candidate: candidate:...``; statistics repeat the candidates. Its page, when copied,
has each part of an SDP folded: the lines of a part, and behind them (in other versions before
them) its first line with "(9 more lines)".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from stunkit.ice.sdp import Line, split_line

_FOLD = re.compile(r"\s*([vm]=.*?) \((\d+) more lines?\).*")
_SIDES = {  # events, and whose description or candidate they carry
    "setLocalDescription": "local",
    "setRemoteDescription": "remote",
    "onicecandidate": "local",
    "icecandidate": "local",  # so until 2025
    "addIceCandidate": "remote",
}


def members(value: dict[str, Any], origin: str) -> Iterator[tuple[str, Any]]:
    """Yield what to read of any JSON object, each with its origin.

    Of a connection, its log alone; of the log, events that carry what was really used.
    """
    if "updateLog" in value:
        yield origin, value["updateLog"]
    elif isinstance(value.get("type"), str) and isinstance(value.get("value"), str):
        if side := _SIDES.get(value["type"].removesuffix("OnSuccess")):
            text = value["value"].replace("sdp: v=0", "\nv=0")  # "type: offer, sdp: v=0"
            yield f"{origin} {side}".strip(), text
    else:
        for key, item in value.items():
            is_connection = isinstance(item, dict) and "updateLog" in item
            yield (f"connection {key}" if is_connection else origin), item


def unfold(lines: Iterable[Line]) -> Iterator[Line]:
    """Put the first line of each folded part where it belongs; drop it where no others are."""
    part: list[Line] = []
    first: Line | None = None  # of a part whose other lines may follow
    follow = False  # in this description, they do
    for line in lines:
        fold = _FOLD.fullmatch(line.text)
        is_sdp = split_line(line.text) is not None
        if first and is_sdp and not fold:
            yield first
            follow = True
        first = None
        if fold:
            before = len(part) - int(fold[2])
            if follow or before < 0:
                yield from part
                first = Line(line.number, fold[1])
            else:
                yield from (*part[:before], Line(line.number, fold[1]), *part[before:])
            part = []
        elif is_sdp:
            part.append(line)
        else:
            yield from (*part, line)
            part, follow = [], False
    yield from part
