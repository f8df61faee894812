"""tshark, Wireshark's dissector, asked what it sees in a capture: the judge of our own trees."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

PATIENCE = 50.0  # seconds for one run


class SharkAttribute(NamedTuple):
    """An attribute; ``said`` are the values of the fields in it, by their names."""

    offset: int
    type: int
    length: int
    said: dict[str, str]


class SharkMessage(NamedTuple):
    """A message as tshark has it; offsets count from its first byte. ChannelData has no type."""

    frame: int
    type: int | None
    length: int
    identity: str
    attributes: tuple[SharkAttribute, ...]
    is_malformed: bool


def look(path: Path, *options: str) -> list[SharkMessage]:
    """Return the messages in a capture, in the order of tshark's frames."""
    command = ["tshark", "-n", "-r", str(path), *options, "-T", "pdml"]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True)
    found = []
    for packet in ET.fromstring(done.stdout):
        if {"icmp", "icmpv6"} & {one.get("name") for one in packet}:
            continue  # it quotes a message that was on its way before
        frame = int(packet.findall("proto/field[@name='num']")[0].get("show", ""))
        is_malformed = any(one.get("name") == "_ws.malformed" for one in packet.iter("proto"))
        found += [
            _message(frame, proto, is_malformed=is_malformed)
            for proto in packet
            if proto.get("name") == "stun"
        ]
    return found


def _message(frame: int, proto: ET.Element, *, is_malformed: bool) -> SharkMessage:
    start = int(proto.get("pos", ""))
    attributes = []
    for field in proto.findall("field[@name='stun.attributes']/field"):
        inner = {one.get("name", ""): one for one in field}
        length = inner.get("stun.att.length")
        if length is None:
            is_malformed = True
            continue
        said = {name: one.get("show", "") for name, one in inner.items()}
        unknown = re.fullmatch(r"Unknown attribute (0x[0-9a-f]+)", field.get("show", ""))
        number = int(unknown[1], 16) if unknown else _hex(inner["stun.att.type"])
        place = int(field.get("pos", "")) - start
        attributes.append(SharkAttribute(place, number, int(length.get("show", "")), said))
    kind = proto.find("field[@name='stun.type']")
    identity = proto.find("field[@name='stun.id']")
    length = proto.find("field[@name='stun.length']")
    is_malformed |= any(one.get("name") == "_ws.malformed" for one in proto.iter("field"))
    return SharkMessage(
        frame,
        None if kind is None else _hex(kind),
        -1 if length is None else int(length.get("show", "")),
        "" if identity is None else identity.get("value", ""),
        tuple(attributes),
        is_malformed,
    )


def _hex(field: ET.Element) -> int:
    return int(field.get("value", ""), 16)
