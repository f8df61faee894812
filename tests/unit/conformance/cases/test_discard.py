import pytest

from stunkit.conformance.faults import FAULTS
from stunkit.conformance.verdict import Outcome
from tests.unit.conformance.rehearsal import met, saying, verdict_of, world_of


def forgiving(received):
    """Answer whatever has the 20 bytes of a header, however broken."""
    if len(received.data) < 20:
        return world_of().server(received._replace(data=b"\0\1\0\0" + received.data[4:] + b"\0"))
    data = bytes([received.data[0] & 0x3F]) + received.data[1:2] + bytes(2) + received.data[4:20]
    return world_of().server(received._replace(data=data))


@pytest.mark.parametrize(
    "case",
    ["first-bits", "length-unaligned", "length-beyond", "length-within", "header-cut-off"],
)
def test_who_answers_what_is_broken_is_found(case):
    assert verdict_of(case, met(forgiving)).outcome is Outcome.FAIL
    assert verdict_of(case, world_of()).is_pass


def test_silence_has_its_odds():
    verdict = verdict_of("indication", world_of())
    assert verdict.is_pass
    assert "loss would do that once in" in verdict.why
    assert verdict.received is None


def test_who_does_not_use_fingerprint_need_not_look_at_it():
    world = met(saying())
    assert verdict_of("fingerprint", world).outcome is Outcome.SKIP
    assert verdict_of("wrong-fingerprint", world).outcome is Outcome.SKIP


def test_who_requires_fingerprint_is_met_all_the_same():
    (fault,) = (fault for fault in FAULTS if fault.name == "wants-crc")
    world = world_of(fault)
    assert world.subject.plain is None
    verdict = verdict_of("fingerprint-optional", world)
    assert verdict.outcome is Outcome.FAIL
    assert "with FINGERPRINT" in verdict.why


@pytest.mark.parametrize("seed", range(40))
def test_loss_is_not_taken_for_a_wish_for_fingerprint(seed):
    world = world_of(loss=0.5, seed=seed)
    world.subject = world.subject._replace(plain=None)
    assert verdict_of("fingerprint-optional", world).outcome is not Outcome.FAIL
