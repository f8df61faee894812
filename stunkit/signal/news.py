"""News: the messages of the signalling protocol that a server sends, read by a client.

What the other peer says has the same form in both directions and is read by ``message.parse``.

Rules of this file: exact about what is needed, blind to what is not known, so that a newer server
can say more. Whatever text comes, ``parse_news`` returns a message or raises SignalError.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from stunkit.errors import SignalError
from stunkit.signal.fault import Fault
from stunkit.signal.ice_server import IceServer
from stunkit.signal.message import MOST_CHARACTERS, Kind, Peer, PeerState, Problem, Relay, parse

MOST_SERVERS = 16  # of a joined message; each is one RTCIceServer
MOST_REASON = 1_000  # characters of an error's reason


class Welcome(NamedTuple):
    """A ``joined`` message: this client has a seat.

    Whoever uses ``ice_servers`` has to look at what they say: it is a server's text.
    """

    polite: bool
    token: str
    session: int
    resumed: bool
    received: int
    peer: bool
    expires: float | None = None
    ice_servers: tuple[IceServer, ...] = ()


def parse_news(text: str) -> Welcome | Peer | Problem | Relay:
    """Return the message that a server has sent. Raises SignalError."""
    members = _object(text)
    kind = members.get("type")
    if kind == "joined":
        return _welcome(members)
    if kind == "peer":
        state = members.get("state")
        if not isinstance(state, str) or state not in _STATES:
            raise _malformed("the peer's state is none that is known")
        return Peer(PeerState(state), _number(members, "session", 1))
    if kind == "error":
        return _problem(members)
    if isinstance(kind, str) and kind in _KINDS:
        message = parse(text)
        assert isinstance(message, Relay)  # noqa: S101 (its type says so)
        return message
    raise _malformed("its type is none that a server sends")


def _object(text: str) -> dict[str, Any]:
    if len(text) > MOST_CHARACTERS:
        raise _malformed(f"it is longer than {MOST_CHARACTERS} characters")
    try:
        members = json.loads(text)
        if "\\u" in text:  # what is no Unicode can be neither said again nor shown
            json.dumps(members, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise _malformed("it is not JSON") from None
    if not isinstance(members, dict):
        raise _malformed("it is no object")
    return members


def _welcome(members: dict[str, Any]) -> Welcome:
    token = members.get("token")
    if not isinstance(token, str) or not token:
        raise _malformed("it has no token")
    servers = members.get("ice_servers")
    found = map(_ice_server, servers[:MOST_SERVERS] if isinstance(servers, list) else [])
    return Welcome(
        polite=_flag(members, "polite"),
        token=token,
        session=_number(members, "session", 1),
        resumed=_flag(members, "resumed"),
        received=_number(members, "received", 0),
        peer=_flag(members, "peer"),
        expires=_seconds(members.get("expires")),
        ice_servers=tuple(one for one in found if one is not None),
    )


def _seconds(value: object) -> float | None:
    """Return a time, None for what is none."""
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None


def _ice_server(value: object) -> IceServer | None:
    """Return a server of the list, None for what is none."""
    if not isinstance(value, dict):
        return None
    urls = value.get("urls")
    uris = [one for one in (urls if isinstance(urls, list) else [urls]) if isinstance(one, str)]
    username, credential = value.get("username"), value.get("credential")
    if isinstance(username, str) and isinstance(credential, str):
        return IceServer(tuple(uris), username, credential)
    return IceServer(tuple(uris)) if uris else None


def _problem(members: dict[str, Any]) -> Problem:
    """Return an error; of a code that is not known, what its finality leaves to do."""
    code, reason = members.get("code"), members.get("reason")
    words = reason[:MOST_REASON] if isinstance(reason, str) else ""
    if isinstance(code, str) and code in _FAULTS:
        return Problem(Fault(code), words)
    fault = Fault.UNAVAILABLE if members.get("final") is True else Fault.MALFORMED
    return Problem(fault, f"{code}: {words}"[:MOST_REASON])


def _flag(members: dict[str, Any], name: str) -> bool:
    value = members.get(name)
    if not isinstance(value, bool):
        raise _malformed(f"{name} has to be true or false")
    return value


def _number(members: dict[str, Any], name: str, least: int) -> int:
    value = members.get(name)
    if type(value) is not int or value < least:
        raise _malformed(f"{name} has to be a whole number, at least {least}")
    return value


def _malformed(reason: str) -> SignalError:
    return SignalError(Fault.MALFORMED, reason)


_KINDS = frozenset(kind.value for kind in Kind)
_STATES = frozenset(state.value for state in PeerState)
_FAULTS = frozenset(fault.value for fault in Fault)
