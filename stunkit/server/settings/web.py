"""What an operator can choose about signalling: a section of the tree in ``settings``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from stunkit.endpoint import Endpoint
from stunkit.errors import UsageError
from stunkit.server.settings.kinds import File, Flag, Many, Number, Text, Whole, Written, endpoints
from stunkit.server.settings.setting import setting
from stunkit.signal.seat import Limits
from stunkit.wire.uri import Scheme, Uri

DEFAULT_PORT = 8080
SCHEMES = ("redis://", "rediss://", "unix://")  # what redis-py takes

_LIMITS = Limits()  # for what its numbers are by default
_ORIGIN = re.compile(r"https?://[^/?#@\s]+")  # RFC 6454 section 6.2


def _parse_origin(text: str) -> str:
    if text != "*" and not _ORIGIN.fullmatch(text):
        raise ValueError("it looks like https://HOST or https://HOST:PORT, or is *")
    return text.lower()


def _parse_store(text: str) -> str | None:
    if not text:
        return None
    # Everybody sees a command line, and --check prints a file: no password may be in them, and none
    # that somebody gives all the same may be repeated.
    shown = re.sub("//.*(?=@)", "//...", text)
    if not text.startswith(SCHEMES):
        raise UsageError("a store", shown, f"it begins with none of {', '.join(SCHEMES)}")
    try:
        url = urlsplit(text)
        has_password = url.password is not None or "password" in parse_qs(url.query)
    except ValueError:
        raise UsageError("a store", shown, "it is no URL") from None
    if has_password:
        shown = f"{url.scheme}://..."
        raise UsageError("a store", shown, "its password goes into web.store_password_file")
    return text


def _parse_stun(text: str) -> str:
    uri = _parse_uri(text, Scheme.STUN, Scheme.STUNS)
    if uri.transport is not None:
        raise ValueError("browsers take no transport in it")
    return uri.format()


def _parse_turn(text: str) -> str:
    return _parse_uri(text, Scheme.TURN, Scheme.TURNS).format()


def _parse_uri(text: str, *schemes: Scheme) -> Uri:
    if not text.lower().startswith(tuple(f"{one}:" for one in schemes)):
        raise ValueError(f"it begins with none of {', '.join(f'{one}:' for one in schemes)}")
    return Uri.parse(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Signalling over WebSocket; none without a place. See `stunkit explain signalling`."""

    listen: tuple[Endpoint, ...] = setting(
        endpoints(DEFAULT_PORT),
        (),
        "Carry signalling between two peers here, over HTTP, or HTTPS where there is a "
        f"certificate (see tls). Without a port: {DEFAULT_PORT}; the bare option: on loopback.",
        needs_restart=True,
        alias="--web",
        bare="127.0.0.1",
    )
    plain: bool = setting(
        Flag(),
        False,
        "Speak HTTP though there is a certificate, as behind a proxy that has its own.",
        needs_restart=True,
    )
    origins: tuple[str, ...] = setting(
        Many(Written("an origin", "ORIGIN", _parse_origin)),
        (),
        "Pages from elsewhere that may use it, such as https://app.example.org; * is any. Those of "
        "the server's own host always may, and programs that are no browsers.",
    )
    store: str | None = setting(
        Written("a store", "URL", _parse_store, lambda one: one or ""),
        None,
        "Keep the rooms in this Redis or Valkey (redis://HOST:PORT/DB), so that several workers or "
        "servers carry one room. Empty: in this process.",
        needs_restart=True,
        alias="--signal-store",
    )
    store_password_file: Path | None = setting(
        File("a file"),
        None,
        "The password of the store, in a file of one line; a user's name stands in the URL.",
        needs_restart=True,
    )
    stun: tuple[str, ...] = setting(
        Many(Written("a STUN URI", "URI", _parse_stun)),
        (),
        "Tell browsers of these STUN servers instead of this one, as behind a NAT.",
    )
    turn: tuple[str, ...] = setting(
        Many(Written("a TURN URI", "URI", _parse_turn)),
        (),
        "Tell who has a seat in a room of these relays, such as turn:turn.example.org.",
    )
    turn_secret_file: Path | None = setting(
        File("a file"),
        None,
        "The secret of the relays (coturn: static-auth-secret), in a file of one line: each peer "
        "gets credentials that expire with the room.",
    )
    turn_user: str | None = setting(
        Text("a username", "NAME"),
        None,
        "Where the relays know no secret: the username that all peers get.",
    )
    turn_password_file: Path | None = setting(
        File("a file"),
        None,
        "The password that goes with turn_user, in a file of one line.",
    )
    max_rooms: int = setting(
        Whole("a number of rooms", 1, 1_000_000),
        2000,
        "Rooms at a time; there is no other before one ends.",
    )
    max_callers: int = setting(
        Whole("a number of connections", 1, 1_000_000),
        5000,
        "Connections at a time, of each process.",
        needs_restart=True,
    )
    max_per_source: int = setting(
        Whole("a number", 1, 1_000_000),
        100,
        "What a source prefix (see limit) may have: connections at a time, and new rooms within "
        "ten minutes. Sources in limit.allow may have any number.",
    )
    room_lifetime: float = setting(
        Number("a time", 1.0),
        _LIMITS.lifetime,
        "A room ends after so long; the call that it began does not.",
        unit="seconds",
    )

    @property
    def limits(self) -> Limits:
        """What a room allows."""
        return Limits(lifetime=self.room_lifetime)
