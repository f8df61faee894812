"""Measuring what a path does to voice: a few seconds of Binding requests at a steady pace.

    quality = await measure(server)
    quality.voice.grade

A server of ours answers a hundred a second to each source by default; here are twenty.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from stunkit.call.quality import Quality, assess
from stunkit.call.sampler import COUNT, Sampler
from stunkit.endpoint import Endpoint
from stunkit.net import experiment
from stunkit.net.transport.udp import source_address

Progress = Callable[[float, Quality], None]
"""Hears how much is done, from 0 to 1, and what is known by then."""


async def measure(
    server: Endpoint,
    *,
    bind: Endpoint | None = None,
    count: int = COUNT,
    on_progress: Progress | None = None,
) -> Quality:
    """Ask a server ``count`` times, which takes a twentieth of a second each.

    ``bind`` is where to ask from (port 0: any). Raises OSError when there is no route, or no socket
    can be bound.
    """
    running: list[Sampler] = []
    told = 0.0

    def make(sockets: Sequence[Endpoint], now: float) -> Sampler:
        running.append(Sampler(server, sockets[0], now, os.urandom, count=count))
        return running[0]

    def step() -> None:
        nonlocal told
        if on_progress is not None and running and running[0].progress > told:
            told = running[0].progress
            on_progress(told, assess(running[0].samples))

    source = source_address(server) if bind is None else bind
    return assess(await experiment.run([source], make, step))
