from __future__ import annotations

import pytest

from stunkit.endpoint import Endpoint
from stunkit.ice.check import (
    Check,
    Credentials,
    Refusal,
    Role,
    accept,
    make_check,
    read_check,
    refuse,
)
from stunkit.protocol.client import mapped_endpoint
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.attributes.ice import IceControlled, IceControlling, Priority, UseCandidate
from stunkit.wire.attributes.text import Username
from stunkit.wire.fingerprint import check_fingerprint
from stunkit.wire.integrity import add_integrity, check_integrity
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, Code, Method

OURS = Credentials("ours", "our-password")
THEIRS = Credentials("them", "their-password")
ID = bytes(range(12))
SOURCE = Endpoint.of("192.0.2.7", 4242)


def signed(*attributes, credentials: Credentials = OURS) -> Message:
    return add_integrity(Message.request(Method.BINDING, ID, attributes), credentials.signature.key)


def test_check_says_who_asks_whom_and_in_which_role():
    request = make_check(ID, THEIRS, OURS, Priority(7), IceControlling(9), UseCandidate())
    assert request.get(Username).text == "ours:them"
    assert check_fingerprint(request)
    read = read_check(request, OURS)
    assert read == Check(request, 7, Role(is_controlling=True, tie_breaker=9), uses_candidate=True)


def test_role_may_be_left_out():
    request = make_check(ID, THEIRS, OURS, Priority(7))
    assert read_check(request, OURS) == Check(request, 7, None, uses_candidate=False)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (Message.request(Method.BINDING, ID), Code.BAD_REQUEST),
        (Message.request(Method.BINDING, ID, [Username("ours:them")]), Code.BAD_REQUEST),
        (signed(Priority(7)), Code.BAD_REQUEST),
        (signed(Username("theirs:ours"), Priority(7)), Code.UNAUTHORIZED),
        (signed(Username("ours"), Priority(7)), Code.UNAUTHORIZED),
        (signed(Username("ours:them"), credentials=THEIRS), Code.UNAUTHORIZED),
        (signed(Username("ours:them")), Code.BAD_REQUEST),
    ],
)
def test_check_that_cannot_be_believed_is_refused(request_: Message, code: Code):
    assert read_check(request_, OURS) == Refusal(request_, code)


def test_broken_attribute_is_a_bad_request():
    request = Message.request(Method.BINDING, ID, [Username("ours:them")])
    request = add_integrity(request.append(AttributeType.PRIORITY, b"abc"), OURS.signature.key)
    assert read_check(request, OURS) == Refusal(request, Code.BAD_REQUEST)


def test_unknown_attribute_is_named():
    request = Message.request(Method.BINDING, ID, [Username("ours:them"), Priority(7)])
    request = add_integrity(request.append(0x7FFF, b""), OURS.signature.key)
    refusal = read_check(request, OURS)
    assert refusal == Refusal(request, Code.UNKNOWN_ATTRIBUTE, (0x7FFF,))
    answer = refuse(refusal, OURS)
    assert answer.get(UnknownAttributes).types == (0x7FFF,)
    assert check_integrity(answer, OURS.signature.key)


def test_success_says_where_the_check_came_from_and_is_signed():
    request = make_check(ID, THEIRS, OURS, Priority(7), IceControlled(1))
    answer = accept(read_check(request, OURS), SOURCE, OURS)
    assert mapped_endpoint(answer) == SOURCE
    assert answer.transaction_id == ID
    assert OURS.signature.accepts(answer)
    assert check_fingerprint(answer)


@pytest.mark.parametrize(
    ("code", "is_signed"),
    [
        (Code.BAD_REQUEST, None),
        (Code.UNAUTHORIZED, None),
        (Code.ROLE_CONFLICT, True),
    ],
)
def test_error_is_signed_only_for_who_has_proven_himself(code: Code, is_signed: bool | None):
    answer = refuse(Refusal(Message.request(Method.BINDING, ID), code), OURS)
    assert answer.get(ErrorCode).code == code
    assert check_integrity(answer, OURS.signature.key) is is_signed
    assert check_fingerprint(answer)


@pytest.mark.parametrize(
    ("is_controlling", "ours", "theirs", "yields"),
    [
        (True, 2, 1, False),
        (True, 1, 1, False),
        (True, 1, 2, True),
        (False, 2, 1, True),
        (False, 1, 1, True),
        (False, 1, 2, False),
    ],
)
def test_tie_breaker_settles_who_changes(is_controlling, ours, theirs, yields):
    assert Role(is_controlling, ours).yields_to(Role(is_controlling, theirs)) is yields


def test_role_is_said_by_its_attribute():
    assert Role(is_controlling=True, tie_breaker=3).attribute == IceControlling(3)
    assert Role(is_controlling=False, tie_breaker=3).attribute == IceControlled(3)
