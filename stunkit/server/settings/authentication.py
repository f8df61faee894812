"""The settings of a closed server: where its credentials are, and what its challenges say."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stunkit.protocol.credentials import Credentials
from stunkit.protocol.nonces import LEAST_SECRET, LIFETIME, LONGEST_LIFETIME
from stunkit.server.settings.kinds import File, Text, Whole
from stunkit.server.settings.setting import setting


def _check_realm(text: str) -> None:
    Credentials(realm=text, nonce_secret=bytes(LEAST_SECRET))


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthenticationSettings:
    """Who may ask; without a credentials_file, everybody."""

    credentials_file: Path | None = setting(
        File("a file"),
        None,
        "Answer only those whose credentials stand in this file, and sign the answers; see "
        "`stunkit explain authentication`.",
    )
    realm: str | None = setting(
        Text("a realm", check=_check_realm),
        None,
        "Makes the credentials long-term, of this realm: best the server's domain name. "
        "Empty: short-term.",
    )
    nonce_lifetime: int = setting(
        Whole("a lifetime", 1, LONGEST_LIFETIME),
        LIFETIME,
        "How long a nonce is good; a client that comes back later is asked once more.",
        unit="seconds",
    )
    nonce_secret_file: Path | None = setting(
        File("a file"),
        None,
        f"Servers with the same text in this file, {LEAST_SECRET} bytes or more, accept each "
        "other's nonces. Empty: each start makes its own.",
    )
