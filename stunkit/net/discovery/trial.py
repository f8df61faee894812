"""Trials: the tests of a NAT that are made only when they are asked for, on real sockets.

They take longer than the discovery, or can look like an attack to a firewall.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.nat import fragments, hairpin, lifetime
from stunkit.nat.report import Evidence
from stunkit.net import experiment
from stunkit.protocol.machine import Machine


class Trial(NamedTuple):
    """A test: what it shows, its machine, how many sockets that wants, and its time in seconds."""

    claim: str
    make: Callable[..., Machine[Evidence]]
    sockets: int
    timeout: float


HAIRPIN = Trial("hairpin", hairpin.HairpinTest, hairpin.SOCKETS, hairpin.TIMEOUT)
LIFETIME = Trial("lifetime", lifetime.LifetimeTest, lifetime.SOCKETS, lifetime.TIMEOUT)
FRAGMENTS = Trial("fragments", fragments.FragmentsTest, fragments.SOCKETS, fragments.TIMEOUT)


async def attempt(trial: Trial, server: Endpoint, source: Endpoint, end: float) -> Evidence:
    """Make one trial on sockets of its own; ``end`` is the loop's time at which it is over.

    Raises OSError when no socket can be bound.
    """
    timeout = max(0.0, end - asyncio.get_running_loop().time())

    def make(sockets: Sequence[Endpoint], now: float) -> Machine[Evidence]:
        return trial.make(server, sockets, now, os.urandom, timeout=timeout)

    return await experiment.run([source.with_port(0)] * trial.sockets, make)
