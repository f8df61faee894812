"""Dumps with a column of offsets: what xxd, hexdump -C, od, tcpdump -x and Wireshark print.

The offsets decide how many bytes a line holds, so that the text beside them is never read as
bytes; only the last line has to be told apart by its gaps. Lines that are no part of a dump, such
as tcpdump's own, stand between two packets.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_LINE = re.compile(
    r"^\s*(?P<prefix>0x)?(?P<offset>[0-9a-fA-F]{4,16})(?P<colon>:)?(?:[ \t]+(?P<rest>.*))?$"
)
_GROUP = re.compile(r"(?P<gap>[ \t]*)(?P<digits>(?:[0-9a-fA-F]{2})+)(?![^\s])")
_OD_DIGITS = 7  # of an offset, which is octal
_USUAL_WIDTH = 16  # bytes on a line
_REPEAT = "*"  # hexdump and od: lines like the last one follow


class _Line(NamedTuple):
    number: int
    offset: str
    has_colon: bool
    rest: str


def parse_dump(text: str) -> list[bytes]:
    """Return the bytes of each packet of a dump. Raises ValueError."""
    packets = [_packet(lines) for lines in _blocks(text)]
    found = [packet for packet in packets if packet]
    if not found:
        raise ValueError("no line starts with an offset and has bytes behind it")
    return found


def _blocks(text: str) -> Iterator[list[_Line | None]]:
    """Yield the lines of each packet; None stands for repeated ones."""
    block: list[_Line | None] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() == _REPEAT and block:
            block.append(None)
            continue
        match = _LINE.match(line)
        if match is None:
            if block:
                yield block
            block = []
            continue
        is_start = int(match["offset"], 16) == 0
        if is_start and block:
            yield block
            block = []
        block.append(_Line(number, match["offset"], bool(match["colon"]), match["rest"] or ""))
    if block:
        yield block


def _packet(lines: list[_Line | None]) -> bytes:
    """Return the bytes of one packet, whose offsets are hexadecimal or, with od, octal."""
    try:
        return _read(lines, 16)
    except ValueError:
        if any(line is not None and len(line.offset) != _OD_DIGITS for line in lines):
            raise
        try:
            return _read(lines, 8)
        except ValueError:
            pass
        raise


def _read(lines: list[_Line | None], base: int) -> bytes:
    data = bytearray()
    last, width, repeats = b"", 0, False
    present = [line for line in lines if line is not None]
    start = int(present[0].offset, base)
    if start and not present[0].has_colon:
        raise ValueError(f"line {present[0].number}: a first offset of {present[0].offset}, not 0")
    following = [int(line.offset, base) - start for line in present[1:]] + [-1]
    position = 0
    for line in lines:
        if line is None:
            repeats = True
            continue
        offset = int(line.offset, base) - start
        if repeats and last:
            missing = offset - len(data)
            if missing < 0 or missing % len(last):
                raise ValueError(f"line {line.number}: the repeated lines before it do not fit")
            data += last * (missing // len(last))
            repeats = False
        if offset != len(data):
            raise ValueError(
                f"line {line.number}: its offset is {line.offset}, {len(data)} bytes precede it"
            )
        after = following[position]
        position += 1
        is_before_gap = position < len(lines) and lines[lines.index(line) + 1 :][:1] == [None]
        wanted = -1 if after < 0 or is_before_gap else after - offset
        last = _bytes(line, wanted, width or _USUAL_WIDTH)
        width = width or len(last)
        data += last
    return bytes(data)


def _bytes(line: _Line, wanted: int, width: int) -> bytes:
    """Read the bytes of a line: ``wanted`` of them, or where that is not known (-1), what fits."""
    rest, bar, _ = line.rest.partition("  |")
    has_bar = bool(bar)
    data = b""
    position = 0
    while match := _GROUP.match(rest, position):
        gap, group = len(match["gap"].expandtabs()), bytes.fromhex(match["digits"])
        is_far = bool(data) and gap > 1 and not has_bar and not (gap == 2 and len(data) == 8)
        if wanted < 0 and (is_far or len(data) + len(group) > max(width, _USUAL_WIDTH)):
            break
        if len(data) == wanted:
            break
        if len(group) > 1 and not line.has_colon:
            raise ValueError(
                f"line {line.number}: words in the byte order of some machine;"
                " hexdump -C and od -t x1 print bytes"
            )
        data += group
        position = match.end()
    if 0 <= wanted != len(data):
        raise ValueError(
            f"line {line.number}: it has {len(data)} bytes, the next offset leaves room for"
            f" {wanted}"
        )
    return data
