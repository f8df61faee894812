"""Candidate: one way to reach an agent, and the line of text that says it.

Answers to RFC 8839 section 5.1 (the candidate attribute) and RFC 6544 section 4.5 (``tcptype``).

Rules of this file: what the grammar allows is read, whatever it means; whether it makes sense is
for the lint to say. Text goes out as it came in: a line that was parsed is formatted letter by
letter as it was, for as long as it says what the candidate says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from stunkit.errors import UsageError

WHAT = "an ICE candidate"
MAX_PORT = 65535

_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")  # RFC 3261 section 25.1
_FOUNDATION = re.compile(r"[A-Za-z0-9+/]{1,32}")
_ADDRESS = re.compile(r"[!-~\u0080-\U0010ffff]+")  # RFC 4566 section 9: extn-addr
_VISIBLE = re.compile(r"[!-~]*")


class CandidateType(StrEnum):
    """Where a candidate comes from (RFC 8445 section 4), by the word that a line has for it."""

    HOST = "host"
    SERVER_REFLEXIVE = "srflx"
    PEER_REFLEXIVE = "prflx"
    RELAYED = "relay"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A candidate, as a line says it.

    ``transport`` is in lower case, ``address`` is an IP address or a name (mDNS hides a host's
    address behind one), ``extensions`` are the pairs that come last, in their order and without
    tcptype. ``spelling`` is the text that it was parsed from.
    """

    foundation: str
    component: int
    transport: str
    priority: int
    address: str
    port: int
    type: CandidateType
    related_address: str | None = None
    related_port: int | None = None
    tcptype: str | None = None
    extensions: tuple[tuple[str, str], ...] = ()
    spelling: str = field(default="", compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> Candidate:
        """Parse ``candidate:...`` or ``a=candidate:...``.

        Deviation: a type that RFC 8839 does not define is refused, though the grammar leaves room
        for it: nobody could tell what to do with it. Raises UsageError.
        """
        body = text[2:] if text[:2].lower() == "a=" else text
        name, colon, rest = body.partition(":")
        if not colon or name.lower() != "candidate":
            raise UsageError(WHAT, text, "it does not begin with candidate:")
        try:
            return cls(**_fields(rest.split(" ")), spelling=body)
        except ValueError as error:
            raise UsageError(WHAT, text, str(error)) from None

    def format(self) -> str:
        """Return the line without ``a=``, as RTCIceCandidate has it."""
        if self.spelling and self == Candidate.parse(self.spelling):
            return self.spelling
        words = [
            f"candidate:{self.foundation} {self.component} {self.transport} {self.priority}",
            f"{self.address} {self.port} typ {self.type}",
        ]
        if self.related_address is not None:
            words.append(f"raddr {self.related_address}")
        if self.related_port is not None:
            words.append(f"rport {self.related_port}")
        if self.tcptype is not None:
            words.append(f"tcptype {self.tcptype}")
        words += [f"{name} {value}" for name, value in self.extensions]
        return " ".join(words)

    def format_attribute(self) -> str:
        """Return the line of an SDP: ``a=candidate:...``."""
        return f"a={self.format()}"

    @property
    def ip(self) -> IPv4Address | IPv6Address | None:
        """The address as a value, without its zone; None for a name."""
        return parse_ip(self.address)

    @property
    def related_ip(self) -> IPv4Address | IPv6Address | None:
        """The related address likewise; None for a name, and when there is none."""
        return None if self.related_address is None else parse_ip(self.related_address)

    def extension(self, name: str) -> str | None:
        """Return the value of the first extension of that name (generation, ufrag, ...)."""
        return next((value for key, value in self.extensions if key.lower() == name), None)

    def __str__(self) -> str:
        return self.format()


def parse_ip(text: str) -> IPv4Address | IPv6Address | None:
    """Return an IP address without its zone, or None for anything else."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _fields(words: list[str]) -> dict[str, Any]:
    """Return the fields of a line's words, or raise ValueError with the place of the fault."""
    places = ("foundation", "component", "transport", "priority", "address", "port", "typ", "type")
    if len(words) < len(places) or "" in words[: len(places)]:
        lacking = next((p for p, w in zip(places, words, strict=False) if not w), None)
        raise ValueError(f"its {lacking or places[len(words)]} is missing")
    foundation, component, transport, priority, address, port, typ, kind = words[:8]
    if typ.lower() != "typ":
        raise ValueError(f"word 7 is {typ!r} and not typ")
    if kind.lower() not in _TYPES:
        raise ValueError(f"its type {kind!r} is not host, srflx, prflx or relay")
    return {
        "foundation": _matching(
            "foundation", foundation, _FOUNDATION, "1 to 32 of A-Z a-z 0-9 + /"
        ),
        "component": _number("component", component, digits=3),
        "transport": _matching("transport", transport, _TOKEN, "one token").lower(),
        "priority": _number("priority", priority, digits=10),
        "address": _matching("address", address, _ADDRESS, "visible characters"),
        "port": _port("port", port),
        "type": CandidateType(kind.lower()),
        **_extensions(words[8:]),
    }


def _extensions(words: list[str]) -> dict[str, Any]:
    """Read what follows the type: pairs, of which three have fields of their own."""
    if len(words) % 2:
        raise ValueError(f"{words[-1]!r} at its end has no value")
    known: dict[str, Any] = {}
    others = []
    for name, value in zip(words[::2], words[1::2], strict=True):
        key = name.lower()
        if key == "raddr" and "related_address" not in known:
            known["related_address"] = _matching(name, value, _ADDRESS, "visible characters")
        elif key == "rport" and "related_port" not in known:
            known["related_port"] = _port(name, value)
        elif key == "tcptype" and "tcptype" not in known:
            known["tcptype"] = _matching(name, value, _TOKEN, "one token").lower()
        else:
            _matching("extension", name, _TOKEN, "one token")
            others.append((name, _matching(name, value, _VISIBLE, "visible ASCII characters")))
    return {**known, "extensions": tuple(others)}


_TYPES = frozenset(CandidateType)


def _matching(place: str, word: str, pattern: re.Pattern[str], wanted: str) -> str:
    if not pattern.fullmatch(word):
        raise ValueError(f"its {place} {word!r} is not {wanted}")
    return word


def _number(place: str, word: str, *, digits: int) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= digits):
        raise ValueError(f"its {place} {word!r} is not a number of up to {digits} digits")
    return int(word)


def _port(place: str, word: str) -> int:
    number = _number(place, word, digits=20)  # zeros may lead
    if number > MAX_PORT:
        raise ValueError(f"its {place} {word!r} is not a port from 0 to {MAX_PORT}")
    return number
