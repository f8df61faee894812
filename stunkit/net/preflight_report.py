"""What a preflight has found: the result of each part, and the facts that follow for a call.

Rules of this file: a part that found nothing is None, and ``problems`` says why. What the parts say
together may be more than what each says alone: a relay that answers over TLS and not over UDP shows
that UDP is blocked, and a router that tells of a second NAT shows that it cannot open a port.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from enum import StrEnum
from ipaddress import IPv4Address
from typing import NamedTuple

from stunkit.call.facts import Access, Facts, Relay, RelayTransport
from stunkit.call.quality import Quality
from stunkit.endpoint import Endpoint, Family
from stunkit.ice.candidate import CandidateType
from stunkit.ice.scope import Scope, scope_of
from stunkit.nat.gateway import GatewayReport
from stunkit.nat.layers import Layers, SecondNat, double_nat
from stunkit.nat.report import Report
from stunkit.net.gathered import Gathered
from stunkit.net.nat import NatResult
from stunkit.net.relay.report import RelayOutcome, RelayReport
from stunkit.wire.uri import Transport

_GLOBAL = (Scope.PUBLIC, Scope.DOCUMENTATION)  # laboratories route the latter


class Part(StrEnum):
    """A part of a preflight, by the word that output uses."""

    NAT = "NAT"
    CANDIDATES = "candidates"
    RELAYS = "relays"
    ROUTER = "router"
    QUALITY = "quality"


class Preflight(NamedTuple):
    """Everything that was found. ``elapsed`` is in seconds.

    ``family`` is the only one that was asked for, None for both. ``gateway`` is None where there
    was no server over IPv4 to ask about.
    """

    nat: NatResult | None = None
    gathered: Gathered | None = None
    relays: tuple[RelayReport, ...] = ()
    gateway: GatewayReport | None = None
    quality: Quality | None = None
    problems: Mapping[Part, str] = {}
    family: Family | None = None
    elapsed: float = 0.0

    def report(self, family: Family) -> Report | None:
        """Return what the path of a family does, None where no server could be asked."""
        return None if self.nat is None else self.nat.report(family)

    @property
    def layers(self) -> Layers | None:
        """Whether there is a second NAT; None where there was nothing to compare."""
        report = self.report(Family.IPV4)
        if report is None or report.mapped is None or self.gateway is None:
            return None
        return double_nat(_ipv4(report.local), _ipv4(report.mapped), self.gateway)

    @property
    def facts(self) -> Facts:
        """What is known of this end, with the relays that were seen to work."""
        return Facts(
            ipv4=self._access(Family.IPV4),
            ipv6=self._access(Family.IPV6),
            relays=_relays(self.relays, is_usable=True),
        )

    @property
    def unproven(self) -> frozenset[Relay]:
        """The relays that give an address, and of which is not known whether data comes through."""
        return _relays(self.relays, is_usable=None)

    @property
    def is_heard(self) -> bool:
        """Whether anybody at all has answered."""
        reports = [report for family in Family if (report := self.report(family)) is not None]
        return (
            any(report.udp is not None or report.mapped is not None for report in reports)
            or any(relay.relayed is not None for relay in self.relays)
            or (self.gathered is not None and bool(self.gathered.was_answered))
        )

    def _access(self, family: Family) -> Access | None:
        """Return what is known of one family; None where this end has no address in it."""
        report = self.report(family)
        udp = self._udp_by_relays(family)
        if report is None:
            if udp is None and not self._has_global_address(family):
                return None
            # a relay's silence alone may be its own firewall's: nobody else was asked over UDP
            return Access(udp=udp or None)
        access = Access.of_report(report)
        if (
            access.udp is None or udp
        ):  # where a relay is reached, it was the servers that are silent
            access = replace(access, udp=udp)
        layers = self.layers if family is Family.IPV4 else None
        if layers is not None and layers.second in (SecondNat.PROVEN, SecondNat.LIKELY):
            # it decides nothing but whether opening a port is good advice, and that it is not then
            access = replace(access, is_shared=True)
        return access

    def _udp_by_relays(self, family: Family) -> bool | None:
        """Return what relays show of UDP: it gets out, or it is blocked where TCP is not."""
        known = [one for one in self.relays if one.server and one.server.family is family]
        udp = [one for one in known if one.transport is Transport.UDP]
        if any(one.relayed is not None for one in udp):
            return True
        silent = {
            one.server.packed for one in udp if one.server and one.outcome is RelayOutcome.TIMED_OUT
        }
        is_there = any(
            one.relayed is not None and one.server is not None and one.server.packed in silent
            for one in known
        )
        return False if is_there else None

    def _has_global_address(self, family: Family) -> bool:
        """Return whether this host has an address that the internet routes to."""
        if self.gathered is None or self.family not in (None, family):
            return False
        return any(
            one.candidate.type is CandidateType.HOST
            and one.base.family is family
            and scope_of(one.candidate.address) in _GLOBAL
            for one in self.gathered.candidates
        )


def _relays(reports: tuple[RelayReport, ...], *, is_usable: bool | None) -> frozenset[Relay]:
    return frozenset(
        Relay(RelayTransport(one.transport), one.relayed.family)
        for one in reports
        if one.relayed is not None and one.is_usable is is_usable
    )


def _ipv4(endpoint: Endpoint | None) -> IPv4Address | None:
    if endpoint is None or endpoint.family is not Family.IPV4:
        return None
    return IPv4Address(endpoint.packed)
