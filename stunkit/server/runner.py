"""Runners: aiohttp's server as ours runs it; needs the extra ``web`` or ``metrics``.

Rules of this file: no signal handler and no access log is aiohttp's; a line or a header is short; a
connection does not linger; and what a stranger has sent is not logged.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

MOST_LINE = 4096  # bytes of a request's line, and of each header


def make_runner(
    app: web.Application,
    log: logging.Logger,
    *,
    keepalive_timeout: float,
    shutdown_timeout: float,
) -> web.AppRunner:
    """Return what runs an application, to be set up; ``log`` hears of our own faults alone.

    A connection is kept for ``keepalive_timeout`` seconds between requests; those that are at work
    have ``shutdown_timeout`` seconds to end.
    """
    from aiohttp import web  # noqa: PLC0415 (needs an extra)

    log.addFilter(is_ours)  # aiohttp shows the bytes that it does not understand
    return web.AppRunner(
        app,
        handle_signals=False,
        access_log=None,
        logger=log,
        keepalive_timeout=keepalive_timeout,
        lingering_time=0,
        max_line_size=MOST_LINE,
        max_field_size=MOST_LINE,
        shutdown_timeout=shutdown_timeout,
    )


def is_ours(record: logging.LogRecord) -> bool:
    """Return whether a record is about our code, and not about what a stranger has sent."""
    from aiohttp.http_exceptions import HttpProcessingError  # noqa: PLC0415 (needs an extra)

    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))
