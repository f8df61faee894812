"""Four sockets outside and any number inside: what a NAT does, seen from both of its ends.

No pause is ever needed to see that nothing came. Datagrams that one processor sends from namespace
to namespace stay in order, and the world's thread keeps to one: a datagram that is known to come
through, sent after the one in question, is the fence behind which nothing is late.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from stunkit.behavior import Filtering, Mapping
from stunkit.endpoint import Endpoint, Family
from stunkit.lab import Lab, Namespace

PORTS = (3478, 3479)
PATIENCE = 10.0  # seconds for what has to come
QUIET = 0.5  # seconds without a datagram after which a stream of them is over
SO_RCVBUFFORCE = 33  # asm-generic/socket.h; the socket module lacks it
BUFFER = 8 << 20  # bytes; thousands of small datagrams, whose bookkeeping counts
FENCE = b"fence"
SOCKET_FAMILIES = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}


class Peer:
    """A UDP socket in a namespace, which sends and receives whole endpoints."""

    def __init__(self, namespace: Namespace, family: Family, local: Endpoint | None = None) -> None:
        self.socket = namespace.socket(SOCKET_FAMILIES[family])
        self.socket.settimeout(PATIENCE)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER)
        if local is not None:
            self.socket.bind((local.host, local.port))

    @property
    def local_port(self) -> int:
        return int(self.socket.getsockname()[1])

    def send(self, data: bytes, destination: Endpoint) -> None:
        self.socket.sendto(data, (destination.host, destination.port))

    def receive(self) -> tuple[bytes, Endpoint]:
        data, source = self.socket.recvfrom(65536)
        return data, Endpoint.of(source[0], source[1])

    def drain(self) -> list[tuple[bytes, Endpoint]]:
        """What has come so far."""
        self.socket.settimeout(0)
        found = []
        try:
            while True:
                found.append(self.receive())
        except BlockingIOError:
            return found
        finally:
            self.socket.settimeout(PATIENCE)

    def count(self, most: int) -> int:
        """How many come, up to ``most``, until it has been quiet for a while."""
        count = 0
        self.socket.settimeout(QUIET)
        with contextlib.suppress(TimeoutError):
            while count < most:
                self.receive()
                count += 1
        self.socket.settimeout(PATIENCE)
        return count

    def until_fence(self) -> list[tuple[bytes, Endpoint]]:
        """What came before the fence."""
        found = []
        while (one := self.receive())[0] != FENCE:
            found.append(one)
        return found


class World:
    """An open lab in one family, with a peer at each of two ports of two addresses outside."""

    def __init__(self, lab: Lab, family: Family, stack: ExitStack) -> None:
        self.lab = lab
        self.family = family
        self.stack = stack
        self.endpoints = [
            Endpoint.of(address, port) for address in lab.server_addresses(family) for port in PORTS
        ]
        self.servers = [self.peer(lab.outside, endpoint) for endpoint in self.endpoints]

    def peer(self, namespace: Namespace, local: Endpoint | None = None) -> Peer:
        peer = Peer(namespace, self.family, local)
        self.stack.callback(peer.socket.close)
        return peer

    def client(self) -> Peer:
        return self.peer(self.lab.client)

    def mapped(self, client: Peer, index: int = 0) -> Endpoint:
        """As what a server sees a client's socket."""
        client.send(b"who am I", self.endpoints[index])
        return self.servers[index].receive()[1]

    def mapping(self) -> Mapping:
        client = self.client()
        first, same_address, other, other_port = (self.mapped(client, index) for index in range(4))
        if first == same_address == other == other_port:
            return Mapping.ENDPOINT_INDEPENDENT
        if first == same_address and other == other_port:
            return Mapping.ADDRESS_DEPENDENT
        assert len({first, same_address, other, other_port}) == 4
        return Mapping.ADDRESS_AND_PORT_DEPENDENT

    def filtering(self) -> Filtering:
        client = self.client()
        mapped = self.mapped(client)
        for server in (*self.servers[1:], self.servers[0]):
            server.send(FENCE if server is self.servers[0] else b"let me in", mapped)
        sources = {self.endpoints.index(source) for _, source in client.until_fence()}
        return {
            frozenset({1, 2, 3}): Filtering.ENDPOINT_INDEPENDENT,
            frozenset({1}): Filtering.ADDRESS_DEPENDENT,
            frozenset(): Filtering.ADDRESS_AND_PORT_DEPENDENT,
        }[frozenset(sources)]

    def reaches(self, client: Peer, mapped: Endpoint, index: int = 0) -> bool:
        """Whether a server's datagram reaches a client that has no fence to wait for.

        The fence is sent to another socket of the same host, by the same server.
        """
        other = self.client()
        fence = self.mapped(other, index)
        self.servers[index].send(b"are you there", mapped)
        self.servers[index].send(FENCE, fence)
        other.until_fence()
        return bool(client.drain())


@contextmanager
def world(lab: Lab, family: Family = Family.IPV4) -> Iterator[World]:
    with ExitStack() as stack:
        processors = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(processors)})
        stack.callback(os.sched_setaffinity, 0, processors)
        yield World(lab, family, stack)
