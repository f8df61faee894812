"""RFC 5780 in `respond`: four sockets, CHANGE-REQUEST, RESPONSE-PORT, PADDING, classic clients."""

from __future__ import annotations

import pytest

from stunkit.endpoint import Endpoint
from stunkit.protocol.respond import Disposition, Received, Response, respond
from stunkit.protocol.site import Quartet, Site
from stunkit.wire.attributes.address import (
    ChangedAddress,
    MappedAddress,
    OtherAddress,
    ResponseOrigin,
    SourceAddress,
    XorMappedAddress,
)
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.behavior import ChangeRequest, Padding, ResponsePort
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.message import Message

CLIENT = Endpoint.parse("192.0.2.9:40000")
CLIENT6 = Endpoint.parse("[2001:db8::9]:40000")
MODERN = bytes(range(12))
CLASSIC = bytes(range(16))


def quartet(first: str, second: str, *, proven: bool = True, public: bool = False) -> Quartet:
    endpoints = tuple(Endpoint.of(host, port) for host in (first, second) for port in (3478, 3479))
    shown = tuple(Endpoint.of(f"203.0.113.{e.packed[3]}", e.port) for e in endpoints)
    return Quartet(endpoints, shown if public else endpoints, proven)


FOUR = quartet("198.51.100.1", "198.51.100.2")
FOUR6 = quartet("2001:db8::1", "2001:db8::2")


def ask(
    *attributes: Attribute,
    at: int = 0,
    four: Quartet | None = FOUR,
    client: Endpoint = CLIENT,
    identity: bytes = MODERN,
    is_stream: bool = False,
) -> tuple[Response, Message]:
    request = Message.request(1, identity, attributes)
    local = four.local[at] if four else Endpoint.parse("198.51.100.1:3478")
    site = Site(quartet=four, is_stream=is_stream)
    response = respond(Received(request.raw, client, local), site)
    return response, Message.decode(response.data)


def code(message: Message) -> int | None:
    error = message.get(ErrorCode)
    return error and error.code


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize(("four", "client"), [(FOUR, CLIENT), (FOUR6, CLIENT6)])
@pytest.mark.parametrize(
    ("change_ip", "change_port"), [(False, False), (False, True), (True, False), (True, True)]
)
def test_answers_from_the_socket_of_table_1(
    at: int, four: Quartet, client: Endpoint, change_ip: bool, change_port: bool
):
    response, message = ask(ChangeRequest(change_ip, change_port), at=at, four=four, client=client)
    here = four.local[at]
    other = next(
        e for e in four.local if e.packed != here.packed and e.port != here.port
    )  # Ca:Cp, whatever the flags
    expected = Endpoint(
        other.packed if change_ip else here.packed, other.port if change_port else here.port
    )
    assert response.disposition is Disposition.ANSWERED
    assert (response.source, response.destination) == (expected, client)
    assert message.get(ResponseOrigin) == ResponseOrigin(expected)
    assert message.get(OtherAddress) == OtherAddress(other)
    assert message.get(MappedAddress) == MappedAddress(client)
    assert message.get(XorMappedAddress) == XorMappedAddress(client)


def test_names_the_sockets_as_clients_know_them_behind_a_one_to_one_nat():
    four = quartet("10.0.0.5", "10.0.0.6", public=True)
    response, message = ask(ChangeRequest(change_port=True), four=four)
    assert str(response.source) == "10.0.0.5:3479"
    assert message.get(ResponseOrigin) == ResponseOrigin(Endpoint.parse("203.0.113.5:3479"))
    assert message.get(OtherAddress) == OtherAddress(Endpoint.parse("203.0.113.6:3479"))


def test_says_nothing_of_an_other_address_that_is_not_proven():
    four = quartet("198.51.100.1", "198.51.100.2", proven=False)
    _, message = ask(four=four)
    assert message.get(OtherAddress) is None
    assert message.get(ResponseOrigin) == ResponseOrigin(four.local[0])
    _, refusal = ask(ChangeRequest(change_ip=True), four=four)
    assert code(refusal) == 420
    assert refusal.get(UnknownAttributes) == UnknownAttributes((0x0003,))


@pytest.mark.parametrize("four", [FOUR, None])
def test_refuses_change_request_over_a_stream(four: Quartet | None):
    _, message = ask(ChangeRequest(change_ip=True), four=four, is_stream=True)
    assert code(message) == 420


@pytest.mark.parametrize("attribute", [ResponsePort(5000), Padding(bytes(100))])
def test_refuses_response_port_and_padding_over_a_stream(attribute: Attribute):
    _, message = ask(attribute, is_stream=True)
    assert code(message) == 420
    assert message.get(UnknownAttributes) == UnknownAttributes((attribute.type,))


def test_streams_name_the_other_address_too():
    _, message = ask(is_stream=True)
    assert message.get(OtherAddress) == OtherAddress(FOUR.local[3])


@pytest.mark.parametrize("four", [FOUR, None])
def test_response_port_changes_the_port_alone(four: Quartet | None):
    response, message = ask(ResponsePort(5000), four=four)
    assert response.destination == CLIENT.with_port(5000)
    assert message.get(XorMappedAddress) == XorMappedAddress(CLIENT)


def test_reads_a_response_port_of_two_bytes():
    request = Message.request(1, MODERN).append(0x0027, (5000).to_bytes(2, "big"))
    response = respond(Received(request.raw, CLIENT, FOUR.local[0]), Site(quartet=FOUR))
    assert response.destination.port == 5000


@pytest.mark.parametrize(
    "attributes",
    [(ResponsePort(0),), (ResponsePort(5000), Padding(bytes(8)))],
    ids=["port 0", "with padding"],
)
def test_refuses_a_response_port_that_leads_nowhere_or_comes_with_padding(
    attributes: tuple[Attribute, ...],
):
    response, message = ask(*attributes)
    assert code(message) == 400
    assert response.destination == CLIENT


def test_refuses_a_broken_response_port():
    request = Message.request(1, MODERN).append(0x0027, b"\0\0\0")
    response = respond(Received(request.raw, CLIENT, FOUR.local[0]), Site(quartet=FOUR))
    assert response.disposition is Disposition.BAD_REQUEST


@pytest.mark.parametrize("four", [FOUR, None])
@pytest.mark.parametrize("size", [64, 65, 66, 67, 100, 1500, 3000, 60000])
def test_padding_comes_back_and_never_makes_the_answer_longer(size: int, four: Quartet | None):
    request = Message.request(1, MODERN, [Padding(bytes(size))])
    local = FOUR.local[0]
    response = respond(Received(request.raw, CLIENT, local), Site(quartet=four))
    message = Message.decode(response.data)
    assert message.get(Padding) is not None
    assert len(request.raw) - 3 <= len(response.data) <= len(request.raw)


def test_padding_is_empty_where_there_is_no_room():
    _, message = ask(Padding(b""))
    assert message.get(Padding) == Padding(b"")


def test_a_classic_client_gets_the_attributes_of_its_time():
    response, message = ask(ChangeRequest(change_ip=True, change_port=True), identity=CLASSIC)
    assert response.source == FOUR.local[3]
    assert message.is_classic
    assert [number for number, _ in message.attributes] == [0x0001, 0x0004, 0x0005]
    assert message.get(SourceAddress) == SourceAddress(FOUR.local[3])
    assert message.get(ChangedAddress) == ChangedAddress(FOUR.local[3])


def test_stays_within_the_budget_of_its_sockets():
    for client, four, size in ((CLIENT, FOUR, 68), (CLIENT6, FOUR6, 116)):
        response, _ = ask(four=four, client=client)
        assert len(response.data) == size
        assert size <= Site(quartet=four).budget(20, client.family)
