import socket

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.net.listen import Listener
from stunkit.net.transport.sockaddr import sockaddr_of
from tests.integration.loopback import HOSTS, family_of


@pytest.mark.parametrize("host", HOSTS)
def test_gives_out_what_comes_and_answers_nothing(host):
    listener = Listener(Endpoint.of(host, 0))
    try:
        with socket.socket(family_of(host), socket.SOCK_DGRAM) as asker:
            asker.bind((host, 0))
            for data in (b"one", b"", b"three"):
                asker.sendto(data, sockaddr_of(listener.local))
            arrivals = list(listener.arrivals(3, 10.0))
            asker.settimeout(0)
            with pytest.raises(BlockingIOError):
                asker.recv(10)
            port = asker.getsockname()[1]
    finally:
        listener.close()
    assert [one.data for one in arrivals] == [b"one", b"", b"three"]
    assert {one.source for one in arrivals} == {Endpoint.of(host, port)}


def test_ends_when_its_time_is_over():
    listener = Listener(Endpoint.parse("127.0.0.1:0"))
    try:
        assert list(listener.arrivals(None, 0.05)) == []
        assert list(listener.arrivals(None, 0.0)) == []
    finally:
        listener.close()


def test_says_that_a_port_is_taken():
    listener = Listener(Endpoint.parse("127.0.0.1:0"))
    try:
        with pytest.raises(StartError, match="cannot listen on 127"):
            Listener(listener.local)
    finally:
        listener.close()
