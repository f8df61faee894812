import gc
import signal

import pytest

from stunkit.errors import StartError
from stunkit.server.process.worker import (
    COLLECTED,
    READY,
    REPORT_SIZE,
    decode_reason,
    describe_end,
    encode_reason,
    import_early,
)


def test_hands_over_why_it_cannot_serve():
    error = decode_reason(encode_reason(StartError("no room for é", "buy a \udcff bigger house")))
    assert (error.what, error.remedy) == ("no room for é", "buy a ? bigger house")


def test_says_no_more_than_a_pipe_takes_at_once():
    report = encode_reason(StartError("x", "é" * REPORT_SIZE))
    assert len(report) == REPORT_SIZE
    assert report != READY
    assert decode_reason(report).what == "x"


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (0, "ended with exit status 0"),
        (3 << 8, "ended with exit status 3"),
        (signal.SIGKILL, "killed by SIGKILL"),
        (signal.SIGSEGV | 0x80, "killed by SIGSEGV"),  # and it left a core
        (40, "killed by signal 40"),
    ],
)
def test_says_how_a_process_ended(status: int, sentence: str):
    assert describe_end(status) == sentence


def test_looks_for_cycles_less_often():
    before = gc.get_threshold()
    try:
        import_early()
        assert gc.get_threshold() == COLLECTED
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
