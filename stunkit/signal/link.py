"""Links: where a site with rooms is, and the link to one of its rooms, ``https://HOST/rehearse#ROOM``.

The room is in the fragment, which no browser sends to a server (RFC 3986 section 3.5), so that it
stands in nobody's logs.
"""

from __future__ import annotations

import re
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from stunkit.endpoint import split_host_port
from stunkit.errors import UsageError
from stunkit.ice.candidate import parse_ip
from stunkit.wire.uri import Scheme, Uri

LOOPBACK_PORT = 8080  # where `stunkit serve --web` is to be tried out
PAGE = "/rehearse"

_WHAT = "a site: https://HOST[:PORT], or HOST[:PORT]"
_WHAT_LINK = "the link to a room: https://HOST/rehearse#ROOM"
_PORTS = {"http": 80, "https": 443}
_ROOM = re.compile(r"[A-Za-z0-9_-]{1,256}")


class Website(NamedTuple):
    """Where pages and rooms are served. ``host`` stands without brackets."""

    is_secure: bool
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a URL, or HOST[:PORT]: that is https, but http on loopback. Raises UsageError."""
        if "://" in text:
            return cls._of_url(text, _WHAT)
        host, port = split_host_port(text.rstrip("/"))
        Uri.parse(text.rstrip("/"))  # for its judgement of names
        return cls._of_host(host, port)

    @classmethod
    def of_server(cls, text: str) -> Self:
        """Return the site of whom STUNKIT_SERVER names, which is a STUN server: its host alone.

        Raises UsageError.
        """
        if text.lower().startswith(("http://", "https://")):
            return cls.parse(text)
        uri = Uri.parse(text)
        if uri.scheme not in (Scheme.STUN, Scheme.STUNS):
            raise UsageError(_WHAT, text, "it is a relay")
        return cls._of_host(uri.host, None)

    @classmethod
    def _of_host(cls, host: str, port: int | None) -> Self:
        ip = parse_ip(host)
        if host.lower() == "localhost" or (ip is not None and ip.is_loopback):
            return cls(is_secure=False, host=host, port=LOOPBACK_PORT if port is None else port)
        return cls(is_secure=True, host=host, port=_PORTS["https"] if port is None else port)

    @classmethod
    def _of_url(cls, text: str, what: str) -> Self:
        try:
            parts = urlsplit(text)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise UsageError(what, text, str(error).lower()) from None
        if parts.scheme not in _PORTS:
            raise UsageError(what, text, "it is neither http: nor https:")
        if not host or not text.isprintable() or " " in text:
            raise UsageError(what, text, "it names no host")
        if parts.username is not None:
            raise UsageError(what, f"{parts.scheme}://...", "it has a name or a password")
        return cls(parts.scheme == "https", host, _PORTS[parts.scheme] if port is None else port)

    def url(self, path: str, *, is_socket: bool = False) -> str:
        """Return the address of something there; of a WebSocket, if it ``is_socket``."""
        scheme = "https" if self.is_secure else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[scheme] else f":{self.port}"
        return f"{scheme.replace('http', 'ws') if is_socket else scheme}://{host}{port}{path}"

    def __str__(self) -> str:
        return self.url("")


class RoomLink(NamedTuple):
    """What one sends to whom one wants to call. Whoever has it can come in."""

    site: Website
    room: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a link. Raises UsageError."""
        text = text.strip()
        if "://" not in text:
            raise UsageError(_WHAT_LINK, text, "it does not begin with https:// or http://")
        site = Website._of_url(text, _WHAT_LINK)  # noqa: SLF001 (of this file)
        room = urlsplit(text).fragment
        if not _ROOM.fullmatch(room):
            raise UsageError(_WHAT_LINK, text, "it names no room after a #")
        return cls(site, room)

    def __str__(self) -> str:
        return f"{self.site.url(PAGE)}#{self.room}"
