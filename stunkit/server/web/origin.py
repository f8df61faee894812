"""Which pages may use the server: what a browser says in Origin (RFC 6455 section 10.2)."""

from __future__ import annotations

from collections.abc import Collection

ANY = "*"


def is_allowed(origin: str | None, host: str | None, allowed: Collection[str]) -> bool:
    """Return whether a request may be served; ``host`` is what it says in Host.

    A page from the same host may ask, and those that are ``allowed``. A program that is no browser
    says no Origin, and can say any: there is nobody to protect from it.
    """
    if origin is None or ANY in allowed:
        return True
    origin = origin.lower()
    scheme, _, authority = origin.partition("://")
    is_own = scheme in ("http", "https") and authority == (host or "").lower() != ""
    return is_own or origin in allowed
