import asyncio

from stunkit.net.transport.sockaddr import endpoint_of, sockaddr_of
from stunkit.net.transport.udp import DRAIN_LIMIT
from stunkit.protocol.client import mapped_endpoint
from stunkit.server.lanes.portable import PortableLane
from stunkit.wire.message import Message
from tests.integration.loopback import blank, exchange, udp_socket
from tests.integration.server.lanes.expectations import LaneExpectations, each_family


class WithoutReaders(asyncio.SelectorEventLoop):
    """A loop like Windows' own: it can wait for a datagram, and not watch a socket."""

    def add_reader(self, fd, callback, *args):
        raise NotImplementedError


class TestPortableLane(LaneExpectations):
    kind = PortableLane

    @each_family
    def test_serves_where_the_loop_cannot_watch_sockets(self, host: str):
        async def ask_twice() -> None:
            with self.lane(host) as (lane, tally), udp_socket(host) as peer:
                lane.start()
                for number in range(2):
                    data, _ = await exchange(peer, blank(number), lane.local)
                    assert mapped_endpoint(Message.decode(data)) == endpoint_of(peer.getsockname())
                assert tally.answered == 2

        with asyncio.Runner(loop_factory=WithoutReaders) as runner:
            runner.run(ask_twice())

    @each_family
    def test_leaves_others_their_turn(self, host: str):
        with self.lane(host) as (lane, tally), udp_socket(host) as peer:
            for number in range(DRAIN_LIMIT + 1):
                peer.sendto(blank(number), sockaddr_of(lane.local))
            assert lane._wake() is True
            assert tally.answered == DRAIN_LIMIT
            assert lane._wake() is False
            assert tally.answered == DRAIN_LIMIT + 1
