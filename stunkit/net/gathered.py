"""What a gathering is to find, and what it found: values.

Rules of this file: a candidate that did not come is kept with its reason, like one that came.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import StunkitError
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.hosts import Omission
from stunkit.ice.interface import InterfaceAddress
from stunkit.net.whoami import Answer
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.uri import Transport, Uri

TIMEOUT = 6.0  # seconds for a run: four requests at the RFC's pace, and time for the last answer


class Gleaned(NamedTuple):
    """A candidate, and how it was come by.

    ``base`` is our own socket, ``address`` where that is bound. ``server`` answered; ``rtt`` is in
    seconds, None where unknown.
    """

    candidate: Candidate
    address: InterfaceAddress
    base: Endpoint
    uri: Uri | None = None
    server: Endpoint | None = None
    transport: Transport = Transport.UDP
    rtt: float | None = None


class Miss(NamedTuple):
    """A candidate that did not come: from which address (None: any), of whom, and why."""

    type: CandidateType
    address: InterfaceAddress | None
    uri: Uri | None
    error: StunkitError
    family: Family | None = None
    transport: Transport = Transport.UDP


class Gathered(NamedTuple):
    """The candidates, best first, and what there is to say about those that are not there.

    ``answers`` are what STUN servers said. ``was_answered`` is None when nobody was asked.
    """

    candidates: tuple[Gleaned, ...]
    misses: tuple[Miss, ...]
    omitted: tuple[tuple[InterfaceAddress, Omission], ...]
    answers: tuple[Answer, ...]
    was_answered: bool | None
    elapsed: float


class Wanted(NamedTuple):
    """What to gather: servers and relays to ask, from where, and for how long.

    ``bind`` leaves one address (a wildcard: all) and gives the port; ``everything`` takes loopback,
    link-local and deprecated addresses too. ``timeout`` is in seconds.
    """

    servers: Sequence[Uri] = ()
    relays: Sequence[Uri] = ()
    credentials: TurnCredentials | None = None
    family: Family | None = None
    bind: Endpoint | None = None
    everything: bool = False
    timeout: float = TIMEOUT
    ca_file: str | os.PathLike[str] | None = None
