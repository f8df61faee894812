import pytest

from stunkit.dissect.packet import ETHERNET, RAW, Datagram, Frame
from stunkit.dissect.sighting import Finder, Sighting, unwrap
from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import XorPeerAddress
from stunkit.wire.attributes.text import Software
from stunkit.wire.attributes.turn import ChannelNumber, Data
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from stunkit.wire.uri import Transport
from tests.packets import ALICE, BOB, SERVER, datagram, ethernet, ip, segment, udp

IDENTITY = bytes(range(12))
REQUEST = Message.request(Method.BINDING, IDENTITY, [Software("a")])
CLASSIC = Message.request(Method.BINDING, bytes(16))
PEER = XorPeerAddress(BOB)


def find(*frames: Frame, **options) -> list[Sighting]:
    finder = Finder(**options)
    return [sighting for frame in frames for sighting in finder.receive(frame)]


@pytest.mark.parametrize("port", [1, 53, 3478, 65535])
def test_finds_stun_on_any_port(port):
    destination = SERVER.with_port(port)
    (sighting,) = find(datagram(ALICE, destination, REQUEST.raw, time=7.5, hops=9))
    assert sighting == Sighting(
        1, 7.5, Transport.UDP, ALICE, destination, REQUEST.raw, REQUEST, hops=9
    )


def test_finds_stun_in_tcp_at_the_segment_that_completes_it():
    raw = REQUEST.raw
    frames = [segment(ALICE, SERVER, raw[:22], 1), segment(ALICE, SERVER, raw[22:], 23)]
    (sighting,) = find(*frames)
    assert (sighting.frame, sighting.transport, sighting.message) == (2, Transport.TCP, REQUEST)


def test_finds_what_is_broken():
    (sighting,) = find(datagram(ALICE, SERVER, REQUEST.raw[:-2]))
    assert sighting.message is None


@pytest.mark.parametrize("payload", [b"", b"\x80" + bytes(40), b"\x16" + bytes(60), CLASSIC.raw])
def test_takes_nothing_else_for_stun(payload):
    assert not find(datagram(ALICE, SERVER, payload))


def test_finds_classic_stun_where_it_is_asked_for():
    assert [one.message for one in find(datagram(ALICE, SERVER, CLASSIC.raw), classic=True)] == [
        CLASSIC
    ]


@pytest.mark.parametrize(
    "message",
    [
        Message.request(Method.ALLOCATE, bytes(16)),
        Message.build(MessageClass.INDICATION, Method.BINDING, bytes(16)),
        CLASSIC.append(0x7777, b"abcd"),
        CLASSIC.append(0x0001, b"abcd"),
    ],
)
def test_takes_only_what_fits_for_classic_stun(message):
    assert not find(datagram(ALICE, SERVER, message.raw), classic=True)


def indication(method: Method, data: bytes) -> bytes:
    return Message.build(MessageClass.INDICATION, method, IDENTITY, [PEER, Data(data)]).raw


def test_follows_a_message_through_a_relay_in_indications():
    sent, received = (
        find(datagram(*ends, indication(method, REQUEST.raw)))[1]
        for ends, method in (((ALICE, SERVER), Method.SEND), ((SERVER, ALICE), Method.DATA))
    )
    assert (sent.source, sent.destination, sent.relay) == (ALICE, BOB, SERVER)
    assert (received.source, received.destination, received.relay) == (BOB, ALICE, SERVER)
    assert sent.message == REQUEST


def test_follows_a_message_through_a_relay_on_a_channel():
    bind = Message.request(Method.CHANNEL_BIND, IDENTITY, [ChannelNumber(0x4001), PEER])
    data = b"\x40\x01" + len(REQUEST.raw).to_bytes(2, "big") + REQUEST.raw
    _, there, inner, back, answer = find(
        datagram(ALICE, SERVER, bind.raw),
        datagram(ALICE, SERVER, data),
        datagram(SERVER, ALICE, data),
    )
    assert there.message is back.message is None
    assert (inner.source, inner.destination, inner.relay) == (ALICE, BOB, SERVER)
    assert (answer.source, answer.destination, answer.relay) == (BOB, ALICE, SERVER)


@pytest.mark.parametrize(
    "message",
    [
        Message.build(MessageClass.INDICATION, Method.SEND, IDENTITY, [PEER]),
        Message.build(MessageClass.INDICATION, Method.SEND, IDENTITY, [Data(REQUEST.raw)]),
        Message.build(MessageClass.INDICATION, Method.BINDING, IDENTITY, [PEER, Data(REQUEST.raw)]),
        Message.request(Method.SEND, IDENTITY, [PEER, Data(REQUEST.raw)]),
        Message.request(Method.SEND, IDENTITY).append(0x0012, b"broken"),
        Message.build(MessageClass.INDICATION, Method.SEND, IDENTITY, [PEER, Data(b"rtp")]),
    ],
)
def test_follows_nothing_else(message):
    assert len(find(datagram(ALICE, SERVER, message.raw))) == 1


def test_takes_nothing_for_channel_data_on_a_channel_that_nobody_bound():
    assert not find(datagram(ALICE, SERVER, b"\x40\x01\x00\x04abcd"))


def test_counts_what_is_in_a_capture():
    finder = Finder()
    whole = datagram(ALICE, SERVER, b"hello")
    for frame in (
        whole,
        whole._replace(data=whole.data[:-1]),
        segment(ALICE, SERVER, b"hello"),
        Frame(0.0, RAW, ip(ALICE, SERVER, b"", place=0x2000)),
        Frame(0.0, ETHERNET, bytes(60)),
        Frame(0.0, 999, bytes(60)),
    ):
        assert not list(finder.receive(frame))
    tally = finder.tally
    assert (tally.frames, tally.udp, tally.tcp, tally.cut) == (6, 2, 1, 1)
    assert (tally.fragments, tally.other, tally.unknown_link) == (1, 1, 1)


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (ethernet(ip(ALICE, SERVER, udp(ALICE, SERVER, REQUEST.raw))), 42),
        (ip(ALICE, SERVER, udp(ALICE, SERVER, REQUEST.raw)), 28),
    ],
)
def test_unwraps_a_packet(data, offset):
    packet = unwrap(data)
    assert isinstance(packet, Datagram)
    assert (packet.source, packet.payload, packet.offset) == (ALICE, REQUEST.raw, offset)


@pytest.mark.parametrize("data", [b"", b"hello", ip(ALICE, SERVER, udp(ALICE, SERVER, b"hello"))])
def test_unwraps_nothing_without_a_message_in_it(data):
    assert unwrap(data) is None


def test_endpoint_of_a_packet_has_no_scope():
    assert find(datagram(ALICE, SERVER, REQUEST.raw))[0].source == Endpoint(ALICE.packed, 40000)
