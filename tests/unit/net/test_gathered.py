from stunkit.net.gathered import TIMEOUT, Gathered, Wanted
from stunkit.protocol.schedule import Schedule


def test_nothing_wanted_is_nothing_asked():
    wanted = Wanted()
    assert (wanted.servers, wanted.relays, wanted.bind, wanted.everything) == ((), (), None, False)


def test_time_is_enough_for_four_requests_and_an_answer():
    schedule = Schedule()
    fourth = schedule.rto * (1 + 2 + 4)  # RFC 8489 section 6.2.1
    assert fourth + 1 < TIMEOUT < fourth + schedule.rto * 8


def test_fields_are_what_a_preflight_reads():
    assert Gathered._fields == (
        "candidates",
        "misses",
        "omitted",
        "answers",
        "was_answered",
        "elapsed",
    )
