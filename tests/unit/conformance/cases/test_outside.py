import pytest

from stunkit.conformance.fault import Reaction
from stunkit.conformance.subject import Raw
from stunkit.conformance.verdict import Outcome
from stunkit.endpoint import Endpoint, Family
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.registry import AttributeType
from tests.unit.conformance.rehearsal import met, saying, verdict_of, world_of

PUBLIC = Endpoint.of("8.8.8.8", 3478)
SOFTWARE = AttributeType.SOFTWARE


def seen_from(address):
    world = met(saying(XorMappedAddress(Endpoint.of(address, 5000))))
    world.subject = world.subject._replace(server=PUBLIC)
    return verdict_of("sees-clients", world).outcome


@pytest.mark.parametrize(
    ("address", "outcome"),
    [("172.17.0.1", Outcome.FAIL), ("127.0.0.1", Outcome.FAIL), ("9.9.9.9", Outcome.PASS)],
)
def test_a_public_server_that_sees_private_clients_sees_a_proxy(address, outcome):
    assert seen_from(address) is outcome


def test_a_private_server_may_see_private_clients():
    assert verdict_of("sees-clients", world_of()).outcome is Outcome.SKIP


@pytest.mark.parametrize(
    ("family", "has_quartet", "figures"),
    [
        (Family.IPV4, False, "blank 20 -> 32 bytes, 1.60 times (IP packets 1.25)"),
        (Family.IPV6, False, "blank 20 -> 44 bytes, 2.20 times (IP packets 1.35)"),
        (Family.IPV4, True, "blank 20 -> 68 bytes, 3.40 times (IP packets 2.00)"),
        (Family.IPV6, True, "blank 20 -> 116 bytes, 5.80 times (IP packets 2.41)"),
    ],
)
def test_amplification_is_computed_as_abuse_reports_do(family, has_quartet, figures):
    verdict = verdict_of("amplification", world_of(family=family, has_quartet=has_quartet))
    assert verdict.is_pass  # our own figures are those of `stunkit explain amplification`
    assert verdict.why.startswith(figures)


def test_amplification_shows_the_worst_exchange():
    verdict = verdict_of("amplification", met(saying(Raw(0x8022, bytes(200)))))
    assert verdict.outcome is Outcome.FAIL
    assert len(verdict.received) / len(verdict.sent) > 10


@pytest.mark.parametrize(
    ("value", "form", "hidden"),
    [
        (b"Ensample", Outcome.PASS, Outcome.PASS),
        (b"Ensample 1.0", Outcome.PASS, Outcome.FAIL),
        (b"\xff\xff", Outcome.FAIL, Outcome.PASS),
        (b"x" * 128, Outcome.FAIL, Outcome.PASS),
    ],
)
def test_software_is_judged_by_form_and_by_what_it_tells(value, form, hidden):
    world = met(saying(Raw(SOFTWARE, value)))
    assert verdict_of("software", world).is_pass
    assert verdict_of("software-form", world).outcome is form
    assert verdict_of("software-hidden", world).outcome is hidden


def test_software_cannot_move_a_cursor():
    verdict = verdict_of("software-hidden", met(saying(Raw(SOFTWARE, b"\x1b[2J1"))))
    assert verdict.why == "it says '\\x1b[2J1'"


def test_no_software_is_a_choice():
    assert verdict_of("software", world_of()).outcome is Outcome.SKIP
    assert verdict_of("software-hidden", world_of()).is_pass


def test_a_limit_is_told_by_its_number_and_never_a_fault():
    honest = world_of().server
    seen = []

    def limited(received):
        seen.append(received)
        return honest(received) if len(seen) < 10 else Reaction()

    verdict = verdict_of("burst", met(limited))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.why == "8 of 20 in 0.4 s were answered: a limit, or loss"


def test_answers_are_counted_at_the_first_try_alone():
    assert verdict_of("one-answer", world_of(loss=0.2)).outcome is not Outcome.FAIL
