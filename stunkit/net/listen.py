"""Listening on a UDP port for whatever comes, and answering nothing."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from typing import NamedTuple

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import StartError
from stunkit.net.transport.sockaddr import endpoint_of

_FAMILIES = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
_MOST_BYTES = 65535  # of a datagram


class Arrival(NamedTuple):
    """A datagram; ``time`` is Unix time."""

    time: float
    source: Endpoint
    data: bytes


class Listener:
    """An open socket; iterate over it for what comes."""

    def __init__(self, local: Endpoint) -> None:
        """Open it. Raises StartError."""
        self._socket = socket.socket(_FAMILIES[local.family], socket.SOCK_DGRAM)
        try:
            self._socket.bind((local.host, local.port))
        except OSError as error:
            self._socket.close()
            reason = (error.strerror or str(error)).lower()
            raise StartError(
                f"cannot listen on {local}: {reason}", "choose another address or port"
            ) from None
        self.local = endpoint_of(self._socket.getsockname())

    def arrivals(self, count: int | None, timeout: float | None) -> Iterator[Arrival]:
        """Yield ``count`` datagrams, or what comes within ``timeout`` seconds; None: no end."""
        end = None if timeout is None else time.monotonic() + timeout
        while count is None or count > 0:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return
            self._socket.settimeout(left)
            try:
                data, source = self._socket.recvfrom(_MOST_BYTES)
            except TimeoutError:
                return
            yield Arrival(time.time(), endpoint_of(source), data)
            count = None if count is None else count - 1

    def close(self) -> None:
        """Close it."""
        self._socket.close()
