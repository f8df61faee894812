"""The messages of the signalling protocol as values, and as the JSON that they travel in.

The protocol is ours; `stunkit explain signalling` documents it. What it carries is that of others:
a description is SDP (RFC 8866) with ICE's attributes (RFC 8839), a candidate is W3C's
RTCIceCandidateInit, and the end of candidates is that of RFC 8838 section 13.

Rules of this file: exact about what comes from a client. One object a message, every member known
and of its kind, nothing longer than it has to be; what is carried is checked for size and shape,
and is nobody else's text in disguise. Whatever text comes, ``parse`` returns a message or raises
SignalError.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from stunkit.errors import SignalError, UsageError
from stunkit.ice.sdp import parse_leniently
from stunkit.signal.fault import Fault
from stunkit.signal.ice_server import IceServer

VERSION = 1
# A description of a call between two with many codecs is some 10,000 characters long, a candidate
# some 200. A message holds the former with every line's end escaped.
MOST_CHARACTERS = 65_536  # of a message
MOST_SDP = 49_152  # characters
MOST_LINES = 2_000  # of a description
MOST_CANDIDATE = 1_024  # characters
MOST_NAME = 256  # characters of a mid, of a username fragment (RFC 8839 section 5.4), of a name
MOST_NUMBER = (1 << 53) - 1  # what JavaScript counts to without a gap

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_LINES = re.compile(r"(?:[a-z]=[^\x00-\x08\x0a-\x1f\x7f]*(?:\r?\n|\Z))+")  # RFC 8866 section 9

# Nearly all candidates look like this, and to read one whole is half the work of a message. What
# it matches is a candidate; what it does not is read.
_USUAL = re.compile(
    r"candidate:[A-Za-z0-9+/]{1,32} [1-9] (?:udp|tcp|UDP|TCP) [12]?[0-9]{1,9} [0-9A-Fa-f.:]{2,45} "
    r"[1-5]?[0-9]{1,4} typ (?:host|srflx|prflx|relay)"
    r"(?: raddr [0-9A-Fa-f.:]{2,45} rport [1-5]?[0-9]{1,4})?"
    r"(?: (?:generation|ufrag|network-id|network-cost) [A-Za-z0-9+/]{1,256})*"
)


class Kind(StrEnum):
    """What one peer says to the other."""

    OFFER = "offer"
    ANSWER = "answer"
    CANDIDATE = "candidate"
    END_OF_CANDIDATES = "end-of-candidates"


class Join(NamedTuple):
    """A client wants a seat in a room.

    ``token`` is that of a seat which it has had. With ``session`` and ``received``, the number of
    the last message that it has of that session, it wants to go on where it was; without, it begins
    anew.
    """

    room: str
    token: str | None = None
    session: int | None = None
    received: int = 0


class Relay(NamedTuple):
    """Something for the other peer.

    ``seq`` counts what the sender has said in a session, from 1. ``content`` has the members of a
    kind: ``sdp``, or ``candidate``, an RTCIceCandidateInit.
    """

    kind: Kind
    session: int
    seq: int
    content: dict[str, Any]


class Bye(NamedTuple):
    """A client leaves for good."""


class Joined(NamedTuple):
    """What a client is told that has a seat.

    ``received`` is the number of the last message that the room has from it, and ``peer`` whether
    somebody has the other seat. The room is there for ``expires`` seconds more at most, and so long
    are the ``ice_servers`` good.
    """

    seat: int
    token: str
    session: int
    resumed: bool
    received: int
    peer: bool
    expires: float
    ice_servers: Sequence[IceServer] = ()


class PeerState(StrEnum):
    """What became of who has the other seat."""

    JOINED = "joined"
    LOST = "lost"
    RESUMED = "resumed"
    LEFT = "left"


class Peer(NamedTuple):
    """News of the other peer. When it has joined, a new session begins."""

    state: PeerState
    session: int


class Problem(NamedTuple):
    """An error, as a client is told."""

    fault: Fault
    reason: str


def parse(text: str) -> Join | Relay | Bye:
    """Return the message that a client has sent. Raises SignalError."""
    members = _object(text)
    kind = members.pop("type", None)
    if kind == "join":
        return _join(members)
    if kind == "bye":
        _only(members)
        return Bye()
    if not isinstance(kind, str) or kind not in _CONTENTS:
        raise _malformed("its type is none that a client sends")
    session, seq = _number(members, "session"), _number(members, "seq")
    if session is None or seq is None:
        raise _malformed("it needs session and seq")
    known = Kind(kind)
    return Relay(known, session, seq, _CONTENTS[known](members))


def format_relay(message: Relay) -> str:
    """Return what one peer says as JSON, which ``parse`` makes the same of."""
    kind, session, seq, content = message
    return _dump({"type": kind, "session": session, "seq": seq, **content})


def format_joined(message: Joined) -> str:
    """Return what a client is told that has a seat, as JSON."""
    seat, token, session, resumed, received, peer, expires, ice_servers = message
    return _dump(
        {
            "type": "joined",
            "version": VERSION,
            "polite": seat == 1,
            "token": token,
            "session": session,
            "resumed": resumed,
            "received": received,
            "peer": peer,
            "expires": round(expires, 3),
            "ice_servers": [one.members() for one in ice_servers],
        }
    )


def format_peer(message: Peer) -> str:
    """Return news of the other peer as JSON."""
    return _dump({"type": "peer", "state": message.state, "session": message.session})


def format_problem(message: Problem) -> str:
    """Return an error as JSON."""
    fault, reason = message
    return _dump({"type": "error", "code": fault, "reason": reason, "final": fault.is_final})


def format_join(message: Join) -> str:
    """Return a client's wish for a seat as JSON."""
    room, token, session, received = message
    members: dict[str, Any] = {"type": "join", "version": VERSION, "room": room}
    if token is not None:
        members["token"] = token
    if session is not None:
        members |= {"session": session, "received": received}
    return _dump(members)


def _dump(members: dict[str, Any]) -> str:
    return _ENCODER.encode(members)


def _malformed(reason: str) -> SignalError:
    return SignalError(Fault.MALFORMED, reason)


def _object(text: str) -> dict[str, Any]:
    """Return the members of the one object that a text is."""
    if len(text) > MOST_CHARACTERS:
        raise _malformed(f"it is longer than {MOST_CHARACTERS} characters")
    try:
        members = _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise _malformed("it is not JSON") from None
    if not isinstance(members, dict):
        raise _malformed("it is no object")
    return members


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _malformed("it has a member twice")
    return members


def _refuse(word: str) -> float:
    raise ValueError(word)  # NaN and the infinities are Python's, not JSON's


_DECODER = json.JSONDecoder(object_pairs_hook=_distinct, parse_constant=_refuse)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _only(members: dict[str, Any]) -> None:
    """Refuse what is left once all that is known has been taken out."""
    if members:
        raise _malformed("it has a member that its type does not have")


def _number(members: dict[str, Any], name: str, least: int = 1) -> int | None:
    """Take a whole number out of an object, None where it is not there."""
    value = members.pop(name, None)
    if value is None:
        return None
    if type(value) is not int or not least <= value <= MOST_NUMBER:
        raise _malformed(f"{name} has to be a whole number, at least {least}")
    return value


def _text(members: dict[str, Any], name: str, most: int) -> str | None:
    """Take a text of one line out of an object, None where it is not there."""
    value = members.pop(name, None)
    if value is None:
        return None
    if not isinstance(value, str):
        raise _malformed(f"{name} has to be text")
    _check(value, name, most)
    if _CONTROL.search(value):
        raise _malformed(f"{name} has a control character")
    return value


def _check(value: str, name: str, most: int) -> None:
    """Refuse a text that is too long, or that is none: half a surrogate pair."""
    if len(value) > most:
        raise _malformed(f"{name} is longer than {most} characters")
    try:
        if not value.isascii():
            value.encode()
    except UnicodeEncodeError:
        raise _malformed(f"{name} is not Unicode") from None


def _join(members: dict[str, Any]) -> Join:
    version = members.pop("version", None)
    if type(version) is not int or version != VERSION:
        raise SignalError(Fault.UNSUPPORTED_VERSION, f"this server speaks version {VERSION}")
    room = _text(members, "room", MOST_NAME)
    token = _text(members, "token", MOST_NAME)
    session, received = _number(members, "session"), _number(members, "received", 0)
    _only(members)
    if not room:
        raise _malformed("it needs a room")
    if (session is None) != (received is None):
        raise _malformed("session and received go together")
    return Join(room, token, session, received or 0)


def _description(members: dict[str, Any]) -> dict[str, Any]:
    """Take the SDP of an offer or an answer."""
    sdp = members.pop("sdp", None)
    _only(members)
    if not isinstance(sdp, str):
        raise _malformed("sdp has to be text")
    _check(sdp, "sdp", MOST_SDP)
    lines = sdp.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if lines[0] != "v=0" or len(lines) > MOST_LINES:
        raise _malformed(f"sdp has to begin with v=0, and have {MOST_LINES} lines at most")
    is_good = _LINES.fullmatch(sdp)  # at once, as nearly all are
    if is_good and "a=candidate:" not in sdp:
        return {"sdp": sdp}
    for number, line in enumerate(lines, 1):
        if not is_good and not _LINES.fullmatch(line):
            raise _malformed(f"line {number} of sdp is none")
        if line.startswith("a=candidate:"):
            try:
                parse_leniently(line)
            except UsageError as error:
                raise _malformed(f"line {number} of sdp: {error.reason}") from None
    return {"sdp": sdp}


def _candidate(members: dict[str, Any]) -> dict[str, Any]:
    """Take an RTCIceCandidateInit."""
    inner = members.pop("candidate", None)
    _only(members)
    if not isinstance(inner, dict):
        raise _malformed("candidate has to be an object")
    found = {
        "candidate": _text(inner, "candidate", MOST_CANDIDATE),
        "sdpMid": _text(inner, "sdpMid", MOST_NAME),
        "sdpMLineIndex": _number(inner, "sdpMLineIndex", 0),
        "usernameFragment": _text(inner, "usernameFragment", MOST_NAME),
    }
    _only(inner)
    if found["sdpMid"] is None and found["sdpMLineIndex"] is None:
        raise _malformed("candidate needs sdpMid or sdpMLineIndex")
    text = str(found["candidate"])
    try:
        if not _USUAL.fullmatch(text):
            parse_leniently(text)
    except UsageError as error:
        raise _malformed(f"candidate is none: {error.reason}") from None
    return {"candidate": found}


def _nothing(members: dict[str, Any]) -> dict[str, Any]:
    _only(members)
    return {}


_CONTENTS = {
    Kind.OFFER: _description,
    Kind.ANSWER: _description,
    Kind.CANDIDATE: _candidate,
    Kind.END_OF_CANDIDATES: _nothing,
}
