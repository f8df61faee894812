from __future__ import annotations

from random import Random

import pytest

from stunkit.endpoint import Endpoint
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Quartet, Site
from stunkit.sim.server import Lie, Server
from stunkit.wire.attributes.address import (
    ChangedAddress,
    MappedAddress,
    OtherAddress,
    SourceAddress,
    XorMappedAddress,
)
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.behavior import ChangeRequest, Padding, ResponsePort
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.message import Message
from stunkit.wire.registry import Method

FOUR = tuple(
    Endpoint.of(address, port)
    for address in ("198.51.100.1", "198.51.100.2")
    for port in (3478, 3479)
)
SIX = tuple(
    Endpoint.of(address, port) for address in ("2001:db8:2::1", "2001:db8:2::2") for port in (1, 2)
)
CLIENT = Endpoint.of("203.0.113.1", 40000)
BOTH = ChangeRequest(change_ip=True, change_port=True)
ADDRESS = ChangeRequest(change_ip=True)
PORT = ChangeRequest(change_port=True)


def ask(
    lie: Lie, *attributes: Attribute, asked: Endpoint = FOUR[0], server: Server | None = None
) -> list[tuple[Message, Endpoint, Endpoint]]:
    """The answers: what, from where, to where."""
    server = server or Server(FOUR, lie, Random(5))
    request = Message.request(Method.BINDING, b"transaction!", attributes)
    answers = server(request.raw, CLIENT, asked, 0.0)
    return [(Message.decode(one.data), one.local, one.destination) for one in answers]


def other_address(lie: Lie) -> Endpoint:
    ((answer, _, _),) = ask(lie)
    attribute = answer.get(OtherAddress)
    assert attribute is not None
    return attribute.endpoint


@pytest.mark.parametrize("attributes", [(), (BOTH,), (PORT,), (ResponsePort(9),), (Padding(b""),)])
def test_honest_server_is_respond_itself(attributes: tuple[Attribute, ...]):
    request = Message.request(Method.BINDING, b"transaction!", attributes)
    site = Site(quartet=Quartet(FOUR, FOUR, proven=True))
    truth = respond(Received(request.raw, CLIENT, FOUR[1]), site)
    ((answer, source, destination),) = ask(Lie.NONE, *attributes, asked=FOUR[1])
    assert (answer.raw, source, destination) == (truth.data, truth.source, truth.destination)


@pytest.mark.parametrize("lie", Lie)
@pytest.mark.parametrize("data", [b"", b"hello", bytes((1, 1)) + bytes(18)])
def test_what_is_no_request_gets_no_answer(lie: Lie, data: bytes):
    assert Server(FOUR, lie, Random(5))(data, CLIENT, FOUR[0], 0.0) == []


def test_server_without_rfc5780_says_so():
    ((answer, _, _),) = ask(Lie.NO_RFC5780)
    assert answer.get(OtherAddress) is None
    ((refusal, _, _),) = ask(Lie.NO_RFC5780, BOTH)
    assert refusal.get(ErrorCode) == ErrorCode(420)


def test_change_request_is_ignored():
    ((answer, source, _),) = ask(Lie.IGNORES_CHANGE, BOTH)
    assert source == FOUR[0]
    assert answer.get(XorMappedAddress) == XorMappedAddress(CLIENT)


def test_change_request_is_dropped():
    assert ask(Lie.DROPS_CHANGE, BOTH) == []
    assert len(ask(Lie.DROPS_CHANGE)) == 1
    assert len(ask(Lie.DROPS_CHANGE, ChangeRequest())) == 1


def test_other_address_and_other_port_are_swapped():
    sources = [ask(Lie.WRONG_SOURCE, change)[0][1] for change in (PORT, ADDRESS, BOTH)]
    assert sources == [FOUR[2], FOUR[1], FOUR[3]]


def test_other_address_is_wrong():
    assert other_address(Lie.WRONG_OTHER) == Endpoint.of("192.0.2.99", 3479)
    assert ask(Lie.WRONG_OTHER, BOTH)[0][1] == FOUR[3]


def test_other_address_is_the_same():
    assert other_address(Lie.SAME_ADDRESS) == FOUR[1]


def test_other_address_is_behind_a_firewall():
    assert ask(Lie.FIREWALLED, BOTH) == []
    assert ask(Lie.FIREWALLED, asked=FOUR[2]) == []
    assert ask(Lie.FIREWALLED, PORT)[0][1] == FOUR[1]


def test_way_of_the_other_address_loses_most():
    server = Server(FOUR, Lie.LOSSY_ALTERNATE, Random(5))
    answers = sum(len(ask(Lie.NONE, BOTH, server=server)) for _ in range(1000))
    assert 350 < answers < 450
    assert all(ask(Lie.NONE, server=server) for _ in range(100))


@pytest.mark.parametrize(
    ("lie", "attribute"),
    [
        (Lie.NO_RESPONSE_PORT, ResponsePort(9)),
        (Lie.NO_PADDING, Padding(bytes(9))),
        (Lie.CLASSIC, ResponsePort(9)),
        (Lie.CLASSIC, Padding(bytes(9))),
    ],
)
def test_attribute_is_refused(lie: Lie, attribute: Attribute):
    ((refusal, source, destination),) = ask(lie, attribute)
    assert refusal.get(ErrorCode) == ErrorCode(420)
    assert refusal.get(UnknownAttributes) == UnknownAttributes((attribute.type,))
    assert (source, destination) == (FOUR[0], CLIENT)


def test_response_port_is_ignored():
    ((_, source, destination),) = ask(Lie.IGNORES_RESPONSE_PORT, ResponsePort(9), BOTH)
    assert (source, destination) == (FOUR[3], CLIENT)


def test_padding_is_ignored():
    ((answer, _, _),) = ask(Lie.IGNORES_PADDING, Padding(bytes(900)))
    assert answer.get(Padding) is None
    assert answer.get(XorMappedAddress) is not None


def test_classic_server_knows_other_names_and_no_xor():
    ((answer, source, _),) = ask(Lie.CLASSIC, BOTH)
    assert source == FOUR[3]
    assert answer.get(MappedAddress) == MappedAddress(CLIENT)
    assert answer.get(ChangedAddress) == ChangedAddress(FOUR[3])
    assert answer.get(SourceAddress) == SourceAddress(FOUR[3])
    assert answer.get(XorMappedAddress) is None


@pytest.mark.parametrize(
    ("quartet", "bridge"), [(FOUR, "172.17.0.1"), (SIX, "fd00::1")], ids=["IPv4", "IPv6"]
)
def test_server_behind_a_proxy_sees_the_proxys_endpoints(
    quartet: tuple[Endpoint, ...], bridge: str
):
    server = Server(quartet, Lie.TRANSLATED, Random(5))
    client = CLIENT if quartet is FOUR else Endpoint.of("2001:db8::9", 9)
    request = Message.request(Method.BINDING, b"transaction!").raw
    seen = []
    for asked in (quartet[0], quartet[0], quartet[1]):
        (answer,) = server(request, client, asked, 0.0)
        assert answer.destination == client
        mapped = Message.decode(answer.data).get(XorMappedAddress)
        assert mapped is not None
        seen.append(mapped.endpoint)
    assert {one.host for one in seen} == {bridge}
    assert seen[0] == seen[1] != seen[2]


def test_classic_server_refuses_in_the_usual_words():
    ((answer, _, _),) = ask(Lie.CLASSIC, _Unknown())
    assert answer.get(UnknownAttributes) == UnknownAttributes((0x7FFE,))


class _Unknown(Attribute):
    type = 0x7FFE

    def encode(self, transaction_id: bytes) -> bytes:  # noqa: ARG002 (see Attribute)
        return b""
