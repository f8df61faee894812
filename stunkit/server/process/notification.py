"""What a service manager hears from us: ready, reloading, stopping, alive (sd_notify(3)).

systemd, and whoever speaks its protocol, names a Unix datagram socket in NOTIFY_SOCKET; each
datagram is lines of NAME=VALUE. With WATCHDOG_USEC it wants to hear from us within that time, again
and again, and restarts us when it does not (sd_watchdog_enabled(3)).

Rules of this file: without a manager nothing happens, and a manager that cannot be reached is no
reason to stop. What is in the environment is taken out of it: it is ours, and no child's.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import MutableMapping
from typing import Self

SEND_TIMEOUT = 1.0  # seconds that a manager may keep us waiting

log = logging.getLogger(__name__)


class Manager:
    """The service manager that started us, if any.

    ``address`` is where it listens: a path, or "@" and an abstract name. ``patience`` is the time
    in seconds within which it wants to hear ``alive`` again and again, None for not at all.
    """

    def __init__(self, address: str = "", patience: float | None = None) -> None:
        self._address = address
        self.patience = patience

    @classmethod
    def find(cls, environ: MutableMapping[str, str] | None = None) -> Self:
        """Return who is named in the environment, which forgets it."""
        environ = os.environ if environ is None else environ
        address = environ.pop("NOTIFY_SOCKET", "")
        microseconds = environ.pop("WATCHDOG_USEC", "")
        pid = environ.pop("WATCHDOG_PID", "")
        if address and address[0] not in "/@":  # such as "vsock:", out of a virtual machine
            log.warning("cannot notify the service manager at %r: not a Unix socket", address)
            address = ""
        is_ours = pid in ("", str(os.getpid()))
        if not (address and is_ours and microseconds.isdecimal() and int(microseconds)):
            return cls(address)
        return cls(address, int(microseconds) / 1e6)

    def ready(self, status: str) -> None:
        """Say that we serve, since the start or again; ``status`` is one line for people."""
        self._send("READY=1", f"MAINPID={os.getpid()}", f"STATUS={status}")

    def reloading(self) -> None:
        """Say that settings are being read again; ``ready`` has to follow, whatever comes of it."""
        now_usec = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now_usec}", "STATUS=reloading")

    def stopping(self) -> None:
        """Say that we answer what has arrived, and then end."""
        self._send("STOPPING=1", "STATUS=stopping")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, *lines: str) -> None:
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):
            address = "\0" + address[1:]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as plain:
                plain.settimeout(SEND_TIMEOUT)
                plain.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            log.warning("cannot notify the service manager at %s: %s", self._address, reason)
