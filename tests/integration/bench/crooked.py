"""A UDP server in a thread that does as a test tells it, and counts what it did."""

from __future__ import annotations

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from stunkit.endpoint import Endpoint
from stunkit.net.transport.sockaddr import endpoint_of
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.message import Message
from tests.integration.loopback import success, udp_socket

Reply = Callable[[int, Message, Endpoint], list[bytes]]  # how many came before, request, source


def right(request: Message, source: Endpoint) -> bytes:
    return success(request, XorMappedAddress(source))


class Crooked(threading.Thread):
    """Answers the first question of each source rightly, and all else as ``reply`` says.

    With ``first_lost`` it hears the first question only when it is asked again.
    """

    def __init__(self, plain: socket.socket, reply: Reply, *, first_lost: bool = False) -> None:
        super().__init__(daemon=True)
        self._socket = plain
        self._reply = reply
        self._first = 2 if first_lost else 1
        self._is_stopped = False
        self.endpoint = endpoint_of(plain.getsockname())
        self.seen: Counter[Endpoint] = Counter()
        self.received = 0  # without the first questions

    def run(self) -> None:
        self._socket.settimeout(0.05)
        while not self._is_stopped:
            try:
                data, address = self._socket.recvfrom(2048)
            except TimeoutError:
                continue
            source = endpoint_of(address)
            request = Message.decode(data)
            self.seen[source] += 1
            if self.seen[source] < self._first:
                continue
            answers = [right(request, source)]
            if self.seen[source] > self._first:
                answers = self._reply(self.received, request, source)
                self.received += 1
            for answer in answers:
                self._socket.sendto(answer, address)

    def stop(self) -> None:
        self._is_stopped = True
        self.join()


@contextmanager
def crooked(reply: Reply, host: str = "127.0.0.1") -> Iterator[Crooked]:
    with udp_socket(host) as plain:
        server = Crooked(plain, reply)
        server.start()
        try:
            yield server
        finally:
            server.stop()
