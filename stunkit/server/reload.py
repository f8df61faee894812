"""Reading settings again while a server serves: all that they say, or nothing of it.

What a server cannot change in place is refused by name, and the old settings stay, as they do
when a file is broken. Rules of this file: it changes nothing itself; whoever serves adopts what
``prepare`` returns.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field

from stunkit.errors import SettingsError, StunkitError
from stunkit.server.logs import UNLIMITED
from stunkit.server.settings.material import Material
from stunkit.server.settings.setting import Setting
from stunkit.server.settings.tree import Settings

log = logging.getLogger(__name__)


def _nothing() -> None:
    """Do nothing."""


@dataclass(slots=True)
class Reload:
    """What SIGHUP asks for.

    ``read`` returns the settings as they should be now. ``on_begin`` and ``on_end`` are called
    around each attempt, whatever comes of it, for whoever supervises the server. ``nonce_secret``
    is the server's own, so that nonces stay good.
    """

    read: Callable[[], Settings]
    on_begin: Callable[[], None] = _nothing
    on_end: Callable[[], None] = _nothing
    nonce_secret: bytes = field(default_factory=lambda: os.urandom(32), repr=False)

    def load(self) -> tuple[Settings, Material]:
        """Return what to start with. Raises SettingsError."""
        settings = self.read()
        return settings, Material.load(settings, self.nonce_secret)

    def prepare(self, present: Settings) -> tuple[Settings, Material] | None:
        """Return what is to be adopted instead of the present settings.

        None when that cannot be, and the log says why. Else ``finish`` has to follow.
        """
        self.on_begin()
        try:
            settings, material = self.load()
            _refuse([one for one in present.changes(settings) if one.needs_restart])
        except StunkitError as error:
            log.error(  # noqa: TRY400 (a sentence is enough)
                "not reloaded, the old settings stay: %s%s", error, _who(error), extra=UNLIMITED
            )
        except Exception:  # an outermost loop: a server must not end because it was to change
            log.exception("not reloaded, the old settings stay: an error of ours", extra=UNLIMITED)
        else:
            return settings, material
        self.on_end()
        return None

    def finish(self, before: Settings, after: Settings) -> None:
        """Say that what was prepared is in force."""
        changed = ", ".join(one.key for one in before.changes(after))
        log.info("reloaded: %s", changed or "the settings are the same", extra=UNLIMITED)
        self.on_end()


def _refuse(changed: list[Setting]) -> None:
    if changed:
        raise SettingsError("", ", ".join(one.key for one in changed), "a change needs a restart")


def _who(error: StunkitError) -> str:
    """Say who may not read a file: not the one who started the server, perhaps (see `user`)."""
    if "permission denied" not in str(error) or not hasattr(os, "geteuid"):
        return ""
    return f" to user {os.geteuid()}, as whom this process runs"
