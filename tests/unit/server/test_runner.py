import logging

import pytest
from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage

from stunkit.server.runner import is_ours, make_runner


@pytest.mark.parametrize(
    ("error", "expected"), [(BadHttpMessage("\x1b"), False), (OSError(), True)]
)
def test_tells_our_faults_from_a_strangers(error: Exception, expected: bool):
    record = logging.LogRecord("", logging.ERROR, "", 0, "", (), (type(error), error, None))
    assert is_ours(record) is expected


def test_what_a_stranger_has_sent_is_not_logged(caplog):
    log = logging.getLogger("stunkit.test_runner")
    make_runner(web.Application(), log, keepalive_timeout=1.0, shutdown_timeout=1.0)
    log.error("what", exc_info=BadHttpMessage("\x1b"))
    log.error("ours", exc_info=OSError())
    assert caplog.messages == ["ours"]
