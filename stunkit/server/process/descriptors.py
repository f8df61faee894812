"""How many files a server may have open: as many as its connections need, where it can choose."""

from __future__ import annotations

import contextlib
import sys

from stunkit.server.settings.tree import Settings
from stunkit.server.streams import ACCEPT_LIMIT

# Descriptors besides those of TCP connections: our own, and under a flood the connections of the
# last few wake-ups, until those that make room for them are closed.
SPARE = 64 + 16 * ACCEPT_LIMIT
# The parent of several workers holds the sockets of all of them: of so many endpoints, and more.
OF_WORKER = 16


def allow(settings: Settings) -> None:
    """Raise this process's limit of open files to what the settings need, as far as it may."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 (not on Windows)

    wanted = settings.tcp.max_connections + SPARE + settings.workers * OF_WORKER
    if settings.web.listen:
        wanted += settings.web.max_callers
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
