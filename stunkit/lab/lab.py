"""Lab: a client behind a NAT, or two behind two, and an outside with two server addresses.

    with Lab(find_kind("symmetric"), loss=20) as lab:
        lab.client.run(["stunkit", "nat", lab.server_addresses()[0]])

Everything is in namespaces that this process holds; the host's own network is neither touched nor
reachable from inside. The plan says who has which address, the ruleset what each box does.

Rules of this file: whatever fails, nothing stays.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from random import Random
from types import TracebackType
from typing import Self

from stunkit.behavior import Behavior
from stunkit.endpoint import Family
from stunkit.errors import UsageError
from stunkit.kinds import Kind
from stunkit.lab import reaper
from stunkit.lab.command import PACKAGES, configure_filter, configure_links, find_program
from stunkit.lab.namespace import Namespace
from stunkit.lab.plan import SERVERS
from stunkit.lab.ruleset import check, loss_ruleset
from stunkit.lab.side import Side, addresses, connect_side, make_side, prepare

HOST_PREFIX = {Family.IPV4: 32, Family.IPV6: 128}  # bits of an address that is its own network


class Lab:
    """One or two sides and the outside, there while it is open.

    ``loss`` is the percentage of UDP datagrams lost between the outside and each side's outermost
    box, in each direction. ``seed`` draws the ports that boxes assign.
    """

    def __init__(
        self, kind: Kind, other: Kind | None = None, *, loss: int = 0, seed: int | None = None
    ) -> None:
        """Take the description; nothing is made yet.

        Raises UsageError when the kernel cannot be such a network.
        """
        self.kinds = (kind,) if other is None else (kind, other)
        for one in self.kinds:
            _check_kind(one)
        if not 0 <= loss <= 100:
            raise UsageError("a percentage of loss", str(loss), "it is not from 0 to 100")
        self.loss = loss
        self.sides: tuple[Side, ...] = ()
        self._random = Random(seed)  # noqa: S311 - ports in a laboratory
        self._parts = ExitStack()

    def open(self) -> None:
        """Build everything.

        Raises StartError when something is missing on this machine, LabError when a step fails.
        """
        for program in PACKAGES:
            find_program(program)
        with ExitStack() as undo:
            self.outside = undo.enter_context(Namespace("outside"))
            self.sides = tuple(
                make_side(index, kind, undo) for index, kind in enumerate(self.kinds)
            )
            self._watch(undo)
            prepare(self.outside, self.families, forwards=True)
            for side in self.sides:
                connect_side(side, self.outside, loss=self.loss, random=self._random)
            self._connect_outside()
            self._parts = undo.pop_all()

    def close(self) -> None:
        """End what runs inside and let the namespaces go."""
        self._parts.close()

    @property
    def client(self) -> Namespace:
        """The first side's client."""
        return self.sides[0].client

    @property
    def router(self) -> Namespace:
        """The first side's outermost box."""
        return self.sides[0].routers[-1]

    @property
    def namespaces(self) -> tuple[Namespace, ...]:
        """All nodes."""
        inner = [node for side in self.sides for node in (side.client, *side.routers)]
        return (self.outside, *inner)

    @property
    def families(self) -> tuple[Family, ...]:
        """The families in which the outside has addresses: those that a client has."""
        return tuple(
            family for family in Family if any(family in kind.families for kind in self.kinds)
        )

    def server_addresses(self, family: Family = Family.IPV4) -> tuple[str, str]:
        """Return the two addresses of the outside that servers can use."""
        return SERVERS[family]

    def _connect_outside(self) -> None:
        lines = ["link set lo up"]
        for family in self.families:
            lines += addresses(SERVERS[family], HOST_PREFIX[family], "lo")
        for side in self.sides:
            device = f"side{side.index}"
            lines.append(f"link set {device} up")
            for family, links in side.links.items():
                lines += addresses([links[-1].outer], links[-1].prefix, device)
                if not side.kind.behavior(family).nat:
                    lines.append(f"route add {links[0].network} via {links[-1].inner[0]}")
        self.outside.call(configure_links, "set up the outside", lines)
        if self.loss:
            rules = [loss_ruleset(f"side{side.index}", self.loss) for side in self.sides]
            self.outside.call(configure_filter, "set up the outside", "".join(rules))

    def _watch(self, undo: ExitStack) -> None:
        """Start the reaper and say in which order the lab ends."""
        descriptors = [namespace.descriptor for namespace in self.namespaces]
        process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-I", "-S", reaper.__file__, *map(str, descriptors)],
            stdin=subprocess.PIPE,
            pass_fds=descriptors,
            start_new_session=True,  # an interrupt from the terminal is not for it
        )
        undo.callback(process.wait)
        if process.stdin is not None:
            undo.callback(process.stdin.close)
        for namespace in self.namespaces:
            undo.callback(namespace.end_processes)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _check_kind(kind: Kind) -> None:
    """Raise UsageError when the kernel cannot be such a path."""
    layers: list[tuple[Behavior, ...]] = [kind.layers(family) for family in kind.families]
    for behaviors in layers:
        for behavior in behaviors:
            check(behavior)
    lifetimes = {tuple(behavior.lifetime for behavior in behaviors) for behaviors in layers}
    if len(lifetimes) != 1:
        raise UsageError(
            "a path that the lab builds",
            kind.name,
            "both families have the same boxes, and a box has one lifetime",
        )
