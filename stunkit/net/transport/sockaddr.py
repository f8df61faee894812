"""Endpoint <-> the address tuples of the ``socket`` module. They go no further up than here."""

from __future__ import annotations

import socket
from typing import Any

from stunkit.endpoint import Endpoint, Family

ADDRESS_FAMILY = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}


def endpoint_of(sockaddr: tuple[Any, ...]) -> Endpoint:
    """Return the endpoint that a 2-tuple (IPv4) or 4-tuple (IPv6) of ``socket`` means."""
    host = sockaddr[0]
    if len(sockaddr) == 2:
        return Endpoint(socket.inet_pton(socket.AF_INET, host), sockaddr[1])
    address = host.partition("%")[0]
    return Endpoint(socket.inet_pton(socket.AF_INET6, address), sockaddr[1], sockaddr[3])


def sockaddr_of(endpoint: Endpoint) -> tuple[Any, ...]:
    """Return the tuple that ``socket`` wants for an endpoint."""
    if len(endpoint.packed) == 4:
        return (socket.inet_ntop(socket.AF_INET, endpoint.packed), endpoint.port)
    host = socket.inet_ntop(socket.AF_INET6, endpoint.packed)
    return (host, endpoint.port, 0, endpoint.scope)
