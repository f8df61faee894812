"""Quiet: what libraries have to say of a call goes to the log, and not on somebody's screen.

aiortc leaves tasks behind whose exceptions nobody takes: those of connections that a peer broke.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = ("aioice", "aiortc", "libav")

log = logging.getLogger(__name__)


@contextmanager
def quieted(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """Have libraries' warnings, and exceptions that nobody takes, in the log alone."""
    handlers = [(logging.getLogger(name), logging.NullHandler()) for name in NAMES]
    before = loop.get_exception_handler()
    for logger, handler in handlers:
        logger.addHandler(handler)
    loop.set_exception_handler(_log)
    try:
        yield
    finally:
        loop.set_exception_handler(before)
        for logger, handler in handlers:
            logger.removeHandler(handler)


def _log(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    del loop
    error = context.get("exception")
    log.debug("%s: %r", context.get("message"), error)
