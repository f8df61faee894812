"""What only the engine knows: sockets that end, sockets that are left out, files."""

import asyncio
import resource
import socket
import threading

import pytest

from stunkit.bench import engine
from stunkit.bench.options import Options
from stunkit.bench.run import run
from stunkit.errors import StartError
from stunkit.net.transport.sockaddr import endpoint_of
from stunkit.wire.message import Message
from stunkit.wire.stream import StreamDecoder
from stunkit.wire.uri import Uri
from tests.integration.bench.crooked import right
from tests.integration.loopback import PATIENCE, endpoint_of_server, fake, serving, success

QUICK = {"duration": 0.3, "warmup": 0.0}


def options(server: object, **more) -> Options:
    return Options(server=Uri.parse(str(server)), **(QUICK | more))


class Hasty(threading.Thread):
    """A TCP server that takes one connection, answers some requests, says a word and leaves."""

    def __init__(self, listener: socket.socket, answers: int, last_words: bytes) -> None:
        super().__init__(daemon=True)
        self._listener = listener
        self._answers = answers
        self._last_words = last_words

    def run(self) -> None:
        plain, address = self._listener.accept()
        with plain:
            decoder = StreamDecoder()
            answered = 0
            while answered < self._answers:
                for data in decoder.receive(plain.recv(2048)):
                    plain.sendall(right(Message.decode(data), endpoint_of(address)))
                    answered += 1
            plain.sendall(self._last_words)
            plain.shutdown(socket.SHUT_WR)
            plain.settimeout(PATIENCE)
            while plain.recv(2048):
                pass


@pytest.mark.parametrize("last_words", [b"", b"\xff" * 20], ids=["closed", "no STUN any more"])
def test_ends_when_the_last_connection_has_ended(last_words):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = Hasty(listener, 5, last_words)
        server.start()
        result = run(
            options(
                f"stun:127.0.0.1:{port}?transport=tcp",
                sockets=1,
                window=4,
                duration=30.0,
                timeout=0.3,
            )
        )
        server.join(PATIENCE)
    tally = result.tally
    assert tally.closed == 1
    assert tally.errors == 1
    assert tally.in_flight == 0
    assert tally.lost >= 1
    assert result.elapsed < 5


async def test_leaves_out_sockets_that_nobody_answers(monkeypatch):
    monkeypatch.setattr(engine, "PATIENCE", 0.2)
    heard = set()

    def reply(request, source):
        if len(heard) < 2:
            heard.add(source)
        if source not in heard:
            return None
        return right(request, source)

    async with fake("127.0.0.1", reply) as server:
        result = await asyncio.to_thread(run, options(server, sockets=5, timeout=0.2))
    assert (result.sockets, result.unheard) == (2, 3)
    assert result.tally.answered == result.tally.sent > 0


async def test_judges_long_and_changing_answers_too():
    from stunkit.wire.attributes.address import XorMappedAddress
    from stunkit.wire.attributes.text import Software

    def reply(request, source):
        text = Software("x" * (request.transaction_id[0] % 128))
        return success(request, text, XorMappedAddress(source))

    async with fake("::1", reply) as server:
        tally = (await asyncio.to_thread(run, options(server, rate=300.0))).tally
    assert tally.answered == tally.sent == 90


async def test_a_rate_beyond_the_machine_is_told_and_not_hidden():
    async with serving("127.0.0.1") as server:
        result = await asyncio.to_thread(
            run, options(endpoint_of_server(server), rate=1_000_000.0, timeout=0.2)
        )
    assert result.is_late
    assert result.tally.sent + result.unsent == 300_000
    assert result.tally.in_flight == 0
    assert result.elapsed < 3


async def test_many_requests_wait_for_a_connection_to_take_them():
    """In an open loop over TCP, what the connection does not take leaves late, but leaves."""
    async with serving("127.0.0.1") as server:
        uri = f"stun:{endpoint_of_server(server)}?transport=tcp"
        result = await asyncio.to_thread(
            run, options(uri, sockets=1, rate=20_000.0, timeout=5.0, duration=0.5)
        )
        received = server.counters.received
    assert result.tally.answered == result.tally.sent == received - 1
    assert result.tally.sent + result.unsent == 10_000


def test_says_when_too_few_files_may_be_open(monkeypatch):
    def refuse(*_):
        raise ValueError

    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 64))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    with pytest.raises(StartError, match="take fewer --sockets"):
        run(options("127.0.0.1:9", sockets=1000))
