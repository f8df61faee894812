"""What libraries say."""

from __future__ import annotations

import asyncio
import logging

from stunkit.rehearsal.quiet import quieted


async def test_exception_that_nobody_takes_is_logged_and_not_shown(capsys, caplog):
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()
    with quieted(loop), caplog.at_level(logging.DEBUG):
        loop.call_exception_handler({"message": "lost", "exception": ValueError("odd")})
        logging.getLogger("aiortc").warning("a warning")
    assert loop.get_exception_handler() is before
    assert "lost" in caplog.text
    assert capsys.readouterr().err == ""
