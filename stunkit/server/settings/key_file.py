"""The key file of two partners: 64 hexadecimal digits or more, the same on both machines.

``openssl rand -hex 32`` makes one. Rules of this file: errors name the file, and never what is in
it.
"""

from __future__ import annotations

from stunkit.errors import SettingsError
from stunkit.protocol.partner import LEAST_KEY
from stunkit.server.settings import secret_file
from stunkit.server.settings.tree import PartnerSettings


def load(settings: PartnerSettings) -> bytes | None:
    """Return the key of the link, None without a partner. Raises SettingsError."""
    path = settings.key_file
    if settings.address is None:
        if path is not None:
            raise SettingsError("", "partner.key_file", "it needs partner.address")
        return None
    if path is None:
        raise SettingsError("", "partner.address", "it needs partner.key_file")
    try:
        key = bytes.fromhex(secret_file.read(path))
    except ValueError:
        raise SettingsError(str(path), "", "the key is not in hexadecimal digits") from None
    if len(key) < LEAST_KEY:
        digits = 2 * LEAST_KEY
        raise SettingsError(str(path), "", f"the key has fewer than {digits} hexadecimal digits")
    return key
