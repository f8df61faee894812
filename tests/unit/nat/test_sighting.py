from __future__ import annotations

import pytest

from stunkit.endpoint import Endpoint
from stunkit.nat.sighting import is_inside, sight
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from tests.unit.nat.exchange import LOCAL, MAPPED, SERVER, success

REQUEST = Message.request(Method.BINDING, bytes(12))
REWRITTEN = Endpoint.of("10.0.0.2", 40000)


def test_xor_mapped_address_counts_before_mapped_address():
    one = sight(Message.decode(success(REQUEST, MAPPED, plain=REWRITTEN)), LOCAL, SERVER)
    assert (one.mapped, one.plain, one.mixed) == (MAPPED, REWRITTEN, MAPPED)
    assert one.is_safe
    assert not one.doubt


def test_mapped_address_alone_counts_but_is_not_safe():
    one = sight(Message.decode(success(REQUEST, None, plain=MAPPED)), LOCAL, SERVER)
    assert (one.mapped, one.is_safe, one.doubt) == (MAPPED, False, "")


def test_answer_without_an_address_is_doubtful():
    one = sight(Message.decode(success(REQUEST, None)), LOCAL, SERVER)
    assert one.mapped is None
    assert one.doubt == "198.51.100.1:3478 did not say where it sees us"


@pytest.mark.parametrize("number", [0x0001, 0x0020])
def test_attribute_that_cannot_be_decoded_is_none(number: int):
    answer = Message.build(MessageClass.SUCCESS_RESPONSE, Method.BINDING, bytes(12))
    one = sight(answer.append(number, b"\0\1\0"), LOCAL, SERVER)
    assert one.mapped is None


def test_a_server_behind_a_proxy_of_its_own_is_doubted():
    bridge = Endpoint.of("172.17.0.1", 40000)
    one = sight(Message.decode(success(REQUEST, bridge)), LOCAL, SERVER)
    assert one.doubt.endswith("sees 172.17.0.1:40000, so it stands behind a proxy of its own")


def test_a_private_address_that_may_have_been_rewritten_is_doubted_for_both_reasons():
    inner = Endpoint.of("100.64.0.10", 40000)
    one = sight(Message.decode(success(REQUEST, None, plain=inner)), LOCAL, SERVER)
    assert one.doubt.endswith("a proxy of its own, or a gateway rewrites MAPPED-ADDRESS")


def test_a_server_that_sees_an_address_of_its_own_is_doubted():
    node = SERVER.with_port(40000)
    one = sight(Message.decode(success(REQUEST, node)), LOCAL, SERVER)
    assert "sees 198.51.100.1:40000, an address of its own" in one.doubt


def test_a_server_on_our_own_host_is_believed():
    one = sight(Message.decode(success(REQUEST, SERVER.with_port(40000))), SERVER, SERVER)
    assert not one.doubt


def test_private_address_is_believed_of_a_server_inside_too():
    inside = Endpoint.of("192.168.0.9", 3478)
    one = sight(Message.decode(success(REQUEST, Endpoint.of("192.168.0.1", 1024))), LOCAL, inside)
    assert not one.doubt


def test_own_private_address_is_believed():
    assert not sight(Message.decode(success(REQUEST, LOCAL)), LOCAL, SERVER).doubt


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("9.255.255.255", False),
        ("10.0.0.0", True),
        ("10.255.255.255", True),
        ("11.0.0.0", False),
        ("172.15.255.255", False),
        ("172.16.0.0", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("192.168.0.1", True),
        ("192.169.0.1", False),
        ("100.63.255.255", False),
        ("100.64.0.0", True),
        ("100.127.255.255", True),
        ("100.128.0.0", False),
        ("127.0.0.1", True),
        ("169.254.1.1", True),
        ("203.0.113.1", False),
        ("::1", True),
        ("fc00::1", True),
        ("fdff::1", True),
        ("fe80::1", True),
        ("2001:db8::1", False),
    ],
)
def test_inside_addresses_are_those_that_never_cross_the_internet(address: str, inside: bool):
    assert is_inside(Endpoint.of(address, 1)) is inside
