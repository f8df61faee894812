import pytest

from stunkit.conformance.fault import Reaction, elsewhere
from stunkit.conformance.verdict import Outcome
from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import (
    ChangedAddress,
    OtherAddress,
    ResponseOrigin,
    XorMappedAddress,
)
from stunkit.wire.attributes.error import ErrorCode
from tests.unit.conformance.rehearsal import met, quartet, saying, site_for, verdict_of, world_of

HERE, OTHER = quartet().local[0], quartet().local[3]
CHANGED = ("change-request", "changed-origin", "other-of-other", "other-answers")
SITE = site_for(has_quartet=True)


@pytest.mark.parametrize("named", [HERE, HERE.with_port(1), OTHER.with_port(HERE.port)])
def test_another_address_is_another_in_both_parts(named):
    world = met(saying(OtherAddress(named)))
    assert verdict_of("other-address", world).outcome is Outcome.FAIL
    assert {verdict_of(name, world).outcome for name in CHANGED} == {Outcome.UNKNOWN}


def test_another_address_is_of_the_same_family():
    world = met(saying(OtherAddress(Endpoint.of("::1", 3479))))
    assert verdict_of("other-address", world).outcome is Outcome.FAIL


def test_changed_address_of_a_classic_server_counts_too():
    world = met(saying(ChangedAddress(OTHER)))
    assert verdict_of("other-address", world).is_pass
    assert verdict_of("change-refused", world).outcome is Outcome.SKIP


def test_wrong_origin_is_found():
    world = met(saying(ResponseOrigin(OTHER)))
    assert verdict_of("response-origin", world).outcome is Outcome.FAIL


def test_who_follows_no_rfc_5780_need_not_send_its_attributes():
    world = met(saying(XorMappedAddress(HERE)))
    assert verdict_of("both-mapped", world).outcome is Outcome.SKIP
    assert verdict_of("response-origin", world).outcome is Outcome.SKIP


def test_changed_answers_that_never_come_are_a_fault_on_an_open_path():
    honest = world_of(has_quartet=True).server

    def mute(received):
        reaction = honest(received)
        changed = any(one.source != received.local for one in reaction.responses)
        return Reaction() if changed else reaction

    verdict = verdict_of("change-request", met(mute))
    assert verdict.outcome is Outcome.FAIL
    assert "loss would do that" in verdict.why


def test_changed_answers_that_never_come_are_unknown_behind_a_nat_that_maps_by_destination():
    honest = world_of(has_quartet=True).server

    def translated(received):
        reaction = honest(received)
        if any(one.source != received.local for one in reaction.responses):
            return Reaction()  # let in only through the mapping that it was sent to
        port = 50000 + quartet().local.index(received.local)
        seen = received._replace(source=received.source.with_port(port))
        back = tuple(one._replace(destination=received.source) for one in honest(seen).responses)
        return Reaction(back)

    assert verdict_of("change-request", met(translated)).outcome is Outcome.UNKNOWN


def test_a_lossy_way_to_the_other_address_is_not_taken_for_a_dead_one():
    world = world_of(has_quartet=True)
    honest = world.server

    def lossy(received):
        reaction = honest(received)
        others = [one.source for one in reaction.responses] + [received.local]
        is_lost = any(one in quartet().local[2:] for one in others) and world.random.random() < 0.5
        return Reaction() if is_lost else reaction

    world.server = lossy
    for _ in range(40):
        assert verdict_of("other-answers", world).outcome is not Outcome.FAIL
        assert verdict_of("change-request", world).outcome is not Outcome.FAIL


def test_answers_from_a_third_place_are_found():
    third = Endpoint.of("127.0.0.9", 9)
    site_server = elsewhere(
        lambda received, one: one.source if one.source == received.local else third
    )(world_of(has_quartet=True).server, SITE)
    verdict = verdict_of("change-request", met(site_server))
    assert verdict.why == (
        "change port: the answer is due from 127.0.0.1:3479, and came from 127.0.0.9:9"
    )


@pytest.mark.parametrize(
    ("code", "outcome"), [(420, Outcome.PASS), (400, Outcome.FAIL), (500, Outcome.FAIL)]
)
def test_change_request_is_refused_with_420(code, outcome):
    honest = world_of().server
    refuse = saying(ErrorCode(code), is_error=True)

    def serve(received):
        return refuse(received) if received.data[20:22] == b"\0\3" else honest(received)

    world = met(serve)
    assert verdict_of("change-refused", world).outcome is outcome
    assert verdict_of("change-nothing", world).outcome is outcome


def test_our_server_obeys_response_port_and_padding():
    assert verdict_of("response-port", world_of()).why == "obeyed"
    assert verdict_of("padding", world_of()).why == "answered with PADDING"
    assert verdict_of("padding-elsewhere", world_of()).why == "refused with error 400"
