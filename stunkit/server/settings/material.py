"""What a server works with besides settings and sockets: what the files hold that settings name.

It is loaded whole before anything is served by it, so a file that cannot be used changes nothing.
Rules of this file: it can be pickled, as it goes from the parent of several workers to each.
"""

from __future__ import annotations

from typing import NamedTuple, Self

from stunkit.errors import SettingsError
from stunkit.net.transport.certificate import ServerCertificate
from stunkit.protocol.credentials import Credentials
from stunkit.server import relays
from stunkit.server.relays import Relays
from stunkit.server.settings import credentials_file, key_file, secret_file
from stunkit.server.settings.tls import TlsSettings
from stunkit.server.settings.tree import Settings
from stunkit.server.settings.web import WebSettings


class Material(NamedTuple):
    """``credentials`` make it a closed server; without them, everybody is answered.

    ``partner_key`` is what it and its partner know, None without a partner. ``certificate`` is
    shown over TLS, None without TLS. ``store_password`` opens the store of rooms,
    and ``relays`` are what peers are told of.
    """

    credentials: Credentials | None = None
    partner_key: bytes | None = None
    certificate: ServerCertificate | None = None
    store_password: str | None = None
    relays: Relays | None = None

    @classmethod
    def load(cls, settings: Settings, nonce_secret: bytes) -> Self:
        """Read every file that the settings name. Raises SettingsError.

        ``nonce_secret`` signs the nonces of this server, from its start to its end.
        """
        return cls(
            credentials_file.load(settings.authentication, nonce_secret),
            key_file.load(settings.partner),
            _load_certificate(settings.tls),
            _load_store_password(settings.web),
            relays.load(settings.web),
        )


def _load_certificate(settings: TlsSettings) -> ServerCertificate | None:
    if settings.certificate is not None:
        return ServerCertificate.load(settings.certificate, settings.key)
    for name, value in (
        ("key", settings.key),
        ("listen", settings.listen),
        ("shared", settings.shared),
    ):
        if value:
            raise SettingsError("", f"tls.{name}", "it needs tls.certificate")
    return None


def _load_store_password(settings: WebSettings) -> str | None:
    if settings.store_password_file is None:
        return None
    if settings.store is None:
        raise SettingsError("", "web.store_password_file", "it needs web.store")
    return secret_file.read_line(settings.store_password_file)
