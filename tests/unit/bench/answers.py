"""Answers to one socket's requests, right ones and others."""

import numpy as np

from stunkit.bench.conversation import Answers
from stunkit.bench.identity import Identity
from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method

SECRET = bytes(range(1, 13))
IPV4 = Endpoint.of("192.0.2.7", 4242)
IPV6 = Endpoint.of("2001:db8::7", 4242)
OTHER = {IPV4: Endpoint.of("192.0.2.8", 4242), IPV6: Endpoint.of("2001:db8::8", 4242)}


def transaction_id(number: int, secret: bytes = SECRET) -> bytes:
    rows = np.zeros((1, 128), np.uint8)
    Identity(secret).number(rows, np.array([number], np.uint64))
    return rows[0, 8:20].tobytes()


def answer(number: int, mapped: Endpoint, *more, secret=SECRET, kind=XorMappedAddress) -> bytes:
    attributes = (Software("a server"), kind(mapped), *more)
    identity = transaction_id(number, secret)
    return Message.build(MessageClass.SUCCESS_RESPONSE, Method.BINDING, identity, attributes).raw


def model(mapped: Endpoint, *more, kind=XorMappedAddress) -> Message:
    """The answer to a first question, whose id has nothing to do with the others."""
    attributes = (Software("a server"), kind(mapped), *more)
    return Message.build(MessageClass.SUCCESS_RESPONSE, Method.BINDING, b"first quest.", attributes)


def columns(*datagrams: bytes) -> Answers:
    heads = np.full((len(datagrams), 128), 0xEE, np.uint8)  # what is left of a row is anything
    for row, data in enumerate(datagrams):
        heads[row, : len(data)] = np.frombuffer(data[:128], np.uint8)
    lengths = np.array([len(data) for data in datagrams], np.uint32)
    arrived = 20.0 + np.arange(len(datagrams))
    return Answers(heads, lengths, arrived, datagrams.__getitem__)
