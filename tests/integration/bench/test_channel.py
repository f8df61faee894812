import select
import socket
import time

import numpy as np
import pytest

from stunkit.bench.channel import Post, TcpChannel, UdpChannel, open_tcp, open_udp
from stunkit.bench.conversation import Conversation
from stunkit.endpoint import Endpoint
from stunkit.net.transport.sockaddr import endpoint_of, sockaddr_of
from stunkit.wire.message import Message
from stunkit.wire.stream import StreamDecoder
from tests.integration.loopback import HOSTS, PATIENCE, udp_socket

each_family = pytest.mark.parametrize("host", HOSTS)


@pytest.fixture
def poller():
    with select.epoll() as poller:
        yield poller


def conversation(capacity: int = 64) -> Conversation:
    return Conversation(bytes(range(12)), capacity)


@each_family
def test_udp_sends_requests_and_takes_answers_of_its_server_alone(host, poller):
    with udp_socket(host) as server, udp_socket(host) as other:
        endpoint = endpoint_of(server.getsockname())
        talk = conversation()
        plain = open_udp(None, endpoint)
        channel = UdpChannel(0, plain, talk, poller, Post(endpoint))
        assert channel.launch(3) == 3
        got = [server.recvfrom(2048) for _ in range(3)]
        assert {endpoint_of(source) for _, source in got} == {channel.local}
        assert len({Message.decode(data).transaction_id for data, _ in got}) == 3
        other.sendto(b"from elsewhere", sockaddr_of(channel.local))
        for data in (b"one", b"x" * 3000):
            server.sendto(data, sockaddr_of(channel.local))
        assert poller.poll(PATIENCE)
        answers = channel.receive()
        assert answers.lengths.tolist() == [3, 3000]
        assert [answers.whole(0), answers.whole(1)] == [b"one", b"x" * 3000]
        assert channel.receive() is None
        assert channel.dropped == 0
        channel.close()
        channel.close()
        assert channel.launch(1) == 0


def test_launches_no_more_than_the_ledger_has_room_for(poller):
    with udp_socket("127.0.0.1") as server:
        endpoint = endpoint_of(server.getsockname())
        talk = conversation(capacity=16)
        channel = UdpChannel(0, open_udp(None, endpoint), talk, poller, Post(endpoint))
        assert channel.launch(20) == 16
        assert channel.launch(1) == 0
        assert talk.ledger.waiting == 16
        channel.close()


def test_an_icmp_error_is_counted_and_nothing_counts_as_sent(poller):
    with udp_socket("127.0.0.1") as plain:
        closed = endpoint_of(plain.getsockname())
    channel = UdpChannel(0, open_udp(None, closed), conversation(), poller, Post(closed))
    assert channel.launch(1) == 1  # the kernel learns of the closed port by this one
    assert channel.launch(1) == 0
    assert channel.errors == 1
    assert channel.conversation.ledger.waiting == 1
    channel.close()


def test_counts_answers_that_its_queue_had_no_room_for(poller):
    with udp_socket("127.0.0.1") as server:
        endpoint = endpoint_of(server.getsockname())
        plain = open_udp(None, endpoint)
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        channel = UdpChannel(0, plain, conversation(), poller, Post(endpoint))
        for _ in range(50):
            server.sendto(bytes(500), sockaddr_of(channel.local))
        assert len(channel.read()) + channel.dropped == 50
        assert channel.dropped > 0
        channel.close()


def test_what_waits_to_be_read_has_arrived_before(poller):
    with udp_socket("127.0.0.1") as server:
        endpoint = endpoint_of(server.getsockname())
        channel = UdpChannel(0, open_udp(None, endpoint), conversation(), poller, Post(endpoint))
        # The kernel stamps what arrives from a moment on after the first socket asked for it.
        for _ in range(100):
            sent_at = time.monotonic()
            server.sendto(b"one", sockaddr_of(channel.local))
            time.sleep(0.02)  # the datagram waits, and that is not the server's time
            arrived = channel.receive().arrived[0]
            assert sent_at <= arrived + 0.001
            if arrived <= time.monotonic() - 0.02:
                break
        else:
            pytest.fail("the time of reading is told")
        channel.close()


@pytest.mark.parametrize("jump", [-3600, 3600])
def test_does_not_believe_a_clock_that_was_set(jump, poller, monkeypatch):
    with udp_socket("127.0.0.1") as server:
        endpoint = endpoint_of(server.getsockname())
        plain = open_udp(None, endpoint)
        channel = UdpChannel(0, plain, conversation(), poller, Post(endpoint))
        server.sendto(b"one", sockaddr_of(channel.local))
        assert poller.poll(PATIENCE)
        real = time.time_ns()
        monkeypatch.setattr(time, "time_ns", lambda: real + jump * 10**9)
        before = time.monotonic()
        assert before <= channel.receive().arrived[0] <= time.monotonic()
        channel.close()


def test_tcp_keeps_what_the_connection_does_not_take(poller):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        plain = open_tcp(None, endpoint_of(listener.getsockname()))
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
        channel = TcpChannel(0, plain, conversation(1 << 20), poller)
        server, _ = listener.accept()
        with server:
            sent = 0
            while left := channel.launch(256):
                sent += left
                assert sent < 1 << 19
            assert channel.launch(1) == 0  # something waits
            decoder, got = StreamDecoder(), 0
            server.settimeout(PATIENCE)
            while got < sent:
                got += len(decoder.receive(server.recv(1 << 16)))
                for _, events in poller.poll(0):
                    if events & select.EPOLLOUT:
                        channel.flush()
            assert got == sent
            assert channel.launch(1) == 1
        channel.close()


def test_tcp_gives_messages_as_columns(poller):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        source = Endpoint.of("127.0.0.5", 0)
        plain = open_tcp(source, endpoint_of(listener.getsockname()))
        channel = TcpChannel(0, plain, conversation(), poller)
        server, address = listener.accept()
        assert endpoint_of(address) == channel.local
        assert channel.local.host == "127.0.0.5"
        assert channel.receive() is None
        with server:
            short = b"\1\1\0\0" + bytes(16)
            long = b"\1\1\0\xc8" + bytes(216)
            server.sendall(short + long + short[:7])
            assert poller.poll(PATIENCE)
            answers = channel.receive()
            assert answers.lengths.tolist() == [20, 220]
            assert answers.heads.shape == (2, 128)
            assert np.array_equal(answers.heads[0, :20], np.frombuffer(short, np.uint8))
            assert answers.whole(1) == long
        assert poller.poll(PATIENCE)
        with pytest.raises(ConnectionResetError):
            channel.receive()
        assert not channel.is_open
