from __future__ import annotations

import signal

import pytest

from stunkit.cli.interruption import interruptible


@pytest.fixture(autouse=True)
def _usual():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_the_first_ends_the_run_and_the_second_all():
    ended = []
    with interruptible(lambda: ended.append(1)):
        signal.raise_signal(signal.SIGINT)
        assert ended == [1]
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert ended == [1]


def test_what_was_there_before_is_back():
    with interruptible(lambda: None):
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
