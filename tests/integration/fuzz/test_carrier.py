import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import TransactionError
from stunkit.fuzz.carrier import SHARED, Road, StreamCarrier, UdpCarrier
from stunkit.fuzz.stand import StunServer
from stunkit.wire.message import Message
from stunkit.wire.uri import Uri
from tests.integration.certificates import Authority
from tests.integration.loopback import PATIENCE, blank, free_port


def road(server: Endpoint, query: str = "") -> Road:
    return Road(server, Uri.parse(f"stun:{server}{query}"))


@pytest.mark.parametrize(("query", "kind"), [("", UdpCarrier), ("?transport=tcp", StreamCarrier)])
def test_an_answer_comes_back(query: str, kind: type):
    with StunServer() as server, road(server.endpoint, query).open() as carrier:
        assert isinstance(carrier, kind)
        carrier.send(blank(7))
        (data,) = carrier.receive(PATIENCE)
        assert Message.decode(data).transaction_id == (7).to_bytes(12, "big")
        assert carrier.local is not None
        assert carrier.receive(0) == []


def test_a_port_that_nobody_listens_on_is_seen():
    closed = Endpoint.of("127.0.0.1", free_port("127.0.0.1"))
    with road(closed).open() as carrier:
        carrier.send(b"x")
        assert carrier.receive(PATIENCE) == []
        assert carrier.gone == 1
    with pytest.raises(ConnectionRefusedError):
        road(closed, "?transport=tcp").open()


def test_a_closed_connection_is_opened_again():
    with StunServer() as server, road(server.endpoint, "?transport=tcp").open() as carrier:
        assert isinstance(carrier, StreamCarrier)
        carrier.send(b"\xff" * 20)  # no STUN: the server ends it
        assert carrier.receive(PATIENCE) == []
        assert (carrier.closed, carrier.gone) == (1, 0)
        carrier.send(blank())
        assert len(carrier.receive(PATIENCE)) == 1


def test_a_connection_is_not_used_for_ever():
    with StunServer() as server, road(server.endpoint, "?transport=tcp").open() as carrier:
        first = carrier.local
        for _ in range(SHARED + 1):
            carrier.send(blank())
            carrier.receive(PATIENCE)
        assert carrier.local != first


def test_a_server_over_tls_that_is_slow_reads_all_of_a_connection(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("stunkit.fuzz.carrier.WAIT", PATIENCE)
    authority = Authority(tmp_path)
    pair = authority.issue()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    heard = []

    def echo() -> None:
        for _ in range(2):
            theirs, _ = listening.accept()
            theirs.settimeout(PATIENCE)
            with context.wrap_socket(theirs, server_side=True) as secure:
                time.sleep(0.05)
                while data := secure.recv(1 << 16):
                    heard.append(data)
                    secure.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor() as pool:
        server = Endpoint.of(*listening.getsockname())
        done = pool.submit(echo)
        with Road(server, Uri.parse(f"stuns:{server}"), str(authority.file)).open() as carrier:
            for number in range(SHARED + 1):
                carrier.send(blank(number))
            answers = carrier.receive(0)
            assert [Message.decode(one) for one in answers] == [
                Message.decode(blank(number)) for number in range(SHARED)
            ]
            carrier.receive(PATIENCE)
        done.result(PATIENCE)
    assert b"".join(heard) == b"".join(blank(number) for number in range(SHARED + 1))


def test_without_tls_there_is_no_connection(tmp_path: Path):
    with StunServer() as server:
        uri = Uri.parse(f"stuns:{server.endpoint}")
        with pytest.raises(TransactionError):
            Road(server.endpoint, uri).open()


def test_what_is_too_long_for_a_datagram_is_dropped():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.bind(("127.0.0.1", 0))
        with road(Endpoint.of(*plain.getsockname())).open() as carrier:
            carrier.send(bytes(70_000))
            carrier.send(b"next")
            assert plain.recv(100) == b"next"


def test_what_a_server_says_before_it_leaves_is_heard():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = Endpoint.of(*listening.getsockname())
        with road(server, "?transport=tcp").open() as carrier:
            assert isinstance(carrier, StreamCarrier)
            theirs, _ = listening.accept()
            theirs.sendall(blank(7))
            theirs.close()
            while not carrier.closed:  # the first after it is sent, since nothing tells yet
                carrier.send(blank())
            (data,) = carrier.receive(0)
            assert Message.decode(data).transaction_id == (7).to_bytes(12, "big")
