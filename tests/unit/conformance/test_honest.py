"""A server that makes no mistake passes, over whatever way; loss makes nothing look broken."""

import pytest

from stunkit.conformance.catalogue import CASES
from stunkit.conformance.fault import Reaction
from stunkit.conformance.verdict import Outcome
from stunkit.endpoint import Family
from stunkit.wire.uri import Transport
from tests.unit.conformance.rehearsal import examine_all, ids, world_of


@pytest.mark.parametrize("has_quartet", [False, True], ids=["one-address", "two-addresses"])
@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("transport", Transport)
def test_our_server_fails_nothing(transport, family, has_quartet):
    verdicts = examine_all(world_of(transport=transport, family=family, has_quartet=has_quartet))
    assert not ids(verdicts)
    assert not ids(verdicts, Outcome.UNKNOWN)
    assert len(ids(verdicts, Outcome.PASS)) > 30


@pytest.mark.parametrize("loss", [0.1, 0.2, 0.4])
@pytest.mark.parametrize("seed", range(6))
def test_loss_is_never_taken_for_a_fault(loss, seed):
    verdicts = examine_all(world_of(has_quartet=seed % 2 == 0, loss=loss, seed=seed))
    assert not ids(verdicts)
    assert ids(verdicts, Outcome.PASS)


def test_a_server_that_drops_a_fifth_of_all_requests_breaks_nothing():
    world = world_of()
    honest = world.server

    def forgetful(received):
        return Reaction() if world.random.random() < 0.2 else honest(received)

    world.server = forgetful
    assert not ids(examine_all(world))


def test_nobody_there_is_unknown_and_skips_the_rest():
    verdicts = examine_all(world_of(loss=1.0))
    assert ids(verdicts, Outcome.UNKNOWN) == {"reachable"}
    assert not ids(verdicts)
    assert not ids(verdicts, Outcome.PASS)


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
def test_a_run_is_gentle(transport):
    world = world_of(transport=transport, has_quartet=True)
    sent = 0
    for case in CASES:
        if transport in case.transports:
            world.examine(case)
            sent += world.sends
    assert 100 * (transport is Transport.UDP) < sent < 300
