import pytest

from stunkit.conformance.fault import Reaction
from stunkit.conformance.subject import Handshake, Raw
from stunkit.conformance.verdict import Outcome
from stunkit.endpoint import Endpoint, Family
from stunkit.protocol.respond import Disposition, Response
from stunkit.wire.attributes.address import MappedAddress, XorMappedAddress
from stunkit.wire.registry import AttributeType
from stunkit.wire.uri import Transport
from tests.unit.conformance.rehearsal import met, saying, verdict_of, world_of

ELSEWHERE = Endpoint.of("192.0.2.1", 5000)


@pytest.mark.parametrize(
    ("transport", "handshake", "outcome"),
    [
        (Transport.TCP, Handshake("refused", is_refused=True), Outcome.FAIL),
        (Transport.TCP, Handshake("silent"), Outcome.UNKNOWN),
        (Transport.TLS, Handshake("refused", is_refused=True), Outcome.SKIP),
        (
            Transport.TLS,
            Handshake("expired", is_refused=True, is_untrusted=True),
            Outcome.PASS,
        ),
        (Transport.TCP, Handshake(), Outcome.PASS),
    ],
)
def test_who_refuses_tcp_breaks_a_must_and_tls_is_optional(transport, handshake, outcome):
    world = world_of(transport=transport)
    world.subject = world.subject._replace(handshake=handshake)
    assert verdict_of("reachable", world).outcome is outcome


def raw_server(edit):
    """Return a server that answers every datagram with other bytes."""

    def serve(received):
        response = Response(Disposition.ANSWERED, edit(received), received.local, received.source)
        return Reaction((response,))

    return serve


def header(received, kind=0x0101, length=0, cookie=b"\x21\x12\xa4\x42"):
    return kind.to_bytes(2, "big") + length.to_bytes(2, "big") + cookie + received.data[8:20]


@pytest.mark.parametrize(
    ("case", "edit"),
    [
        ("magic-cookie", lambda received: header(received, cookie=bytes(4))),
        ("response-type", lambda received: header(received, kind=0x0001)),
        ("response-type", lambda received: header(received, kind=0x4101)),
        ("response-length", lambda received: header(received, length=4)),
        ("response-length", lambda received: header(received, length=3) + b"abc"),
        ("attribute-form", lambda received: header(received, length=4) + b"\x80\x22\0\x08"),
        ("transaction-id", lambda received: header(received)[:8] + bytes(12)),
        ("transaction-id", lambda _: b"hello"),
    ],
)
def test_each_case_looks_at_its_own_part_of_the_header(case, edit):
    verdict = verdict_of(case, met(raw_server(edit)))
    assert verdict.outcome is Outcome.FAIL
    assert verdict.received


def test_the_answers_bytes_stand_in_the_verdict():
    verdict = verdict_of("binding", world_of())
    assert verdict.sent[:2].hex() == "0001"
    assert verdict.received[:2].hex() == "0101"


@pytest.mark.parametrize("family", Family)
def test_mapped_address_is_ours_where_nothing_stands_between(family):
    verdict = verdict_of("mapped-address", world_of(family=family))
    assert verdict.why.startswith("it sees us at ")
    assert verdict.is_pass


def test_mapped_address_of_somebody_else_fails_on_our_own_host():
    verdict = verdict_of("mapped-address", met(saying(XorMappedAddress(ELSEWHERE))))
    assert verdict.outcome is Outcome.FAIL
    assert "192.0.2.1:5000" in verdict.why


def test_mapped_address_of_somebody_else_may_be_a_nat():
    world = met(saying(XorMappedAddress(ELSEWHERE)))
    world.subject = world.subject._replace(server=Endpoint.of("198.51.100.1", 3478))
    assert verdict_of("mapped-address", world).is_pass


def test_plain_copy_of_the_mapped_address_is_found_behind_a_nat_too():
    value = MappedAddress(ELSEWHERE).encode(b"")
    server = saying(Raw(AttributeType.XOR_MAPPED_ADDRESS, value), MappedAddress(ELSEWHERE))
    world = met(server)
    world.subject = world.subject._replace(server=Endpoint.of("198.51.100.1", 3478))
    assert verdict_of("mapped-address", world).why.endswith("without XOR")


def test_broken_mapped_address_fails():
    server = saying(Raw(AttributeType.XOR_MAPPED_ADDRESS, b"abc"))
    assert verdict_of("mapped-address", met(server)).outcome is Outcome.FAIL


def test_error_to_a_plain_request_fails():
    assert verdict_of("binding", met(saying(is_error=True))).outcome is Outcome.FAIL


def test_padding_is_looked_at_where_there_is_any():
    assert verdict_of("padding-zero", met(saying())).outcome is Outcome.SKIP
    assert verdict_of("padding-zero", met(saying(Raw(0x8022, b"abc")))).is_pass
