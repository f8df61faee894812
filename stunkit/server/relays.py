"""The TURN servers that peers are told of, and what to show them (RFC 8656).

With a secret that the relays know too, each peer gets a username and password of its own, which
expire: the REST convention that coturn calls ``use-auth-secret``. Without one, all get the same.

Rules of this file: errors and ``repr`` show no secret.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from stunkit.errors import SettingsError, Unencodable
from stunkit.protocol.turn_credentials import TurnCredentials, turn_rest_credentials
from stunkit.server.settings import secret_file
from stunkit.server.settings.web import WebSettings
from stunkit.signal.ice_server import IceServer


@dataclass(frozen=True, slots=True)
class Relays:
    """Relays that all take the same: what a ``secret`` vouches for, or the ``fixed`` one."""

    uris: tuple[str, ...]
    secret: str = field(default="", repr=False)
    fixed: TurnCredentials | None = None

    def for_seat(self, now: float, lifetime: float) -> IceServer:
        """Return them with credentials that are good for so long from ``now``, Unix time."""
        given = self.fixed or turn_rest_credentials(self.secret, "", now, math.ceil(lifetime))
        return IceServer(self.uris, given.username, given.password)


def load(settings: WebSettings) -> Relays | None:
    """Return the relays that the settings name, None without any. Raises SettingsError."""
    if not settings.turn:
        for name in ("turn_secret_file", "turn_user", "turn_password_file"):
            if getattr(settings, name) is not None:
                raise SettingsError("", f"web.{name}", "it needs web.turn")
        return None
    is_secret, is_fixed = settings.turn_secret_file is not None, settings.turn_user is not None
    if is_secret == is_fixed:
        raise SettingsError("", "web.turn", "it needs one of web.turn_secret_file, web.turn_user")
    if is_fixed != (settings.turn_password_file is not None):
        raise SettingsError("", "web.turn_user", "it goes together with web.turn_password_file")
    if settings.turn_secret_file is not None:
        return Relays(settings.turn, secret_file.read_line(settings.turn_secret_file))
    assert settings.turn_user is not None  # noqa: S101 (see is_fixed)
    assert settings.turn_password_file is not None  # noqa: S101 (the same)
    password = secret_file.read_line(settings.turn_password_file)
    try:
        return Relays(settings.turn, fixed=TurnCredentials(settings.turn_user, password))
    except Unencodable as error:
        raise SettingsError("", "web.turn_user", str(error)) from None
