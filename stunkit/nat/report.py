"""What a discovery found out: claims, each with its evidence."""

from __future__ import annotations

from typing import NamedTuple

from stunkit.behavior import Behavior, Filtering, Legacy, Mapping
from stunkit.endpoint import Endpoint


class Evidence(NamedTuple):
    """Why a claim is made, or why it is unknown: one sentence, and the probes that it rests on."""

    claim: str
    value: str | bool | None
    why: str
    probes: tuple[str, ...] = ()


class Report(NamedTuple):
    """What one address family's path does to UDP. None is unknown.

    ``udp`` says whether any answer came over UDP: False only where the same server answered over
    TCP. ``mapped`` is the endpoint that the first server saw for ``local``.
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
