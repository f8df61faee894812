from stunkit.server.metrics.counters import Counters
from stunkit.server.metrics.signal_tally import COLUMNS, SignalTally
from stunkit.signal.event import Event, Happening
from stunkit.signal.fault import Fault
from stunkit.signal.message import Kind


def test_counts_each_thing_for_itself():
    tally = SignalTally()
    tally.note([Event(what, 0) for what in Happening if what is not Happening.RELAYED])
    tally.note([Event(Happening.RELAYED, 1, kind) for kind in Kind])
    for fault in Fault:
        tally.refuse(fault)
    tally.make()
    tally.store_errors = 1
    tally.observe(1, 1)
    assert tally._cells.tolist() == [1] * COLUMNS
    assert tally.happened == {"joined": 1, "lost": 1, "resumed": 1, "left": 1, "closed": 1}
    assert tally.relayed == {"offer": 1, "answer": 1, "candidate": 1, "end-of-candidates": 1}
    assert set(tally.refused) == {str(fault) for fault in Fault}
    assert (tally.made, tally.store_errors, tally.connections, tally.rooms) == (1, 1, 1, 1)


def test_is_added_up_with_the_other_figures_of_several_processes():
    both = [Counters(), Counters()]
    for counters in both:
        counters.signalling.refuse(Fault.FULL)
        counters.signalling.observe(5, 3)
    total = Counters.sum(both)
    assert total.signalling.refused["full"] == 2
    assert (total.signalling.connections, total.signalling.rooms) == (10, 6)
    assert (total.received, total.connections) == (0, 0)
