"""Whatever arrives, the server's answer is one, is owed, and is small."""

from __future__ import annotations

from hypothesis import event, given
from hypothesis import strategies as st

from stunkit.endpoint import Endpoint, Family
from stunkit.protocol.respond import Disposition, Received, Response, respond
from stunkit.protocol.site import Quartet, Site
from stunkit.wire.attributes.address import MappedAddress, XorMappedAddress
from stunkit.wire.attributes.behavior import ChangeRequest, ResponsePort
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.fingerprint import add_fingerprint, check_fingerprint
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass, Method
from tests.strategies import (
    attribute_lists,
    classic_ids,
    datagrams,
    messages,
    phrases,
    scoped_endpoints,
    transaction_ids,
    type_numbers,
)

ERRORS = {400: Disposition.BAD_REQUEST, 420: Disposition.UNKNOWN_ATTRIBUTE}
ANSWERS = {Disposition.ANSWERED, *ERRORS.values()}
# Understood or, in the words of RFC 8489 section 6.3, known but unexpected.
OF_DATAGRAMS = {0x26, 0x27}
KNOWN = {1, 6, 8, 9, 0x0A, 0x14, 0x15, 0x1C, 0x1D, 0x1E, 0x20}
SEALS = {AttributeType.MESSAGE_INTEGRITY, AttributeType.MESSAGE_INTEGRITY_SHA256}

endpoints = scoped_endpoints
SERVER = Endpoint(bytes((192, 0, 2, 200)), 3478)
OTHER = Endpoint(bytes((192, 0, 2, 201)), 3479)
FOUR = (SERVER, SERVER.with_port(3479), OTHER.with_port(3478), OTHER)

four = st.sampled_from(FOUR)
quartets = st.builds(Quartet, st.just(FOUR), st.just(FOUR), st.booleans())
sites = st.builds(Site, st.none() | phrases, st.none() | quartets, st.booleans())
plain_sites = st.builds(Site, st.none(), st.none(), st.booleans())
ids = transaction_ids | classic_ids
blank_requests = st.builds(Message.request, st.just(Method.BINDING), ids)
requests = st.builds(Message.request, st.just(Method.BINDING), ids, attribute_lists)
sealed_requests = requests.filter(
    lambda message: all(number != AttributeType.FINGERPRINT for number, _ in message.attributes)
).map(add_fingerprint)


@st.composite
def mutated_requests(draw: st.DrawFn) -> bytes:
    """A Binding request with an attribute of any kind more, and some bytes changed behind its
    type and length, or cut off with the length made to fit."""
    message = draw(requests | sealed_requests | blank_requests)
    if draw(st.booleans()):
        message = message.append(draw(type_numbers), draw(st.binary(max_size=8)))
    raw = bytearray(message.raw)
    places = st.integers(4, len(raw) - 1)
    for place, byte in draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=3)):
        raw[place] = byte
    if draw(st.booleans()):
        raw = raw[: draw(st.integers(20, len(raw))) & ~3]
        raw[2:4] = (len(raw) - 20).to_bytes(2, "big")
    return bytes(raw)


anything = mutated_requests() | datagrams | messages.map(lambda message: message.raw)
received = st.builds(Received, anything, endpoints, four)
asked = st.builds(
    Received,
    (requests | sealed_requests | blank_requests).map(lambda message: message.raw),
    endpoints,
    four,
)


def is_binding_request(data: bytes) -> bool:
    return data[:2] == b"\0\1"


@given(received, sites)
def test_answer_is_owed_and_fits_its_request(received: Received, site: Site):
    response = respond(received, site)
    event(response.disposition)
    check_path(received, response, site)
    assert bool(response.data) == (response.disposition in ANSWERS)
    if response.data:
        assert is_binding_request(received.data)
        check_answer(received, response, site)


def check_path(received: Received, response: Response, site: Site) -> None:
    """An answer goes to the address that asked and, mostly, by the path that the request took."""
    assert response.destination.with_port(0) == received.source.with_port(0)
    if response.disposition is not Disposition.ANSWERED or site.is_stream:
        assert (response.source, response.destination) == (received.local, received.source)
        return
    request = Message.decode(received.data)
    port = request.get(ResponsePort)
    assert response.destination.port == (port.number if port else received.source.port)
    change = request.get(ChangeRequest) or ChangeRequest()
    assert (response.source.packed != received.local.packed) == change.change_ip
    assert (response.source.port != received.local.port) == change.change_port


def check_answer(received: Received, response: Response, site: Site) -> None:
    answer = Message.decode(response.data)
    assert answer.is_response
    assert answer.method == Method.BINDING
    assert answer.raw[4:20] == received.data[4:20]  # the id, and the cookie if it was there
    assert len(answer.raw) <= site.budget(len(received.data), received.source.family)
    assert (AttributeType.SOFTWARE in dict(answer.attributes)) == (site.software is not None)
    assert check_fingerprint(answer) is not False
    # so two servers can never keep each other busy
    again = respond(Received(response.data, received.local, received.source), site)
    assert (again.disposition, again.data) == (Disposition.RESPONSE, b"")
    error = answer.get(ErrorCode)
    if error is None:
        assert response.disposition is Disposition.ANSWERED
        check_success(answer, received.source)
    else:
        assert answer.message_class is MessageClass.ERROR_RESPONSE
        assert response.disposition is ERRORS[error.code]
        assert (error.code == 420) == (answer.get(UnknownAttributes) is not None)


def check_success(answer: Message, source: Endpoint) -> None:
    assert answer.message_class is MessageClass.SUCCESS_RESPONSE
    kind = MappedAddress if answer.is_classic else XorMappedAddress
    assert answer.attributes[0][0] == kind.type
    mapped = answer.get(kind).endpoint
    assert (mapped.packed, mapped.port) == (source.packed, source.port)


@given(asked, sites)
def test_every_sound_binding_request_is_answered(asked: Received, site: Site):
    response = respond(asked, site)
    request = Message.decode(asked.data)
    if check_fingerprint(request) is False:  # drawn at random among the attributes
        assert response.disposition is Disposition.BAD_FINGERPRINT
    else:
        assert response.data
        mirrored = check_fingerprint(Message.decode(response.data)) is not None
        assert mirrored == (check_fingerprint(request) is not None)


@given(st.builds(Received, requests.map(lambda message: message.raw), endpoints, four), plain_sites)
def test_420_lists_what_was_not_understood(received: Received, site: Site):
    request = Message.decode(received.data)
    response = respond(received, site)
    if response.disposition is Disposition.BAD_FINGERPRINT:
        return
    expected = not_understood(request, site)
    event(f"{min(len(expected), 3)} unknown")
    answer = Message.decode(response.data)
    if not expected:
        assert response.disposition is not Disposition.UNKNOWN_ATTRIBUTE
        return
    assert answer.get(ErrorCode).code == 420
    types = answer.get(UnknownAttributes).types
    if request.is_classic and len(expected) % 2:
        expected.append(expected[-1])  # RFC 3489 section 11.2.10
    assert list(types) == expected


def not_understood(request: Message, site: Site) -> list[int]:
    known = KNOWN if site.is_stream else KNOWN | OF_DATAGRAMS
    unknown: list[int] = []
    change = b""
    for number, value in request.attributes:
        if number in SEALS or number == AttributeType.FINGERPRINT:
            break  # what follows is not visible, but for types that are known
        if number == ChangeRequest.type and request.is_classic:
            change = change or value
        elif number < 0x8000 and number not in known and number not in unknown:
            unknown.append(number)
    # A classic client sends CHANGE-REQUEST as a matter of course: it is refused for its flags.
    return unknown or [int(ChangeRequest.type)] * bool(change and change[3] & 6)


@given(st.builds(Received, blank_requests.map(lambda message: message.raw), endpoints, four))
def test_blank_request_gets_at_most_one_mapped_address_more(received: Received):
    response = respond(received, Site())
    assert response.disposition is Disposition.ANSWERED
    factor = 1.6 if received.source.family is Family.IPV4 else 2.2
    assert len(response.data) <= factor * len(received.data)
