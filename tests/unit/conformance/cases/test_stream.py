import pytest

from stunkit.conformance.faults import FAULTS
from stunkit.conformance.subject import Handshake
from stunkit.conformance.verdict import Outcome
from stunkit.wire.uri import Transport
from tests.unit.conformance.rehearsal import verdict_of, world_of

CLOSES = next(fault for fault in FAULTS if fault.name == "closes")


def tls(handshake):
    world = world_of(transport=Transport.TLS)
    world.subject = world.subject._replace(handshake=handshake)
    return world


@pytest.mark.parametrize("case", ["split", "pipelined", "stays-open", "half-closed", "garbage"])
def test_our_framing_passes(case):
    assert verdict_of(case, world_of(transport=Transport.TCP)).is_pass


def test_a_connection_that_ends_after_an_answer_is_found_and_blames_nothing_else():
    world = world_of(CLOSES, transport=Transport.TCP)
    assert verdict_of("stays-open", world).outcome is Outcome.FAIL
    assert verdict_of("pipelined", world).outcome is Outcome.UNKNOWN
    assert verdict_of("mapped-address", world).outcome is Outcome.UNKNOWN


def test_certificate_that_nobody_can_believe_fails():
    distrusted = Handshake("it expired", is_refused=True, is_untrusted=True)
    verdict = verdict_of("certificate", tls(distrusted))
    assert (verdict.outcome, verdict.why) == (Outcome.FAIL, "it expired")


def test_what_is_no_tls_has_no_certificate():
    refused = Handshake("connection refused", is_refused=True)
    names = ("certificate", "tls-version", "alpn")
    assert {verdict_of(name, tls(refused)).outcome for name in names} == {Outcome.SKIP}


def test_session_says_its_version_and_protocol():
    world = tls(Handshake(version="TLSv1.3", alpn="stun.nat-discovery"))
    assert verdict_of("tls-version", world).why == "TLSv1.3"
    assert verdict_of("alpn", world).why == "stun.nat-discovery"
    assert verdict_of("alpn", tls(Handshake(version="TLSv1.3"))).outcome is Outcome.SKIP
