"""What the tests of this tier talk with: sockets and servers on loopback, of known behavior."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from itertools import count
from typing import cast

from stunkit.endpoint import Endpoint
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY, endpoint_of, sockaddr_of
from stunkit.server.server import Server
from stunkit.server.settings.tree import Settings
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method

HOSTS = ("127.0.0.1", "::1")
PATIENCE = 10.0  # seconds until a test fails that waits for something that does not come
PORT_ATTEMPTS = 20
OWN_PORTS = range(10_000, 32_768)  # Linux gives those above to whoever asks for any port
PORT_STEP = 4  # a server's other port is the next one

Reply = Callable[[Message, Endpoint], bytes | None]  # request, source -> answer or silence


def family_of(host: str) -> socket.AddressFamily:
    return ADDRESS_FAMILY[Endpoint.of(host, 0).family]


def blank(number: int = 0) -> bytes:
    """Return a Binding request without attributes."""
    return Message.request(Method.BINDING, number.to_bytes(12, "big")).raw


@contextmanager
def udp_socket(host: str, port: int = 0) -> Iterator[socket.socket]:
    """Yield a plain, blocking UDP socket that times out."""
    with socket.socket(family_of(host), socket.SOCK_DGRAM) as plain:
        plain.settimeout(PATIENCE)
        plain.bind((host, port))
        yield plain


@contextmanager
def silent(host: str, port: int = 0) -> Iterator[Endpoint]:
    """Yield an endpoint that takes datagrams and answers none."""
    with udp_socket(host, port) as plain:
        yield endpoint_of(plain.getsockname())


@contextmanager
def refusing(host: str) -> Iterator[Endpoint]:
    """Yield an endpoint from which ICMP says that the port is unreachable.

    The port is taken, so that nobody else gets it, by a socket that hears only itself.
    """
    with udp_socket(host) as plain:
        plain.connect(plain.getsockname())
        yield endpoint_of(plain.getsockname())


async def exchange(
    plain: socket.socket, data: bytes, destination: Endpoint
) -> tuple[bytes, Endpoint]:
    """Send one datagram from a plain socket; return the next that comes, and where from."""
    loop = asyncio.get_running_loop()
    plain.setblocking(False)  # noqa: FBT003
    plain.sendto(data, sockaddr_of(destination))
    async with asyncio.timeout(PATIENCE):
        answer, source = await loop.sock_recvfrom(plain, 65535)
    return answer, endpoint_of(source)


@asynccontextmanager
async def serving(*hosts: str, **settings: object) -> AsyncIterator[Server]:
    """Yield a server of ours, on a free port of each host."""
    listen = tuple(Endpoint.of(host, 0) for host in hosts or HOSTS)
    async with Server(Settings(listen=listen, **settings)) as server:  # type: ignore[arg-type]
        yield server


def endpoint_of_server(server: Server, index: int = 0) -> Endpoint:
    """Return where the server listens: UDP and TCP of its first host, or of a later one."""
    return server.endpoints[2 * index][1]


class _Fake(asyncio.DatagramProtocol):
    def __init__(self, reply: Reply) -> None:
        self._reply = reply
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, source: tuple[str, int]) -> None:
        answer = self._reply(Message.decode(data), endpoint_of(source))
        if answer is not None:
            self._transport.sendto(answer, source)


@asynccontextmanager
async def fake(host: str, reply: Reply, port: int = 0) -> AsyncIterator[Endpoint]:
    """Yield a UDP server that answers what ``reply`` says, be it true or not."""
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(
        lambda: _Fake(reply), local_addr=(host, port)
    )
    with closing(transport):
        yield endpoint_of(transport.get_extra_info("sockname"))


def saying(address: str, port: int = 4000) -> Reply:
    """Return the reply of a server that sees everybody at one address."""
    return lambda request, _: success(request, XorMappedAddress(Endpoint.of(address, port)))


def refusing_with(code: int, reason: str, *more: Attribute) -> Reply:
    """Return the reply of a server that answers with an error."""
    return lambda request, _: answer(
        MessageClass.ERROR_RESPONSE, request, ErrorCode(code, reason), *more
    )


def success(request: Message, *attributes: Attribute) -> bytes:
    return answer(MessageClass.SUCCESS_RESPONSE, request, *attributes)


def answer(message_class: MessageClass, request: Message, *attributes: Attribute) -> bytes:
    return Message.build(message_class, request.method, request.transaction_id, attributes).raw


def free_port(*hosts: str) -> int:
    """Return a port that is free for UDP and TCP on every host, and stays so.

    It is below those that the kernel gives to whoever asks for any, and of those of this process of
    pytest-xdist alone. The next one may be taken as its neighbor.
    """
    for port in _PORTS:
        if all(_is_free(host, port) for host in hosts):
            return port
    raise AssertionError  # they never end


def _own_ports() -> Iterator[int]:
    """Draw ports again and again, from a place where no run of a moment ago began."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = len(OWN_PORTS) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    begin = secrets.randbelow(share)
    for number in count(begin, PORT_STEP):
        yield OWN_PORTS[worker * share + number % share]


_PORTS = _own_ports()


def _is_free(host: str, port: int) -> bool:
    try:
        with socket.socket(family_of(host), socket.SOCK_STREAM) as plain:
            plain.bind((host, port))
        if host == "127.0.0.1":
            return True
        with udp_socket(host, port):
            return True
    except OSError:
        return False
