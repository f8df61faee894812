import pytest

from stunkit.conformance.conversation import Arrival, Heard
from stunkit.conformance.subject import Raw, Subject, acquainted
from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import ChangedAddress, OtherAddress
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from stunkit.wire.uri import Transport
from tests.unit.conformance.rehearsal import world_of

HERE, SERVER = Endpoint.of("10.0.0.2", 40000), Endpoint.of("198.51.100.1", 3478)
OTHER = Endpoint.of("198.51.100.2", 3479)
SUBJECT = Subject(SERVER, Transport.UDP, (HERE,), lambda: bytes(12))


def answer(*attributes, is_error=False):
    kind = MessageClass.ERROR_RESPONSE if is_error else MessageClass.SUCCESS_RESPONSE
    return Message.build(kind, Method.BINDING, bytes(12), attributes)


def test_raw_is_any_attribute():
    message = SUBJECT.request(Raw(0x7F53, b"abc"))
    assert message.attributes == ((0x7F53, b"abc"),)
    assert len(message.raw) == 28


def test_classic_requests_have_no_cookie():
    assert SUBJECT.classic().is_classic
    assert not SUBJECT.request().is_classic


@pytest.mark.parametrize(
    ("server", "is_local"),
    [("127.9.0.1", True), ("::1", True), ("10.0.0.2", True), ("10.0.0.3", False), ("::2", False)],
)
def test_nothing_stands_between_us_and_our_own_host(server, is_local):
    assert SUBJECT._replace(server=Endpoint.of(server, 3478)).is_local is is_local


@pytest.mark.parametrize(("code", "is_closed"), [(401, True), (400, True), (500, False)])
def test_who_refuses_a_plain_request_is_closed(code, is_closed):
    plain = answer(ErrorCode(code), is_error=True)
    assert SUBJECT._replace(plain=plain).is_closed is is_closed


def test_who_answers_is_not_closed():
    assert not SUBJECT._replace(plain=answer()).is_closed
    assert not SUBJECT.is_closed


@pytest.mark.parametrize("kind", [OtherAddress, ChangedAddress])
def test_other_is_what_is_named(kind):
    assert SUBJECT._replace(plain=answer(kind(OTHER))).other == OTHER


def test_other_is_none_where_nothing_or_rubbish_is_named():
    assert SUBJECT.other is None
    assert SUBJECT._replace(plain=answer()).other is None
    assert SUBJECT._replace(plain=answer(Raw(OtherAddress.type, b"?"))).other is None


def test_an_answer_is_remembered():
    request = SUBJECT.request().raw
    heard = Heard(request, (Arrival(answer().raw, SERVER, HERE, 0.1),))
    met = acquainted(SUBJECT, heard)
    assert met.plain == answer()
    assert met.handshake.reason is None


def test_silence_is_a_reason():
    met = acquainted(SUBJECT, Heard(SUBJECT.request().raw, tries=7))
    assert met.plain is None
    assert met.handshake.reason == "7 plain requests were not answered"


def test_introduction_meets_a_server_over_a_path_that_loses_much():
    met = [world_of(loss=0.5, seed=seed).subject.plain is not None for seed in range(20)]
    assert sum(met) > 14
