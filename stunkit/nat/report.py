"""What a discovery found out: claims, each with its evidence."""

from __future__ import annotations

from typing import NamedTuple

from stunkit.behavior import Behavior, Filtering, Legacy, Mapping
from stunkit.endpoint import Endpoint

NOT_ASKED = "not asked for"


class Lifetime(NamedTuple):
    """Between which ages, in seconds, an unused mapping ends; ``at_most`` None: not seen to end."""

    at_least: float
    at_most: float | None


class Ports(NamedTuple):
    """A port of ours, and the one that a server saw instead."""

    local: int
    mapped: int


class Evidence(NamedTuple):
    """Why a claim is made, or why it is unknown: one sentence, and the probes that it rests on.

    ``claim`` is a field of ``Report``, ``value`` what it says.
    """

    claim: str
    value: str | bool | Lifetime | tuple[str, ...] | tuple[Ports, ...] | None
    why: str
    probes: tuple[str, ...] = ()


class Report(NamedTuple):
    """What one address family's path does to UDP. None is unknown.

    ``udp`` says whether any answer came over UDP: False only where the same server answered over
    TCP. ``mapped`` is the endpoint that the first server saw for ``local``. ``answers_through``:
    whether an answer to somebody who sent unasked leaves by the mapping that he had sent to (see
    ``callback``). ``public_addresses`` and ``ports`` are what was seen, in that order, and no more.
    """

    udp: bool | None
    local: Endpoint | None
    mapped: Endpoint | None
    nat: bool | None
    mapping: Mapping | None
    filtering: Filtering | None
    port_preserved: bool | None
    hairpin: bool | None
    rewritten: bool | None
    evidence: tuple[Evidence, ...]
    lifetime: Lifetime | None = None
    fragments: bool | None = None
    public_addresses: tuple[str, ...] = ()
    ports: tuple[Ports, ...] = ()
    answers_through: bool | None = None

    @property
    def legacy(self) -> Legacy | None:
        """RFC 3489's name where one truly exists and everything that it says is known."""
        if self.udp is False:
            return Legacy.UDP_BLOCKED
        if self.nat is None or self.mapping is None or self.filtering is None:
            return None
        if not self.nat:
            return Behavior(nat=False, filtering=self.filtering).legacy
        return Behavior(mapping=self.mapping, filtering=self.filtering).legacy

    def with_evidence(self, evidence: Evidence) -> Report:
        """Return this report with one claim as its evidence says, in place of what it said."""
        others = tuple(one for one in self.evidence if one.claim != evidence.claim)
        values = {**self._asdict(), evidence.claim: evidence.value, "evidence": (*others, evidence)}
        return Report(**values)
