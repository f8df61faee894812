"""Hosts: which of a host's addresses become host candidates, and in which order.

Answers to RFC 8445 section 5.1.1.1 and to RFC 8421 section 3 (what a host would rather not use
comes last).

Rules of this file: what is left out is kept with the reason, so that it can be said. Loopback is
taken where there is nothing else, so that two programs on one machine can talk.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from ipaddress import IPv6Network
from typing import NamedTuple

from stunkit.endpoint import Family
from stunkit.ice.interface import InterfaceAddress, InterfaceKind
from stunkit.ice.scope import Scope, scope_of


class Omission(StrEnum):
    """Why an address becomes no candidate."""

    DOWN = "down"
    LOOPBACK = "loopback"
    LINK_LOCAL = "link-local"
    DEPRECATED = "deprecated"
    OUTDATED = "outdated"  # of a kind of address that nobody uses any more
    TRACEABLE = "traceable"  # a temporary address does the same and tells less
    EXCESS = "excess"  # there are too many


class Choice(NamedTuple):
    """The addresses to gather from, the one to prefer first, and those left out."""

    used: tuple[InterfaceAddress, ...]
    omitted: tuple[tuple[InterfaceAddress, Omission], ...]


MOST = 64  # addresses; a host of containers has hundreds, and each takes a socket and questions
_COMPATIBLE = IPv6Network("::/96")  # an IPv4 address in IPv6's clothes; RFC 4291 section 2.5.5.1
_RANKS = {  # the ways out that cost least come first; a VPN last, as browsers have it
    InterfaceKind.ETHERNET: 0,
    InterfaceKind.WIFI: 1,
    InterfaceKind.CELLULAR: 2,
    InterfaceKind.UNKNOWN: 3,
    InterfaceKind.CONTAINER: 3,
    InterfaceKind.VIRTUAL: 4,
    InterfaceKind.BRIDGE: 4,
    InterfaceKind.VPN: 5,
    InterfaceKind.LOOPBACK: 6,
}


def choose_hosts(addresses: Iterable[InterfaceAddress], *, everything: bool = False) -> Choice:
    """Choose among a host's addresses; with ``everything``, all that are up and can be used."""
    found = list(addresses)
    reasons = [_omission(address, found) for address in found]
    allowed = {Omission.LOOPBACK} if not everything and None not in reasons else set()
    if everything:
        allowed = set(Omission) - {Omission.DOWN, Omission.OUTDATED, Omission.EXCESS}
    used: list[InterfaceAddress] = []
    omitted: list[tuple[InterfaceAddress, Omission]] = []
    for address, reason in zip(found, reasons, strict=True):
        if reason is None or reason in allowed:
            used.append(address)
        else:
            omitted.append((address, reason))
    used.sort(key=_rank)
    omitted += [(address, Omission.EXCESS) for address in used[MOST:]]
    return Choice(tuple(used[:MOST]), tuple(omitted))


def _omission(address: InterfaceAddress, others: list[InterfaceAddress]) -> Omission | None:
    interface = address.interface
    if interface.is_up is False or interface.is_running is False:
        return Omission.DOWN
    scope = scope_of(address.host)
    if interface.kind is InterfaceKind.LOOPBACK or scope is Scope.LOOPBACK:
        return Omission.LOOPBACK
    if address.endpoint.family is Family.IPV4:
        return None
    if scope is Scope.LINK_LOCAL:
        return Omission.LINK_LOCAL
    if scope is Scope.SITE_LOCAL or address.endpoint.address in _COMPATIBLE:
        return Omission.OUTDATED
    if address.is_deprecated:
        return Omission.DEPRECATED
    return Omission.TRACEABLE if _has_temporary(address, others) else None


def _has_temporary(address: InterfaceAddress, others: list[InterfaceAddress]) -> bool:
    """Whether a temporary address of the same interface and network can stand for this one."""
    network = IPv6Network((address.endpoint.packed, address.prefix_length), strict=False)
    return not address.is_temporary and any(
        other.is_temporary
        and not other.is_deprecated
        and other.interface.index == address.interface.index
        and other.endpoint.address in network
        for other in others
    )


def _rank(address: InterfaceAddress) -> tuple[int, bool]:
    return (_RANKS[address.interface.kind], not address.is_default)
