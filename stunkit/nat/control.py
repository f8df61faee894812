"""The control of a filtering test: an answer from the same socket of the server that must come in.

Silence means "filtered" only after the server has been seen to answer from there, and that such an
answer reaches us (the fourth test of RFC 5780's erratum 7971). So the same request is made again,
with the answer directed by RESPONSE-PORT to a mapping through which that socket was asked before:
past any filter. It is repeated for as long as the silence is listened to.

RESPONSE-PORT chooses the mapping's port; its address is that of the request, so the request has to
come from a socket that has the same public address. A NAT with several addresses may make it
necessary to look for such a pair of sockets: to send out scouts.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, product

from stunkit.endpoint import Endpoint
from stunkit.nat.probe import Probe
from stunkit.nat.prober import Prober
from stunkit.wire.attributes.behavior import ChangeRequest, ResponsePort


class Controls:
    """Starts controls. ``spare`` are sockets that scouts may use up."""

    def __init__(self, prober: Prober, server: Endpoint, spare: list[Endpoint]) -> None:
        self._prober = prober
        self._server = server
        self._spare = spare
        self._scouts: list[Probe] = []
        self._scouts_to: defaultdict[Endpoint, list[Probe]] = defaultdict(list)

    @property
    def probes(self) -> list[Probe]:
        """The scouts' probes to the server itself."""
        return self._scouts

    def advance(self, now: float) -> None:
        """Stop the scouts that have found out."""
        for probe in self._all:
            if self._prober.is_settled(probe, now):
                self._prober.stop(probe)

    def start(
        self,
        name: str,
        change: ChangeRequest,
        receiver: Probe,
        senders: list[Probe],
        now: float,
    ) -> Probe | None:
        """Start a control, or a search for the two sockets that it takes, or neither.

        ``receiver`` asked the endpoint that has to answer; ``senders`` asked the server.
        """
        target = receiver.server
        senders = [*senders, *self._scouts]
        receivers = [receiver, *self._scouts_to[target]]
        for one, sender in product(receivers, senders):
            if one.mapped is None or sender.mapped is None:
                continue
            if one.mapped.packed == sender.mapped.packed:
                return self._ask(name, change, sender, one, now)
        settled = (self._prober.is_settled(probe, now) for probe in (*senders, *receivers))
        if self._spare and all(settled):
            local = self._spare.pop()
            ask = self._prober.ask
            scout = f"scout {len(self._scouts) + 1}"
            self._scouts.append(ask(scout, local, self._server, now))
            self._scouts_to[target].append(ask(f"{scout} to {target}", local, target, now))
        return None

    def can_come(self, receiver: Probe, now: float) -> bool:
        """Return whether a control that could not be started yet may still be."""
        if self._prober.is_settled(receiver, now) and receiver.mapped is None:
            return False
        return bool(self._spare) or not all(
            self._prober.is_settled(probe, now) for probe in (receiver, *self._all)
        )

    def _ask(
        self, name: str, change: ChangeRequest, sender: Probe, receiver: Probe, now: float
    ) -> Probe:
        mapped, target = receiver.mapped, receiver.server
        ask = self._prober.ask
        if mapped is None or sender.mapped == mapped:
            # no need of RESPONSE-PORT, which not every server knows
            return ask(name, sender.local, self._server, now, change, expected=target)
        port = ResponsePort(mapped.port)
        return ask(name, sender.local, self._server, now, change, port, expected=target)

    @property
    def _all(self) -> list[Probe]:
        return [*self._scouts, *chain.from_iterable(self._scouts_to.values())]
