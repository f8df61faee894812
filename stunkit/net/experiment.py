"""An experiment: one machine on sockets of its own, driven until it says its one result."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from stunkit.endpoint import Endpoint
from stunkit.net.drive import Driver
from stunkit.protocol.machine import Machine, Outgoing

E = TypeVar("E")


async def run(
    binds: Sequence[Endpoint],
    make: Callable[[Sequence[Endpoint], float], Machine[E]],
    on_step: Callable[[], None] | None = None,
) -> E:
    """Open a socket at each of ``binds``, drive the machine made for them, return its first event.

    ``make`` is given where the sockets are bound, in the same order, and the time. ``on_step`` is
    called whenever the machine may have learned something. Raises OSError when a socket cannot be
    bound.
    """
    slot: _Slot[E] = _Slot(on_step)
    result: asyncio.Future[E] = asyncio.get_running_loop().create_future()

    def finish(event: E) -> None:
        if not result.done():
            result.set_result(event)

    driver = Driver(slot, finish)
    try:
        sockets = [driver.open_udp(bind) for bind in binds]
        slot.machine = make(sockets, driver.now)
        driver.flush()
        return await result
    finally:
        driver.close()


class _Slot(Machine[E]):
    """A place for a machine that can only be made once its sockets are open.

    Nothing reaches it before: the sockets are read by the event loop, which has to wait.
    """

    machine: Machine[E]

    def __init__(self, on_step: Callable[[], None] | None) -> None:
        self._on_step = on_step

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> None:
        self.machine.receive(data, source, local, now)
        self._step()

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str, now: float) -> None:
        self.machine.unreachable(remote, local, reason, now)
        self._step()

    def tick(self, now: float) -> None:
        self.machine.tick(now)
        self._step()

    def sends(self) -> list[Outgoing]:
        return self.machine.sends()

    def events(self) -> list[E]:
        return self.machine.events()

    def deadline(self) -> float | None:
        return self.machine.deadline()

    def _step(self) -> None:
        if self._on_step is not None:
            self._on_step()
