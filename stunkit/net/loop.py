"""The event loop that a server runs on."""

from __future__ import annotations

import asyncio
import contextlib


def new_event_loop() -> asyncio.AbstractEventLoop:
    """Return uvloop's, which wakes up at a third of the cost, or else asyncio's own.

    Not Windows' default one, which cannot watch a socket.
    """
    with contextlib.suppress(ImportError):
        import uvloop  # noqa: PLC0415 (optional: the extra ``fast``)

        return uvloop.new_event_loop()
    return asyncio.SelectorEventLoop()
