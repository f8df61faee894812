"""Which servers may be put under load without asking: those that nobody else can depend on.

A load generator that is pointed at a public server is an attack. So an address has to be one that
is private by itself; for any other, the user has to say that the server is theirs.
"""

from __future__ import annotations

from ipaddress import ip_network

from stunkit.endpoint import Endpoint
from stunkit.errors import UsageError

# Not 100.64.0.0/10 (RFC 6598): a provider shares it among its customers, so what answers there may
# be the provider's. Not link-local multicast or the like: nothing there is one server.
_OWN = tuple(
    ip_network(text)
    for text in (
        "127.0.0.0/8",  # loopback; RFC 1122 section 3.2.1.3
        "10.0.0.0/8",  # private; RFC 1918
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",  # link-local; RFC 3927
        "198.18.0.0/15",  # made for benchmarks; RFC 2544 appendix C.2.2
        "::1/128",  # loopback; RFC 4291 section 2.5.3
        "fc00::/7",  # unique local; RFC 4193
        "fe80::/10",  # link-local; RFC 4291 section 2.5.6
    )
)


def is_own(server: Endpoint) -> bool:
    """Return whether the address alone says that the server is not a public one."""
    address = server.address
    return any(address in network for network in _OWN)


def check_target(server: Endpoint, *, mine: bool) -> None:
    """Raise UsageError for a server that is not to be loaded."""
    if not mine and not is_own(server):
        raise UsageError(
            "a server to put under load",
            str(server),
            "its address is not private; --mine says that it is yours",
        )
