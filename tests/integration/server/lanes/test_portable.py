import logging

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.sockaddr import endpoint_of, sockaddr_of
from stunkit.protocol.client import mapped_endpoint
from stunkit.protocol.respond import Disposition, respond
from stunkit.protocol.site import Site
from stunkit.server.counters import Counters
from stunkit.server.lanes import portable
from stunkit.server.lanes.portable import PortableLane
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from tests.integration.loopback import HOSTS, blank, exchange, udp_socket

each_family = pytest.mark.parametrize("host", HOSTS)


@pytest.fixture
def counters() -> Counters:
    return Counters()


@pytest.fixture
def lane(host: str, counters: Counters):
    lane = PortableLane(Endpoint.of(host, 0), Site(), counters)
    yield lane
    lane.close()


@each_family
async def test_says_where_it_sees_the_client(host: str, lane: PortableLane):
    lane.start()
    with udp_socket(host) as peer:
        data, source = await exchange(peer, blank(), lane.local)
        assert source == lane.local
        assert mapped_endpoint(Message.decode(data)) == endpoint_of(peer.getsockname())


@each_family
async def test_sends_what_respond_says_and_counts_it(host, lane, counters):
    lane.start()
    broken = blank()[:3] + b"\4" + blank()[4:] + b"\0\1\0\1"
    unknown = Message.request(Method.BINDING, bytes(12)).append(0x7FFF, b"").raw
    with udp_socket(host) as peer:
        for data in (broken, unknown, blank()):
            answer, _ = await exchange(peer, data, lane.local)
            received = portable.Received(data, endpoint_of(peer.getsockname()), lane.local)
            assert answer == respond(received, Site()).data
    assert counters.dispositions == {
        Disposition.BAD_REQUEST: 1,
        Disposition.UNKNOWN_ATTRIBUTE: 1,
        Disposition.ANSWERED: 1,
    }
    assert counters.answered == counters.received == 3


@each_family
async def test_says_nothing_to_what_is_no_request(host, lane, counters):
    lane.start()
    indication = Message.build(MessageClass.INDICATION, Method.BINDING, bytes(12), []).raw
    response = Message.build(MessageClass.SUCCESS_RESPONSE, Method.BINDING, bytes(12), []).raw
    with udp_socket(host) as peer:
        for data in (b"", b"garbage", indication, response):
            peer.sendto(data, sockaddr_of(lane.local))
        answer, _ = await exchange(peer, blank(7), lane.local)
    assert Message.decode(answer).transaction_id == (7).to_bytes(12, "big")
    assert counters.answered == 1
    assert counters.received == 5


@each_family
async def test_drain_answers_all_that_lies_in_the_queue(host, lane, counters):
    with udp_socket(host) as peer:
        for number in range(200):
            peer.sendto(blank(number), sockaddr_of(lane.local))
        lane.drain()
        lane.close()
        ids = {Message.decode(peer.recv(100)).transaction_id for _ in range(200)}
    assert ids == {number.to_bytes(12, "big") for number in range(200)}
    assert counters.answered == 200


@each_family
async def test_survives_its_own_bugs(host, lane, counters, monkeypatch, caplog):
    def stumble(received, site):
        if received.data == blank(1):
            raise ZeroDivisionError
        return respond(received, site)

    monkeypatch.setattr(portable, "respond", stumble)
    caplog.set_level(logging.DEBUG)
    lane.start()
    with udp_socket(host) as peer:
        peer.sendto(blank(1), sockaddr_of(lane.local))
        answer, _ = await exchange(peer, blank(2), lane.local)
        assert Message.decode(answer).transaction_id == (2).to_bytes(12, "big")
        assert counters.errors == 1
        assert counters.answered == 1
        (record,) = caplog.records
        assert record.levelno == logging.ERROR
        assert record.getMessage() == (
            f"a datagram of 20 bytes from {endpoint_of(peer.getsockname())} broke the server's code"
        )
        assert record.exc_info[0] is ZeroDivisionError
        assert repr(blank(1)) not in caplog.text


async def test_counts_what_could_not_be_sent(counters, monkeypatch):
    def elsewhere(received, site):
        return respond(received, site)._replace(destination=Endpoint.of("203.0.113.1", 9))

    monkeypatch.setattr(portable, "respond", elsewhere)
    lane = PortableLane(Endpoint.of("127.0.0.1", 0), Site(), counters)
    with udp_socket("127.0.0.1") as peer:
        peer.sendto(blank(), sockaddr_of(lane.local))
        lane.drain()
        lane.close()
    assert counters.unsent == 1


@each_family
def test_cannot_be_bound_twice(lane: PortableLane):
    with pytest.raises(OSError, match="in use"):
        PortableLane(lane.local, Site(), Counters())
