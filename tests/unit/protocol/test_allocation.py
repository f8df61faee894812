"""A TURN client's allocation, without a socket and without waiting."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import InvalidAnswer, NoAnswer, Refused, Unreachable
from stunkit.protocol.allocation import PERMISSION_REFRESH, Allocation
from stunkit.protocol.allocation_event import (
    Allocated,
    Arrived,
    Lost,
    PeerUnreachable,
    Permitted,
    Redirect,
    Refreshed,
    Rejected,
    Released,
)
from stunkit.protocol.login import ROUNDS, Login
from stunkit.protocol.schedule import Schedule
from stunkit.wire.attributes.address import (
    AlternateServer,
    XorMappedAddress,
    XorPeerAddress,
    XorRelayedAddress,
)
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.attributes.text import AlternateDomain
from stunkit.wire.attributes.turn import (
    AdditionalAddressFamily,
    AddressErrorCode,
    Data,
    Icmp,
    Lifetime,
    RequestedAddressFamily,
    RequestedTransport,
)
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass, Method
from tests.relaying import PASSWORD, REALM, RELAYED, SHA256, USERNAME, ScriptedRelay

SERVER = Endpoint.parse("192.0.2.1:3478")
OTHER = Endpoint.parse("192.0.2.2:3478")
LOCAL = Endpoint.parse("198.51.100.7:5000")
PEER = Endpoint.parse("203.0.113.77:7000")
STRANGER = Endpoint.parse("203.0.113.78:7000")
INDICATION = MessageClass.INDICATION


def drawing() -> Callable[[int], bytes]:
    numbers = count(1)
    return lambda size: next(numbers).to_bytes(size, "big")


def client(*, password: str | None = PASSWORD, is_stream: bool = False) -> Allocation:
    login = None if password is None else Login(USERNAME, password)
    made = Allocation(SERVER, drawing(), login=login, is_stream=is_stream, schedule=Schedule(rc=2))
    made.local = LOCAL
    return made


def talk(machine: Allocation, relay: ScriptedRelay, now: float = 0.0) -> list[object]:
    """Carry what is sent to the relay, and back, until nobody says anything; return the events."""
    while sends := machine.sends():
        for outgoing in sends:
            assert (outgoing.destination, outgoing.local) == (SERVER, LOCAL)
            answer = relay.answer(outgoing.data, LOCAL)
            if answer is not None:
                machine.receive(answer, SERVER, LOCAL, now)
    return list(machine.events())


def allocated(relay: ScriptedRelay | None = None, *, is_stream: bool = False) -> Allocation:
    machine = client(is_stream=is_stream)
    machine.allocate(0.0)
    assert isinstance(talk(machine, relay or ScriptedRelay())[0], Allocated)
    return machine


def permitted(*peers: Endpoint) -> Allocation:
    machine = allocated()
    machine.permit(peers or (PEER,), 0.0)
    assert talk(machine, ScriptedRelay()) == [Permitted(peers or (PEER,), 0.0)]
    return machine


def run_out(machine: Allocation) -> list[object]:
    while (deadline := machine.deadline()) is not None and deadline < 100:
        machine.sends()
        machine.tick(deadline)
    machine.sends()
    return list(machine.events())


def bring(machine: Allocation, *attributes: Attribute, method: Method = Method.DATA) -> object:
    data = Message.build(INDICATION, method, bytes(12), attributes).raw
    machine.receive(data, SERVER, LOCAL, 0.0)
    return machine.events()


# Allocate


@pytest.mark.parametrize("algorithm", [None, SHA256])
def test_logs_in_and_gets_a_relayed_address(algorithm):
    relay = ScriptedRelay() if algorithm is None else ScriptedRelay(algorithm=algorithm)
    machine = client()
    machine.allocate(0.0)
    assert talk(machine, relay) == [
        Allocated((RELAYED,), LOCAL, 600, "scripted", None, 0.0, is_signed=True)
    ]
    assert relay.methods() == [Method.ALLOCATE] * 2
    for request in relay.asked:
        assert request.get(RequestedTransport) == RequestedTransport(17)
        assert request.value(AttributeType.SOFTWARE) == b"stunkit"
        assert request.value(AttributeType.REQUESTED_ADDRESS_FAMILY) is None
    assert machine.may_exist


def test_gets_one_from_a_relay_that_asks_nobody_to_log_in():
    for password in (None, PASSWORD):
        machine = client(password=password)
        machine.allocate(0.0)
        [event] = talk(machine, ScriptedRelay(realm=None))
        assert isinstance(event, Allocated)
        assert not event.is_signed


def test_asks_for_a_family_or_for_both():
    relay = ScriptedRelay(realm=None)
    for options in ({"family": Family.IPV6}, {"with_ipv6": True}, {"protocol": 6}):
        machine = client()
        machine.allocate(0.0, **options)
        talk(machine, relay)
    first, second, third = relay.asked
    assert first.get(RequestedAddressFamily) == RequestedAddressFamily(Family.IPV6)
    assert second.get(AdditionalAddressFamily) == AdditionalAddressFamily(Family.IPV6)
    assert third.get(RequestedTransport) == RequestedTransport(6)
    with pytest.raises(ValueError, match="one family"):
        client().allocate(0.0, family=Family.IPV4, with_ipv6=True)


def test_tells_both_relayed_addresses_or_why_one_is_missing():
    other = Endpoint.parse("[2001:db8::5]:50000")
    both = (XorRelayedAddress(RELAYED), XorRelayedAddress(other))
    missing = AddressErrorCode(Family.IPV6, 440)
    for attributes, relayed, reason in (
        (both, (RELAYED, other), None),
        ((both[0], missing), (RELAYED,), missing),
    ):
        machine = client(password=None)
        machine.allocate(0.0, with_ipv6=True)
        relay = ScriptedRelay(realm=None, grants={Method.ALLOCATE: attributes})
        [event] = talk(machine, relay)
        assert isinstance(event, Allocated)
        assert (event.relayed, event.missing) == (relayed, reason)
        assert (event.mapped, event.software, event.lifetime) == (None, None, 600)


@pytest.mark.parametrize("attributes", [(), (Lifetime(600),), (XorMappedAddress(LOCAL),)])
def test_rejects_a_success_without_a_relayed_address_and_releases_it(attributes):
    machine = client()
    machine.allocate(0.0)
    relay = ScriptedRelay(grants={Method.ALLOCATE: attributes})
    [event] = talk(machine, relay)
    assert isinstance(event, Rejected)
    assert isinstance(event.error, InvalidAnswer)
    assert machine.may_exist
    assert machine.deadline() is None
    machine.release(0.0)
    assert talk(machine, relay) == [Released()]


def test_rejects_a_success_with_a_broken_address():
    machine = client(password=None)
    machine.allocate(0.0)
    [sent] = machine.sends()
    request = Message.decode(sent.data)
    answer = Message.build(
        MessageClass.SUCCESS_RESPONSE, Method.ALLOCATE, request.transaction_id
    ).append(AttributeType.XOR_RELAYED_ADDRESS, b"\0\1\0")
    machine.receive(answer.raw, SERVER, LOCAL, 0.0)
    [event] = machine.events()
    assert "broken" in str(event.error)


def test_says_who_refused_and_in_which_realm():
    machine = client(password="wrong")
    machine.allocate(0.0)
    relay = ScriptedRelay()
    [event] = talk(machine, relay)
    assert (event.method, event.error.code, event.realm) == (Method.ALLOCATE, 401, REALM)
    assert event.is_signed
    assert not machine.may_exist
    assert len(relay.asked) == 2


def test_as_nobody_it_is_refused_at_once():
    machine = client(password=None)
    machine.allocate(0.0)
    [event] = talk(machine, ScriptedRelay())
    assert (event.error.code, event.is_signed, event.realm) == (401, False, REALM)


def test_a_stale_nonce_is_replaced():
    machine = client()
    machine.allocate(0.0)
    assert isinstance(talk(machine, ScriptedRelay(stale=2))[0], Allocated)


def test_nonces_that_are_always_stale_end_it():
    machine = client()
    machine.allocate(0.0)
    relay = ScriptedRelay(stale=99)
    [event] = talk(machine, relay)
    assert event.error.code == 438
    assert len(relay.asked) == ROUNDS


@pytest.mark.parametrize("code", [400, 403, 437, 440, 442, 486, 500, 508])
def test_an_error_leaves_nothing_to_release(code: int):
    machine = client()
    machine.allocate(0.0)
    relay = ScriptedRelay(says={Method.ALLOCATE: (ErrorCode(code),)})
    [event] = talk(machine, relay)
    assert isinstance(event.error, Refused)
    assert event.error.code == code
    machine.release(0.0)
    assert machine.events() == [Released()]
    assert machine.sends() == []


def test_a_second_allocate_that_fails_leaves_the_first_to_be_released():
    machine = allocated()
    machine.allocate(0.0)
    talk(machine, ScriptedRelay(says={Method.ALLOCATE: (ErrorCode(437),)}))
    assert machine.may_exist


def test_says_which_server_to_ask_instead():
    says = (ErrorCode(300), AlternateServer(OTHER), AlternateDomain("other.example"))
    for attributes, redirect in (
        (says, Redirect(OTHER, "other.example")),
        (says[:2], Redirect(OTHER, None)),
        (says[:1], None),
    ):
        machine = client()
        machine.allocate(0.0)
        [event] = talk(machine, ScriptedRelay(says={Method.ALLOCATE: attributes}))
        assert (event.error.code, event.redirect) == (300, redirect)


def test_a_broken_redirection_is_none():
    machine = client(password=None)
    machine.allocate(0.0)
    [sent] = machine.sends()
    identity = Message.decode(sent.data).transaction_id
    answer = Message.build(
        MessageClass.ERROR_RESPONSE, Method.ALLOCATE, identity, (ErrorCode(300),)
    ).append(AttributeType.ALTERNATE_SERVER, b"\0")
    machine.receive(answer.raw, SERVER, LOCAL, 0.0)
    assert machine.events()[0].redirect is None


def test_an_answer_without_a_signature_is_told_and_does_not_count():
    machine = client()
    machine.allocate(0.0)
    relay = ScriptedRelay(signs=False, says={Method.ALLOCATE: (ErrorCode(486),)})
    assert talk(machine, relay) == []
    [event] = run_out(machine)
    assert isinstance(event.error, InvalidAnswer)
    assert event.unsigned.get(ErrorCode) == ErrorCode(486)
    assert machine.may_exist  # who knows


def test_silence_ends_it_and_the_lost_answer_is_released():
    machine = client(password=None)
    machine.allocate(0.0)
    [event] = run_out(machine)
    assert isinstance(event.error, NoAnswer)
    machine.release(20.0)
    assert talk(machine, ScriptedRelay(realm=None), 20.0) == [Released()]


def test_gives_up_when_told():
    machine = client()
    machine.allocate(0.0)
    machine.give_up(1.0)
    [event] = machine.events()
    assert isinstance(event.error, NoAnswer)


def test_hears_that_the_relay_cannot_be_reached():
    machine = client()
    machine.allocate(0.0)
    machine.unreachable(SERVER, LOCAL, "connection refused", 0.1)
    [event] = machine.events()
    assert isinstance(event.error, Unreachable)


# Keeping it


def test_is_refreshed_a_minute_before_it_expires():
    machine = allocated()
    assert machine.deadline() == 540
    machine.tick(539.0)
    assert machine.sends() == []
    machine.tick(540.0)
    assert talk(machine, ScriptedRelay(), 540.0) == [Refreshed(600)]
    assert machine.deadline() == 1080


@pytest.mark.parametrize(("lifetime", "at"), [(100, 50.0), (1, 1.0), (0, 1.0)])
def test_a_short_life_is_refreshed_half_way(lifetime: int, at: float):
    grants = {Method.ALLOCATE: (XorRelayedAddress(RELAYED), Lifetime(lifetime))}
    assert allocated(ScriptedRelay(grants=grants)).deadline() == at


def test_a_refresh_that_fails_is_told():
    for code, remains in ((437, False), (500, True)):
        machine = allocated()
        machine.refresh(10.0)
        relay = ScriptedRelay(says={Method.REFRESH: (ErrorCode(code),)})
        [event] = talk(machine, relay, 10.0)
        assert (event.method, event.error.code) == (Method.REFRESH, code)
        assert machine.may_exist is remains


def test_permissions_are_renewed():
    machine = permitted()
    assert machine.deadline() == PERMISSION_REFRESH
    machine.tick(PERMISSION_REFRESH)
    assert bring(machine, XorPeerAddress(PEER), Data(b"x")) == [Arrived(b"x", PEER)]
    relay = ScriptedRelay()
    assert talk(machine, relay, PERMISSION_REFRESH) == [Permitted((PEER,), 0.0)]
    assert relay.methods() == [Method.ALLOCATE, Method.CREATE_PERMISSION][1:]


def test_a_permission_that_is_refused_is_none():
    machine = allocated()
    machine.permit([PEER], 0.0)
    relay = ScriptedRelay(says={Method.CREATE_PERMISSION: (ErrorCode(403),)})
    [event] = talk(machine, relay)
    assert (event.method, event.error.code, event.peers) == (
        Method.CREATE_PERMISSION,
        403,
        (PEER,),
    )
    assert bring(machine, XorPeerAddress(PEER), Data(b"x")) == []


def test_permits_several_peers_at_once():
    relay = ScriptedRelay()
    machine = allocated()
    machine.permit([PEER, STRANGER], 0.0)
    talk(machine, relay)
    peers = [v for n, v in relay.asked[-1].attributes if n == AttributeType.XOR_PEER_ADDRESS]
    assert len(peers) == 2


# Data


def test_sends_to_a_peer():
    machine = permitted()
    machine.send(b"hello", PEER)
    [outgoing] = machine.sends()
    message = Message.decode(outgoing.data)
    assert (message.message_class, message.method) == (INDICATION, Method.SEND)
    assert message.get(XorPeerAddress) == XorPeerAddress(PEER)
    assert message.get(Data) == Data(b"hello")


def test_takes_what_a_peer_sends_from_any_port():
    machine = permitted()
    source = PEER.with_port(9)
    assert bring(machine, XorPeerAddress(source), Data(b"")) == [Arrived(b"", source)]


def test_takes_an_icmp_error_about_a_peer():
    icmp = Icmp(3, 3)
    assert bring(permitted(), XorPeerAddress(PEER), icmp) == [PeerUnreachable(PEER, icmp)]


@pytest.mark.parametrize(
    "attributes",
    [
        (Data(b"x"),),
        (XorPeerAddress(PEER),),
        (XorPeerAddress(STRANGER), Data(b"x")),
        (XorPeerAddress(PEER), Data(b"x"), RequestedTransport(17)),
    ],
    ids=["no peer", "no data", "stranger", "not understood"],
)
def test_drops_a_strange_indication(attributes):
    assert bring(permitted(), *attributes) == []


def test_drops_a_broken_indication():
    machine = permitted()
    message = Message.build(INDICATION, Method.DATA, bytes(12), (Data(b"x"),))
    broken = message.append(AttributeType.XOR_PEER_ADDRESS, b"\0\1")
    machine.receive(broken.raw, SERVER, LOCAL, 0.0)
    assert machine.events() == []


def test_drops_what_comes_from_elsewhere_or_is_something_else():
    machine = permitted()
    data = Message.build(INDICATION, Method.DATA, bytes(12), (XorPeerAddress(PEER), Data(b"x")))
    machine.receive(data.raw, OTHER, LOCAL, 0.0)
    machine.receive(data.raw, SERVER, LOCAL.with_port(1), 0.0)
    machine.receive(b"nonsense", SERVER, LOCAL, 0.0)
    assert machine.events() == []
    assert bring(machine, XorPeerAddress(PEER), Data(b"x"), method=Method.BINDING) == []


# Letting go


def test_release_asks_for_a_lifetime_of_nothing():
    machine = permitted()
    relay = ScriptedRelay()
    machine.release(1.0)
    assert talk(machine, relay) == [Released()]
    assert relay.asked[-1].get(Lifetime) == Lifetime(0)
    assert not machine.may_exist
    assert machine.deadline() is None


def test_what_the_server_has_forgotten_is_released():
    machine = allocated()
    machine.release(1.0)
    relay = ScriptedRelay(says={Method.REFRESH: (ErrorCode(437),)})
    assert talk(machine, relay) == [Released()]


def test_a_release_that_is_refused_is_told():
    machine = allocated()
    machine.release(1.0)
    [event] = talk(machine, ScriptedRelay(says={Method.REFRESH: (ErrorCode(441),)}))
    assert event.error.code == 441


def test_nothing_is_resent_on_a_stream():
    machine = allocated(is_stream=True)
    machine.permit([PEER], 0.0)
    assert len(machine.sends()) == 1
    machine.tick(30.0)
    assert machine.sends() == []


def test_an_allocation_ends_with_its_connection():
    machine = allocated(is_stream=True)
    machine.unreachable(OTHER, LOCAL, "closed", 1.0)
    assert machine.events() == []
    machine.unreachable(SERVER, LOCAL, "closed", 1.0)
    assert machine.events() == [Lost("closed")]
    assert not machine.may_exist
    machine.unreachable(SERVER, LOCAL, "closed", 1.0)
    assert machine.events() == []


def test_an_icmp_error_ends_no_allocation():
    machine = allocated()
    machine.unreachable(SERVER, LOCAL, "no route", 1.0)
    assert machine.events() == []
    assert machine.may_exist
