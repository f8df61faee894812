from stunkit.server.metrics.counters import Counters
from stunkit.server.metrics.figures import Figures


def test_is_of_one_process_that_starts_now_unless_told_otherwise():
    before, after = Figures([Counters()]), Figures([Counters()])
    assert before.crew.wanted == 1
    assert 0 < before.started <= after.started
