"""Reading a relay's answers: see also test_allocation, where they come in a conversation."""

from __future__ import annotations

from stunkit.endpoint import Endpoint
from stunkit.errors import NoAnswer
from stunkit.protocol.allocation_event import (
    DEFAULT_LIFETIME,
    Rejected,
    read_lifetime,
    read_rejected,
)
from stunkit.protocol.client import Failed
from stunkit.wire.attributes.text import Realm, Software
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass, Method

SERVER = Endpoint.parse("192.0.2.1:3478")
LOCAL = Endpoint.parse("198.51.100.7:5000")
REQUEST = Message.request(Method.ALLOCATE, bytes(12))


def answer(*attributes) -> Message:
    return Message.build(MessageClass.ERROR_RESPONSE, Method.ALLOCATE, bytes(12), attributes)


def test_a_lifetime_that_is_missing_or_broken_is_the_default():
    success = Message.build(MessageClass.SUCCESS_RESPONSE, Method.REFRESH, bytes(12))
    assert read_lifetime(success) == DEFAULT_LIFETIME
    assert read_lifetime(success.append(AttributeType.LIFETIME, b"\1")) == DEFAULT_LIFETIME


def test_a_rejection_says_what_the_answer_says():
    error = NoAnswer(1, 1.0)
    response = answer(Realm("example.org"), Software("a relay"))
    failed = Failed(REQUEST, SERVER, LOCAL, error, response)
    found = read_rejected(Method.ALLOCATE, failed, (), is_signed=True)
    assert found == Rejected(
        Method.ALLOCATE, error, (), is_signed=True, realm="example.org", software="a relay"
    )


def test_a_rejection_without_an_answer_says_less():
    error = NoAnswer(1, 1.0)
    failed = Failed(REQUEST, SERVER, LOCAL, error)
    found = read_rejected(Method.ALLOCATE, failed, (LOCAL,), is_signed=False)
    assert found == Rejected(Method.ALLOCATE, error, (LOCAL,))


def test_an_unsigned_answer_is_kept_apart():
    response = answer(Realm("example.org"))
    failed = Failed(REQUEST, SERVER, LOCAL, NoAnswer(1, 1.0), unsigned=response)
    found = read_rejected(Method.ALLOCATE, failed, (), is_signed=True)
    assert (found.unsigned, found.realm, found.software) == (response, "example.org", None)
