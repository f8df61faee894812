"""An RFC 5780 server on real sockets: all four answer, and answer for each other."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from stunkit import Endpoint, Message, Server, Settings, StartError
from stunkit.net.udp import UdpSocket
from stunkit.server.alternate import Alternate, find_listen
from stunkit.wire.attributes.address import OtherAddress, ResponseOrigin
from stunkit.wire.attributes.behavior import ChangeRequest


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def settings(second: str = "127.0.0.2") -> Settings:
    return Settings(
        listen=(Endpoint.parse("127.0.0.1:0"),),
        alternate=(Endpoint.of(second, free_port()),),
    )


async def ask(server: Endpoint, *attributes: ChangeRequest) -> tuple[Message, Endpoint]:
    """Send one request; return the answer and who sent it."""
    client = UdpSocket(Endpoint.parse("127.0.0.1:0"))
    answer: asyncio.Future[tuple[Message, Endpoint]] = asyncio.get_running_loop().create_future()
    client.start(lambda data, source, _: answer.set_result((Message.decode(data), source)))
    try:
        client.send(Message.request(1, os.urandom(12), attributes).raw, server)
        return await asyncio.wait_for(answer, 5)
    finally:
        client.close()


async def test_all_four_sockets_answer_for_each_other():
    async with Server(settings()) as server:
        udp = [endpoint for transport, endpoint in server.endpoints if transport == "udp"]
        assert len(udp) == 4
        for asked in udp:
            for change in (
                ChangeRequest(),
                ChangeRequest(change_port=True),
                ChangeRequest(change_ip=True),
                ChangeRequest(change_ip=True, change_port=True),
            ):
                message, source = await ask(asked, change)
                assert source in udp
                assert (source.packed != asked.packed) == change.change_ip
                assert (source.port != asked.port) == change.change_port
                assert message.get(ResponseOrigin) == ResponseOrigin(source)
                other = message.get(OtherAddress)
                assert other is not None
                assert other.endpoint.packed != asked.packed
                assert other.endpoint.port != asked.port


async def test_withdraws_an_other_address_that_stops_answering(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("stunkit.server.alternate.INTERVAL", 0.01)
    monkeypatch.setattr("stunkit.server.alternate.RETRY", 0.01)
    async with Server(settings()) as server:
        first = server.endpoints[0][1]
        message, _ = await ask(first)
        assert message.get(OtherAddress) is not None
        broken = next(lane for local, lane in server._lanes.items() if local.packed[3] == 2)
        broken.close()
        for _ in range(500):
            message, _ = await ask(first)
            if message.get(OtherAddress) is None:
                break
            await asyncio.sleep(0.02)
        assert message.get(OtherAddress) is None
        message, source = await ask(first, ChangeRequest(change_ip=True))
        assert source == first
        assert message.message_class.name == "ERROR_RESPONSE"


async def test_adopts_once_when_nothing_changes():
    async with Server(settings()) as server:
        heard = []
        pair = Alternate(server._alternates[0]._quartet, heard.append)
        await pair.start()
        pair.stop()
        assert heard == []  # it was proven, and still is


@pytest.mark.parametrize(
    ("listen", "alternate"),
    [
        ((), "127.0.0.2:3479"),
        (("0.0.0.0:3478",), "127.0.0.2:3479"),
        (("127.0.0.1:3478",), "0.0.0.0:3479"),
        (("127.0.0.1:3478",), "[::1]:3479"),
        (("127.0.0.1:3478", "127.0.0.3:3478"), "127.0.0.2:3479"),
        (("127.0.0.1:3478",), "127.0.0.1:3479"),
        (("127.0.0.1:3478",), "127.0.0.2:3478"),
    ],
)
def test_refuses_an_alternate_that_makes_no_four_sockets(listen: tuple[str, ...], alternate: str):
    with pytest.raises(StartError, match="alternate"):
        find_listen(Endpoint.parse(alternate), [Endpoint.parse(text) for text in listen])
