"""The first question, with loss and with many sockets; whole runs show the rest."""

import contextlib
import select

import pytest

from stunkit.bench.channel import Post, UdpChannel, open_udp
from stunkit.bench.conversation import Conversation
from stunkit.bench.introduction import AT_ONCE, Introduction
from stunkit.endpoint import Endpoint
from stunkit.errors import NoAnswer
from stunkit.net.transport.sockaddr import endpoint_of
from tests.integration.bench.crooked import Crooked
from tests.integration.loopback import udp_socket


@pytest.fixture
def poller():
    with select.epoll() as poller:
        yield poller


@pytest.fixture
def channels(poller):
    opened = []

    def open_channels(server: Endpoint, count: int):
        post = Post(server)
        for index in range(count):
            talk = Conversation(bytes([index]) * 12, 64)
            opened.append(UdpChannel(index, open_udp(None, server), talk, poller, post))
        return opened

    yield open_channels
    for channel in opened:
        channel.close()


def test_asks_again_when_a_question_is_lost(poller, channels):
    with udp_socket("127.0.0.1") as plain:
        server = Crooked(plain, lambda *_: [], first_lost=True)
        server.start()
        asking = channels(server.endpoint, 2)
        introduction = Introduction(asking, server.endpoint, poller, reliable=False)
        introduction.hold(3.0)
        server.stop()
    assert set(introduction.known) == set(asking)


def test_asks_for_more_sockets_than_ask_at_a_time(poller, channels):
    with udp_socket("127.0.0.1") as plain:
        server = Crooked(plain, lambda *_: [])
        server.start()
        asking = channels(server.endpoint, 3 * AT_ONCE)
        introduction = Introduction(asking, server.endpoint, poller, reliable=False)
        introduction.hold(3.0)
        server.stop()
    assert len(introduction.known) == len(server.seen) == 3 * AT_ONCE


def test_does_not_go_on_when_nobody_of_the_first_is_answered(poller, channels):
    with udp_socket("127.0.0.1") as plain:
        server = endpoint_of(plain.getsockname())
        introduction = Introduction(channels(server, 3 * AT_ONCE), server, poller, reliable=False)
        with pytest.raises(NoAnswer):
            introduction.hold(0.2)
        assert introduction.known == []
        plain.settimeout(0)
        asked = set()
        with contextlib.suppress(BlockingIOError):
            while True:
                asked.add(plain.recvfrom(2048)[1])
    assert 0 < len(asked) <= AT_ONCE
