"""Scope: how far an address reaches, by IANA's special-purpose address registries.

Answers to RFC 6890 and to the registries that it makes (IPv4 and IPv6); to RFC 8828 and the mDNS
names that browsers put in an address's place; and to RFC 4291 for what no registry lists.

Rules of this file: the table is held against the registries' own files by a test. An address is
public only when nothing says otherwise and its block has been given out.
"""

from __future__ import annotations

import re
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from stunkit.endpoint import Family


class Scope(StrEnum):
    """The reach of an address, by the word that output uses."""

    PUBLIC = "public"
    PRIVATE = "private"  # RFC 1918
    SHARED = "shared"  # between a carrier and its customers; RFC 6598
    CLAT = "clat"  # inside a host whose IPv4 is translated; RFC 7335
    LINK_LOCAL = "link-local"
    UNIQUE_LOCAL = "unique-local"  # RFC 4193
    SITE_LOCAL = "site-local"  # deprecated by RFC 3879
    LOOPBACK = "loopback"
    UNSPECIFIED = "unspecified"  # 0.0.0.0 and ::
    MULTICAST = "multicast"
    DOCUMENTATION = "documentation"
    BENCHMARKING = "benchmarking"
    SIX_TO_FOUR = "6to4"  # RFC 3056; its relays are gone, RFC 7526
    TEREDO = "teredo"  # RFC 4380
    NAT64 = "nat64"  # an IPv4 address as an IPv6-only network writes it; RFC 6052
    RESERVED = "reserved"
    MDNS = "mdns"  # a name that only the same link can resolve; RFC 6762
    NAME = "name"  # any other name

    @property
    def is_reachable(self) -> bool | None:
        """Whether the internet reaches it (no firewall permitting); None: that depends."""
        return _REACHABLE.get(self, False)


_REACHABLE = {
    Scope.PUBLIC: True,
    Scope.SIX_TO_FOUR: None,  # where somebody still runs a relay
    Scope.TEREDO: None,  # likewise
    Scope.NAT64: None,  # through the translator of that network
    Scope.NAME: None,  # depends on what it resolves to
}

_BLOCKS = {
    # IANA IPv4 Special-Purpose Address Registry
    "0.0.0.0/8": Scope.RESERVED,
    "0.0.0.0/32": Scope.UNSPECIFIED,
    "10.0.0.0/8": Scope.PRIVATE,
    "100.64.0.0/10": Scope.SHARED,
    "127.0.0.0/8": Scope.LOOPBACK,
    "169.254.0.0/16": Scope.LINK_LOCAL,
    "172.16.0.0/12": Scope.PRIVATE,
    "192.0.0.0/24": Scope.RESERVED,
    "192.0.0.0/29": Scope.CLAT,
    "192.0.0.9/32": Scope.PUBLIC,  # anycast of PCP
    "192.0.0.10/32": Scope.PUBLIC,  # anycast of TURN
    "192.0.2.0/24": Scope.DOCUMENTATION,
    "192.88.99.0/24": Scope.RESERVED,  # was the anycast of 6to4 relays
    "192.168.0.0/16": Scope.PRIVATE,
    "198.18.0.0/15": Scope.BENCHMARKING,
    "198.51.100.0/24": Scope.DOCUMENTATION,
    "203.0.113.0/24": Scope.DOCUMENTATION,
    "224.0.0.0/4": Scope.MULTICAST,  # RFC 5771
    "240.0.0.0/4": Scope.RESERVED,
    # IANA IPv6 Special-Purpose Address Registry
    "::/0": Scope.RESERVED,  # all but 2000::/3 waits to be given out; RFC 4291 section 2.4
    "::/128": Scope.UNSPECIFIED,
    "::1/128": Scope.LOOPBACK,
    "64:ff9b::/96": Scope.NAT64,
    "64:ff9b:1::/48": Scope.NAT64,
    "2000::/3": Scope.PUBLIC,
    "2001::/23": Scope.RESERVED,
    "2001::/32": Scope.TEREDO,
    "2001:1::1/128": Scope.PUBLIC,  # anycast of PCP
    "2001:1::2/128": Scope.PUBLIC,  # anycast of TURN
    "2001:1::3/128": Scope.PUBLIC,  # anycast of DNS-SD registration
    "2001:2::/48": Scope.BENCHMARKING,
    "2001:3::/32": Scope.PUBLIC,  # AMT
    "2001:4:112::/48": Scope.PUBLIC,  # AS112
    "2001:10::/28": Scope.RESERVED,  # was ORCHID
    "2001:20::/28": Scope.PUBLIC,  # ORCHIDv2
    "2001:30::/28": Scope.PUBLIC,  # drones' tags
    "2001:db8::/32": Scope.DOCUMENTATION,
    "2002::/16": Scope.SIX_TO_FOUR,
    "3fff::/20": Scope.DOCUMENTATION,
    "fc00::/7": Scope.UNIQUE_LOCAL,
    "fe80::/10": Scope.LINK_LOCAL,
    "fec0::/10": Scope.SITE_LOCAL,
    "ff00::/8": Scope.MULTICAST,  # RFC 4291 section 2.7
}
_TABLE = sorted(  # the longest prefix first: it decides
    ((ip_network(block), scope) for block, scope in _BLOCKS.items()),
    key=lambda row: -row[0].prefixlen,
)

# What redaction puts in an address's place, so that it still says what it stands for. Names under
# .invalid never resolve (RFC 6761 section 6.4).
_STAND_IN = re.compile(r"(?:(ipv[46])-)?([a-z0-9-]+)-\d+\.invalid", re.IGNORECASE)


def scope_of(address: str | IPv4Address | IPv6Address) -> Scope:
    """Return the scope of an address, of a name, or of the stand-in of a redacted address."""
    if not isinstance(address, str):
        return _scope_of_ip(address)
    try:
        return _scope_of_ip(ip_address(address.partition("%")[0]))
    except ValueError:
        pass
    if match := _STAND_IN.fullmatch(address):
        word = match[2].lower()
        return Scope(word) if word in _WORDS else Scope.NAME
    return Scope.MDNS if address.lower().rstrip(".").endswith(".local") else Scope.NAME


def family_of(address: str) -> Family | None:
    """Return the family of an address or of its stand-in; a name has none."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        match = _STAND_IN.fullmatch(address)
        return Family(match[1].lower()) if match and match[1] else None
    is_mapped = isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None
    return Family.IPV4 if ip.version == 4 or is_mapped else Family.IPV6


def stand_in(scope: Scope, family: Family | None, number: int) -> str:
    """Return what redaction writes for the ``number``-th address of a scope and a family."""
    if scope is Scope.MDNS:
        return f"{scope}-{number}.local"
    return f"{scope}-{number}.invalid" if family is None else f"{family}-{scope}-{number}.invalid"


def is_stand_in(address: str) -> bool:
    """Whether redaction wrote it."""
    return _STAND_IN.fullmatch(address) is not None


_WORDS = frozenset(Scope)


def _scope_of_ip(ip: IPv4Address | IPv6Address) -> Scope:
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped  # another spelling of the IPv4 address; RFC 4291 section 2.5.5.2
    return next((scope for block, scope in _TABLE if ip in block), Scope.PUBLIC)
