"""The pages: files of the folder ``page``, and what their visitors' browsers have to keep to.

``/`` is *Who am I* (index.html), ``/rehearse`` is *Rehearse* (rehearse.html), and every file is at
``/static/NAME``.

Rules of this file: all is read once, at the start, when a server may still read its own files. No
page runs what did not come from here: no inline script or style, no frame, no other host (W3C
Content Security Policy Level 3).
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from stunkit.server.web.directory import parse_host

if TYPE_CHECKING:
    from aiohttp import web

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",  # RFC 9239 section 6.1.1
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}
PLACES = {"index.html": "/", "rehearse.html": "/rehearse"}  # besides /static/NAME

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "media-src 'self' blob: mediastream:; manifest-src 'self'; connect-src {}; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(self), microphone=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
SECURE = "max-age=15552000"  # half a year; RFC 6797 section 6.1


class File(NamedTuple):
    """A file as it is served."""

    body: bytes
    kind: str
    tag: str  # RFC 9110 section 8.8.3, without quotes


@cache
def load() -> dict[str, File]:
    """Return every file, by the path under which it is found."""
    found = {}
    folder = files("stunkit.server.web") / "page"
    for one in folder.iterdir() if folder.is_dir() else ():
        kind = TYPES.get("." + one.name.rpartition(".")[2])
        if kind is None:
            continue
        body = one.read_bytes()
        file = File(body, kind, hashlib.sha256(body).hexdigest()[:32])
        found[f"/static/{one.name}"] = file
        if one.name in PLACES:
            found[PLACES[one.name]] = file
    return found


async def show(request: web.Request) -> web.Response:
    """Answer with a file, or that the browser's copy of it is still good."""
    from aiohttp import web  # noqa: PLC0415 (needs an extra)

    file = load()[request.path]
    headers = {"ETag": f'"{file.tag}"', "Cache-Control": "no-cache"}
    if any(one.value in ("*", file.tag) for one in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(body=file.body, headers={"Content-Type": file.kind, **headers})


def headers(host: str | None, *, is_secure: bool) -> dict[str, str]:
    """Return what every answer says besides; ``host`` is what the request has in Host."""
    places = ["'self'"]
    # Browsers differ in whether 'self' is good for WebSockets; a policy cannot name IPv6 addresses.
    if host is not None and "[" not in host and parse_host(host) is not None:
        places += [f"wss://{host}"] if is_secure else [f"ws://{host}", f"wss://{host}"]
    found = {"Content-Security-Policy": POLICY.format(" ".join(places)), **HEADERS}
    return found | {"Strict-Transport-Security": SECURE} if is_secure else found
