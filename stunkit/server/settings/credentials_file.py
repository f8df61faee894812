"""The credentials file: who may ask a closed server, one entry a line.

    password USERNAME PASSWORD      the password is the rest of the line
    key USERNAME HEX                the MD5 or SHA-256 key of username, realm and password
    secret TEXT                     of the REST convention: it vouches for usernames with an expiry

Empty lines, and those that begin with ``#``, say nothing. Spaces around a line do not count.

Rules of this file: errors name file and line, and never a password, a key or a secret.
"""

from __future__ import annotations

from pathlib import Path

from stunkit.errors import SettingsError, Unencodable
from stunkit.protocol.credentials import ALGORITHM_BY_KEY_SIZE, Credentials
from stunkit.protocol.nonces import LEAST_SECRET
from stunkit.server.settings import secret_file
from stunkit.server.settings.authentication import AuthenticationSettings
from stunkit.wire.attributes.text import Username
from stunkit.wire.prepare import opaque_string

WORDS = {"password": 3, "key": 3, "secret": 2}  # how many each kind of entry has


def load(settings: AuthenticationSettings, nonce_secret: bytes) -> Credentials | None:
    """Return the credentials that the settings speak of, None for an open server.

    ``nonce_secret`` counts where the settings name no file with one. Raises SettingsError.
    """
    path = settings.credentials_file
    if path is None:
        if settings.realm is not None:
            raise SettingsError(
                "", "authentication.realm", "it needs authentication.credentials_file"
            )
        return None
    if settings.nonce_secret_file is not None:
        nonce_secret = _read_nonce_secret(settings.nonce_secret_file)
    entries = _Entries(str(path))
    for number, line in enumerate(secret_file.read(path).splitlines(), 1):
        entries.add(number, line.strip())
    if not (entries.passwords or entries.keys or entries.secrets):
        raise SettingsError(str(path), "", "it has no entry, so nobody could ask")
    try:
        return Credentials(
            entries.passwords,
            entries.keys,
            entries.secrets,
            realm=settings.realm,
            nonce_secret=nonce_secret,
            nonce_lifetime=settings.nonce_lifetime,
        )
    except (ValueError, Unencodable) as error:
        raise SettingsError(str(path), "", str(error)) from None


class _Entries:
    """What has been read so far."""

    def __init__(self, file: str) -> None:
        self._file = file
        self.passwords: dict[str, str] = {}
        self.keys: dict[str, list[bytes]] = {}
        self.secrets: list[str] = []

    def add(self, number: int, line: str) -> None:
        """Read one line. Raises SettingsError."""
        if not line or line.startswith("#"):
            return
        try:
            self._add(line)
        except Unencodable as error:
            raise SettingsError(self._file, "", error.reason, number) from None
        except ValueError as error:
            raise SettingsError(self._file, "", str(error), number) from None

    def _add(self, line: str) -> None:
        kind = line.split(maxsplit=1)[0]
        if kind not in WORDS:
            # What stands there may be a secret whose first word was forgotten: it is not repeated.
            raise ValueError("it begins with none of password, key, secret")
        words = line.split(maxsplit=WORDS[kind] - 1)
        if len(words) < WORDS[kind]:
            after = "a text" if kind == "secret" else "a username and something more"
            raise ValueError(f"after {kind} belongs {after}")
        if kind == "secret":
            self.secrets.append(words[1])
            return
        username, value = opaque_string(words[1]), words[2]
        Username(username).encode(b"")
        if username in self.passwords or (kind == "password" and username in self.keys):
            raise ValueError(f"there is another entry for {username}")
        if kind == "password":
            opaque_string(value)
            self.passwords[username] = value
        else:
            self._add_key(username, value)

    def _add_key(self, username: str, text: str) -> None:
        try:
            key = bytes.fromhex(text)
        except ValueError:
            raise ValueError("the key is not in hexadecimal digits") from None
        if len(key) not in ALGORITHM_BY_KEY_SIZE:
            raise ValueError(f"a key has 16 or 32 bytes, not {len(key)}")
        known = self.keys.setdefault(username, [])
        if any(len(key) == len(other) for other in known):
            raise ValueError(f"there is another key of this length for {username}")
        known.append(key)


def _read_nonce_secret(path: Path) -> bytes:
    secret = secret_file.read(path).strip().encode()
    if len(secret) < LEAST_SECRET:
        raise SettingsError(str(path), "", f"it has fewer than {LEAST_SECRET} bytes")
    return secret
