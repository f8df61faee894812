"""Layers: is there another NAT behind the gateway's, a carrier's for instance?

The gateway's own address outside is compared with the one that a server sees. Equal: what the
gateway translates to is what arrives. Not equal, and not even an address that the internet could
route to: something further on translates again.

Rules of this file: what a gateway says is hearsay. Gateways that do not know write 0.0.0.0; some
are told an address by hand, or ask a STUN server themselves and repeat its answer; those with
several lines may show one and use another. So an ordinary address that differs proves nothing.
Nor does the router behind it alone: providers number routers as they like.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from stunkit.nat.gateway import GatewayReport

# Addresses that no server on the internet can see, and what they are; RFC 6890 section 2.2.2.
_INNER = {
    IPv4Network("10.0.0.0/8"): "a private address (RFC 1918)",
    IPv4Network("172.16.0.0/12"): "a private address (RFC 1918)",
    IPv4Network("192.168.0.0/16"): "a private address (RFC 1918)",
    IPv4Network("100.64.0.0/10"): "an address of a carrier's NAT (RFC 6598)",
    IPv4Network("192.0.0.0/29"): "an address for IPv4 inside IPv6 (RFC 7335)",
    IPv4Network("169.254.0.0/16"): "a link-local address (RFC 3927)",
}
_NO_HOST = tuple(map(IPv4Network, ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3")))
CARRIER = tuple(map(IPv4Network, ("100.64.0.0/10", "192.0.0.0/29")))
BLOCK = 24  # bits; addresses that close are taken for one customer's own


class SecondNat(StrEnum):
    """Whether there is a NAT behind the gateway's."""

    PROVEN = "proven"
    LIKELY = "likely"
    NO = "no"
    UNKNOWN = "unknown"


class Layers(NamedTuple):
    """The verdict and why."""

    second: SecondNat
    why: str


def double_nat(
    local: IPv4Address | None, mapped: IPv4Address | None, report: GatewayReport | None
) -> Layers:
    """Say whether more than one NAT translates what we send.

    ``local`` is our own address, ``mapped`` what a server on the internet sees.
    """
    if mapped is None:
        return Layers(SecondNat.UNKNOWN, "no server said where it sees us")
    if (kind := describe_inner(mapped)) is not None:
        why = f"the server sees {mapped}, {kind}: it is not on the internet, and cannot tell"
        return Layers(SecondNat.UNKNOWN, why)
    if local == mapped:
        return Layers(SecondNat.NO, "there is no NAT: the server sees our own address")
    if report is not None and (said := _usable(report, local)):
        return _compare(said, mapped, report.next_hop)
    return _judge_silence(local, mapped, report)


def describe_inner(address: IPv4Address) -> str | None:
    """Say what an address is that the internet does not route to; None for an ordinary one."""
    if any(address in network for network in _NO_HOST):
        return "no address of a host"
    return next((kind for network, kind in _INNER.items() if address in network), None)


def _carried(address: IPv4Address) -> str:
    """Say what an address is that carriers use on their side of a NAT; "" for any other."""
    is_carriers = any(address in network for network in CARRIER)
    return (describe_inner(address) or "") if is_carriers else ""


def _usable(report: GatewayReport, local: IPv4Address | None) -> list[IPv4Address]:
    """Return what can be the gateway's address outside: neither its inner one nor ours."""
    return [
        one
        for one in report.addresses
        if one not in (report.gateway, local) and not any(one in network for network in _NO_HOST)
    ]


def _compare(said: list[IPv4Address], mapped: IPv4Address, next_hop: IPv4Address | None) -> Layers:
    """Say what follows from what the gateway says of its own address."""
    names = ", ".join(map(str, said))
    inner = [one for one in said if describe_inner(one) is not None]
    if mapped in said:
        if inner:
            why = f"the gateway names several addresses of its own: {names}"
            return Layers(SecondNat.UNKNOWN, why)
        why = f"the gateway says that its own address is {mapped}, which is what the server sees"
        if next_hop is not None and (kind := _carried(next_hop)):
            why += f"; but the next router is {next_hop}, {kind}"
            return Layers(SecondNat.UNKNOWN, why)
        return Layers(SecondNat.NO, why)
    if len(inner) == len(said):
        why = (
            f"the gateway's own address is {names}, {describe_inner(inner[0])}; the server sees "
            f"{mapped}, so something behind the gateway translates again"
        )
        return Layers(SecondNat.PROVEN, why)
    if any(mapped in IPv4Network((int(one), BLOCK), strict=False) for one in said):
        why = (
            f"the gateway names {names} and the server sees {mapped}: near enough to be another "
            "address of the same gateway"
        )
        return Layers(SecondNat.UNKNOWN, why)
    why = (
        f"the gateway names {names} and the server sees {mapped}: another NAT, or a gateway with "
        "several lines, or one that names an old address"
    )
    return Layers(SecondNat.LIKELY, why)


def _judge_silence(
    local: IPv4Address | None, mapped: IPv4Address, report: GatewayReport | None
) -> Layers:
    """Say what follows from all else where the gateway names no address."""
    if local is not None and (kind := _carried(local)):
        why = f"our own address {local} is {kind}: the NAT that we are behind is no home router's"
        return Layers(SecondNat.LIKELY, why)
    if report is None:
        return Layers(SecondNat.UNKNOWN, "no gateway was asked")
    behind = ""
    if report.next_hop is not None and (kind := _carried(report.next_hop)):
        behind = f"the next router behind the gateway is {report.next_hop}, {kind}"
    if any(one.is_answered and one.is_nameless for one in report.replies):
        why = (
            "the gateway says that it has no address outside, as gateways do whose own address is "
            f"a private one; the server sees {mapped}"
        )
        # Either alone could be a quirk. Both at once is what RFC 6598 section 4 keeps that space
        # for: the line between a customer's gateway and a carrier's NAT.
        return (
            Layers(SecondNat.PROVEN, f"{why}; {behind}")
            if behind
            else Layers(SecondNat.LIKELY, why)
        )
    if behind:
        return Layers(SecondNat.LIKELY, behind)
    if report.is_answered:
        return Layers(SecondNat.UNKNOWN, "the gateway answers, but not what its own address is")
    return Layers(SecondNat.UNKNOWN, report.why or "the gateway tells nothing of itself")
