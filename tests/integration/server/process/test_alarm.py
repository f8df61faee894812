import os
import signal
import sys

import pytest

from stunkit.server.process.alarm import listening_to_signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


def test_has_signals_arrive_as_bytes_and_leaves_no_trace():
    before = signal.getsignal(signal.SIGHUP)
    with listening_to_signals() as alarm:
        os.kill(os.getpid(), signal.SIGHUP)
        assert os.read(alarm, 8) == bytes([signal.SIGHUP])
    assert signal.getsignal(signal.SIGHUP) is before
    assert signal.set_wakeup_fd(-1) == -1
