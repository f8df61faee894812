from itertools import product

import pytest

from stunkit.endpoint import Family
from stunkit.protocol.respond import Disposition
from stunkit.server.metrics.counters import ANSWERS, BLOCK_SIZE, Counters
from stunkit.wire.uri import Transport

WAYS = list(product(Transport, Family))
UDP = (Transport.UDP, Family.IPV4)


def test_starts_at_zero():
    counters = Counters()
    assert (counters.received, counters.answered, counters.unsent, counters.errors) == (0, 0, 0, 0)
    assert counters.kernel_drops == 0
    assert counters.dispositions == {}


def test_tells_what_was_answered_from_what_was_not():
    tally = Counters().of(*UDP)
    for disposition in Disposition:
        tally.add(disposition, 20, 0)
    assert tally.received == len(Disposition)
    assert tally.answered == len(ANSWERS) == 5


@pytest.mark.parametrize("disposition", Disposition)
def test_counts_errors_that_were_answered_as_answered(disposition: Disposition):
    says_nothing = {
        Disposition.NOT_STUN,
        Disposition.MALFORMED,
        Disposition.BAD_FINGERPRINT,
        Disposition.UNSUPPORTED_METHOD,
        Disposition.INDICATION,
        Disposition.RESPONSE,
        Disposition.REFUSED_PORT,
        Disposition.LIMITED,
        Disposition.SHED,
    }
    tally = Counters().of(*UDP)
    tally.add(disposition, 20, 32)
    assert tally.answered == (disposition not in says_nothing)


def test_adds_bytes_and_numbers():
    tally = Counters().of(*UDP)
    tally.add(Disposition.ANSWERED, 20, 32)
    tally.add_many(Disposition.ANSWERED, 3, 60, 96)
    tally.add_many(Disposition.LIMITED, 2, 50, 0)
    tally.unsent += 1
    tally.errors += 2
    tally.kernel_drops += 3
    assert (tally[Disposition.ANSWERED], tally[Disposition.LIMITED]) == (4, 2)
    assert (tally.received, tally.answered) == (6, 4)
    assert (tally.bytes_in, tally.bytes_out) == (130, 128)
    assert (tally.unsent, tally.errors, tally.kernel_drops) == (1, 2, 3)


def test_keeps_the_ways_in_apart():
    counters = Counters()
    for number, way in enumerate(WAYS, 1):
        for disposition in Disposition:
            counters.of(*way).add_many(disposition, number, 0, 0)
        counters.of(*way).unsent = counters.of(*way).errors = number
        counters.of(*way).kernel_drops = number
    for number, way in enumerate(WAYS, 1):
        tally = counters.of(*way)
        assert [tally[kind] for kind in Disposition] == [number] * len(Disposition)
        assert (tally.unsent, tally.errors, tally.kernel_drops) == (number,) * 3
        assert (tally.bytes_in, tally.bytes_out) == (0, 0)
    total = sum(range(1, len(WAYS) + 1))
    assert counters.dispositions == dict.fromkeys(Disposition, total)
    assert counters.received == total * len(Disposition)
    assert counters.answered == total * len(ANSWERS)
    assert (counters.unsent, counters.errors, counters.kernel_drops) == (total,) * 3


def test_lies_in_memory_that_others_can_read():
    memory = memoryview(bytearray(BLOCK_SIZE))
    written, read = Counters(memory), Counters(memory)
    written.of(*UDP).add(Disposition.NOT_STUN, 7, 0)
    assert read.of(*UDP)[Disposition.NOT_STUN] == 1
    assert read.of(*UDP).bytes_in == 7


def test_adds_up_several_processes():
    several = [Counters() for _ in range(3)]
    for counters in several:
        counters.of(*UDP).add(Disposition.ANSWERED, 20, 32)
        counters.of(Transport.TCP, Family.IPV6).errors += 1
    total = Counters.sum(several)
    assert total.of(*UDP)[Disposition.ANSWERED] == 3
    assert total.of(*UDP).bytes_out == 96
    assert total.errors == 3
    assert [counters.errors for counters in several] == [1, 1, 1]
    assert Counters.sum([]).received == 0


def test_holds_more_than_any_server_will_see():
    tally = Counters().of(*UDP)
    tally.add_many(Disposition.ANSWERED, 1, 1 << 62, 1 << 62)
    assert tally.bytes_in == 1 << 62


def test_adds_up_open_connections():
    memory = memoryview(bytearray(BLOCK_SIZE))
    one, other = Counters(memory), Counters()
    one.connections, other.connections = 3, 4
    assert Counters.sum([Counters(memory), other]).connections == 7
    assert one.received == 0
