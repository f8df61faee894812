from stunkit.protocol.respond import Disposition
from stunkit.server.counters import Counters


def test_starts_at_zero():
    counters = Counters()
    assert (counters.received, counters.answered, counters.unsent, counters.errors) == (0, 0, 0, 0)


def test_tells_what_was_answered_from_what_was_not():
    counters = Counters()
    counters.dispositions.update(Disposition)
    assert counters.received == len(Disposition)
    assert counters.answered == 3


def test_counts_errors_that_were_answered_as_answered():
    counters = Counters()
    counters.dispositions.update([Disposition.BAD_REQUEST, Disposition.UNKNOWN_ATTRIBUTE])
    assert counters.answered == 2
