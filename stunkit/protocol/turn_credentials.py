"""What a client shows a relay: a username and a password, by hand or of the REST convention.

A username of the convention ("A REST API for Access to TURN Services", draft-uberti-behave-turn-
rest) says when it expires, so that whoever holds one can see that it has. Access tokens (RFC 7635)
are not supported.

Rules of this file: a password does not appear in ``repr``; ``now`` is Unix time in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from stunkit.protocol.credentials import expiry, rest_password
from stunkit.protocol.login import Login

LEAST_EXPIRY = 1_000_000_000  # Unix time; a smaller number in a username is no time of its expiry


@dataclass(frozen=True, slots=True)
class TurnCredentials:
    """A long-term credential for relays. Raises Unencodable for text that cannot be one."""

    username: str
    password: str = field(repr=False)

    def __post_init__(self) -> None:
        self.login()

    def login(self) -> Login:
        """Return a login for one server; each needs its own."""
        return Login(self.username, self.password)

    @property
    def expires(self) -> int | None:
        """The Unix time at which the username says that it expires, None where it says none."""
        time = expiry(self.username)
        return None if time is None or time < LEAST_EXPIRY else time


def turn_rest_credentials(secret: str, name: str, now: float, lifetime: int) -> TurnCredentials:
    """Make credentials that a relay with this secret accepts for ``lifetime`` seconds from ``now``.

    ``name`` may be empty; it is for the relay's logs and quotas. Raises Unencodable.
    """
    username = f"{int(now) + lifetime}" + (f":{name}" if name else "")
    return TurnCredentials(username, rest_password(secret, username))
