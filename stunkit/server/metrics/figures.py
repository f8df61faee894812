"""All that there is to show of a server: what it did, and what is true of it now."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from stunkit.server.metrics.counters import Counters
from stunkit.server.process.crew import Crew


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of each process, and how many serve."""

    counters: Sequence[Counters]
    crew: Crew = field(default_factory=Crew)
    started: float = field(default_factory=time.time)  # Unix time


class PartnerFigures(NamedTuple):
    """How the link to the partner is; ``messages`` has every outcome there can be."""

    is_up: bool
    is_other_address: bool
    messages: Mapping[str, int]


class Facts(NamedTuple):
    """What is true of a server now and is no tally; ``limit_rate`` is 0 without a limit.

    ``has_web``: it carries signalling.
    """

    version: str
    lane: str
    max_connections: int
    limit_rate: float
    partner: PartnerFigures | None = None
    has_web: bool = False
