import socket

import pytest
from hypothesis import given

from stunkit.endpoint import Endpoint, Family
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY, endpoint_of, sockaddr_of
from tests.strategies import scoped_endpoints


@pytest.mark.parametrize(
    ("sockaddr", "endpoint"),
    [
        (("192.0.2.1", 3478), Endpoint.of("192.0.2.1", 3478)),
        (("2001:db8::1", 3478, 0, 0), Endpoint.of("2001:db8::1", 3478)),
        (("2001:db8::1", 3478, 7, 0), Endpoint.of("2001:db8::1", 3478)),
        (("fe80::1", 3478, 0, 2), Endpoint.of("fe80::1%2", 3478)),
        (("fe80::1%eth0", 3478, 0, 2), Endpoint.of("fe80::1%2", 3478)),
        (("::ffff:192.0.2.1", 3478, 0, 0), Endpoint.of("192.0.2.1", 3478)),
    ],
)
def test_makes_an_endpoint_of_what_sockets_give(sockaddr, endpoint):
    assert endpoint_of(sockaddr) == endpoint


@pytest.mark.parametrize(
    ("endpoint", "sockaddr"),
    [
        (Endpoint.of("192.0.2.1", 3478), ("192.0.2.1", 3478)),
        (Endpoint.of("2001:db8::1", 3478), ("2001:db8::1", 3478, 0, 0)),
        (Endpoint.of("fe80::1%2", 3478), ("fe80::1", 3478, 0, 2)),
    ],
)
def test_makes_what_sockets_want_of_an_endpoint(endpoint, sockaddr):
    assert sockaddr_of(endpoint) == sockaddr


@given(scoped_endpoints)
def test_loses_nothing_both_ways(endpoint: Endpoint):
    assert endpoint_of(sockaddr_of(endpoint)) == endpoint


def test_knows_every_family():
    assert ADDRESS_FAMILY == {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
