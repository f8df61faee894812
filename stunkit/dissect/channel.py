"""ChannelData as fields: what a TURN client and its server exchange in place of indications.

RFC 8656 section 12.4 for the header, 12.5 for the padding, which only a stream must have.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from stunkit.dissect.field import Field, chain
from stunkit.dissect.value import hexadecimal
from stunkit.errors import NotStun

HEADER_SIZE = 4  # bytes; RFC 8656 section 12.4
PLACE = "ChannelData"


def channel_fields(
    data: bytes, look_inside: Callable[[bytes, int], Field | None]
) -> tuple[tuple[Field, ...], NotStun | None]:
    """Return the fields of ChannelData, and what is wrong with it.

    ``look_inside`` turns the data into a field if that is a message itself.
    """
    size = len(data)
    if size < HEADER_SIZE:
        error = NotStun(f"{size} bytes, fewer than a header's {HEADER_SIZE}", place=PLACE)
        return (Field(0, size, "header", data.hex(), fault=error.reason),), error
    length = int.from_bytes(data[2:4], "big")
    number, count = chain(
        0, [(2, "channel number", f"0x{data[:2].hex().upper()}"), (2, "length", str(length))]
    )
    payload = data[HEADER_SIZE : HEADER_SIZE + length]
    padding = data[HEADER_SIZE + length :]
    problem = None
    if len(payload) < length or len(padding) > 3:
        reason = f"the length says {length} bytes, there are {size - HEADER_SIZE}"
        problem = NotStun(reason, place=PLACE, offset=2)
        count = replace(count, fault=reason)
    inner = look_inside(payload, HEADER_SIZE)
    rest = chain(HEADER_SIZE + length, [(len(padding), "padding", padding.hex())])
    if inner is not None:
        return (number, count, inner, *rest), problem
    text = hexadecimal(payload)
    return (number, count, *chain(HEADER_SIZE, [(len(payload), "data", text)]), *rest), problem
