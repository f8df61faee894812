import pytest

from stunkit.conformance.fault import Reaction
from stunkit.conformance.verdict import Outcome
from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import ChangedAddress, MappedAddress, SourceAddress
from stunkit.wire.attributes.error import ErrorCode
from tests.unit.conformance.rehearsal import met, saying, verdict_of, world_of

CASES = (
    "classic-id",
    "classic-mapped",
    "classic-plain",
    "classic-source",
    "classic-changed",
    "classic-unknown",
)
HERE, OTHER = Endpoint.of("127.0.0.1", 3478), Endpoint.of("127.0.0.2", 3479)


def modern(received):
    """Leave what has no magic cookie alone."""
    is_modern = received.data[4:8] == b"\x21\x12\xa4\x42"
    return world_of().server(received) if is_modern else Reaction()


def test_who_does_not_answer_classic_clients_breaks_a_should_and_no_more():
    world = met(modern)
    assert verdict_of("classic-answer", world).outcome is Outcome.FAIL
    assert {verdict_of(name, world).outcome for name in CASES} == {Outcome.SKIP}


def test_who_refuses_classic_clients_breaks_a_should_and_no_more():
    world = met(saying(ErrorCode(500), is_error=True))
    assert verdict_of("classic-answer", world).outcome is Outcome.FAIL
    assert {verdict_of(name, world).outcome for name in CASES} == {Outcome.SKIP}


@pytest.mark.parametrize(
    ("case", "attribute", "outcome"),
    [
        ("classic-source", SourceAddress(HERE), Outcome.PASS),
        ("classic-source", SourceAddress(OTHER), Outcome.FAIL),
        ("classic-changed", ChangedAddress(OTHER), Outcome.PASS),
        ("classic-changed", ChangedAddress(OTHER.with_port(3478)), Outcome.FAIL),
        ("classic-changed", ChangedAddress(HERE.with_port(3479)), Outcome.FAIL),
        ("classic-mapped", MappedAddress(OTHER), Outcome.FAIL),
    ],
)
def test_what_a_classic_client_is_told_has_to_be_true(case, attribute, outcome):
    assert verdict_of(case, met(saying(attribute))).outcome is outcome


def test_silence_on_a_bad_path_is_unknown():
    # somebody answers modern clients, too rarely to say anything of the others
    world = met(modern)
    world.loss = 0.8
    outcomes = {verdict_of(name, world).outcome for name in CASES}
    assert outcomes <= {Outcome.UNKNOWN, Outcome.SKIP}
