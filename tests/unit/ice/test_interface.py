import pytest

from stunkit.endpoint import Endpoint
from stunkit.ice.interface import Interface, InterfaceAddress, InterfaceKind


@pytest.mark.parametrize(
    ("endpoint", "host"),
    [
        (Endpoint.of("192.0.2.1", 0), "192.0.2.1"),
        (Endpoint.of("2001:db8::1", 0), "2001:db8::1"),
        (Endpoint.of("fe80::1%3", 0), "fe80::1"),
    ],
)
def test_host_is_the_address_without_a_scope(endpoint: Endpoint, host: str):
    assert InterfaceAddress(Interface("eth0", 3), endpoint, 64).host == host


def test_what_nobody_says_is_unknown():
    interface = Interface("x0", 1)
    assert interface.kind is InterfaceKind.UNKNOWN
    assert (interface.mtu, interface.is_up, interface.is_running) == (None, None, None)
