"""Discovering mapping and filtering side by side (RFC 5780 sections 4.3 and 4.4).

Let A1:P1 be the server that is asked and A2:P2 its OTHER-ADDRESS.

- Mapping (``mapping``): one socket asks A1:P1, A1:P2 and A2:P2, and A1:P1 again.
- Filtering (``filtering``): a second socket, which never sends to anyone else, asks A1:P1 to answer
  from A2:P2; a third one asks it to answer from A1:P2. Where that is not let in, a control shows
  that it could have come (``control``).
- What follows for a stranger (``callback``): whoever sent unasked is asked back.
- Ports, rewriting and the rest (``verdict``): from what those answers say on the way.

Every answer's source is checked. A server that answers from where it was not told to has said
nothing about filtering.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from stunkit.behavior import Filtering
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import Malformed
from stunkit.nat.callback import CallbackProbes
from stunkit.nat.control import Controls
from stunkit.nat.filtering import FilteringProbes, classify_filtering
from stunkit.nat.inquiry import Inquiry
from stunkit.nat.mapping import MappingProbes
from stunkit.nat.probe import Probe
from stunkit.nat.report import NOT_ASKED, Evidence, Ports, Report
from stunkit.nat.verdict import describe_ports, judge_nat, judge_ports, judge_rewriting
from stunkit.wire.attributes.address import ChangedAddress, OtherAddress
from stunkit.wire.attributes.behavior import ChangeRequest
from stunkit.wire.message import Message

TIMEOUT = 10.0  # seconds for the whole discovery
SOCKETS = 16  # local endpoints that a discovery may want


class Discovery(Inquiry[Report]):
    """A machine (``protocol.machine``) that ends in a ``Report``.

    ``servers``: the first one is A1:P1; the others help where it does not prove the mapping.
    ``sockets``: ``SOCKETS`` fresh local endpoints, on the address that datagrams to the servers
    leave from. ``random`` gives so many random bytes. With ``answers`` it is found out, too, by
    which mapping an answer to a stranger leaves (``callback``): it takes a second longer at most.
    """

    def __init__(
        self,
        servers: Sequence[Endpoint],
        sockets: Sequence[Endpoint],
        now: float,
        random: Callable[[int], bytes],
        *,
        timeout: float = TIMEOUT,
        answers: bool = False,
    ) -> None:
        super().__init__(now, random, timeout)
        prober = self._prober
        servers = tuple(dict.fromkeys(servers))
        server = servers[0]
        spare = list(sockets)
        self._other: Endpoint | None = None
        self._filtering: tuple[Filtering | None, str] | None = None
        self._is_met = False
        self._mapping = MappingProbes(prober, spare.pop(), servers, now)
        # the socket of the first filtering test shows how ports are assigned, too
        second, third = spare.pop(), spare.pop()
        self._second = prober.ask("socket of filtering A2:P2", second, server, now)
        change = ChangeRequest(change_ip=True, change_port=True)
        test = prober.ask("filtering A2:P2", second, server, now, change, solicited=False)
        self._both = FilteringProbes(prober, test, change, self._second)
        change = ChangeRequest(change_port=True)
        test = prober.ask("filtering A1:P2", third, server, now, change, solicited=False)
        self._port = FilteringProbes(prober, test, change)
        self._controls = Controls(prober, server, spare)
        self._callback = CallbackProbes(prober) if answers else None

    def report(self) -> Report:
        """Return what is known by now."""
        return self._find()

    def _advance(self, now: float) -> bool:
        first = self._mapping.first
        if first.answer is not None and not self._is_met:
            self._is_met = True
            self._meet(first.answer)
        if self._prober.is_settled(first, now) and first.answer is None:
            return True
        self._controls.advance(now)
        done = [self._mapping.advance(now), self._prober.is_settled(self._second, now)]
        senders = [first, self._second]
        for test in (self._both, self._port):
            receiver = self._mapping.probes.get(test.test.expected)
            receiver = receiver if self._other is not None else None
            done.append(test.advance(self._controls, receiver, senders, now))
        if self._callback is None or not all(done):
            return all(done)
        if self._filtering is None:  # before the filter is opened for who was kept out
            self._filtering = self._judge_filtering()
        mapping, _ = self._mapping.judge()
        return self._callback.advance(mapping, self._both, self._port, now)

    def _meet(self, answer: Message) -> None:
        """Learn from the server's first answer whether it has another address and port."""
        server = self._mapping.first.server
        self._other = other = _other_address(answer, server.family)
        self._mapping.aim(other)
        aim = server if other is None else other
        has_other_address, has_other_port = aim.packed != server.packed, aim.port != server.port
        self._both.aim(aim, is_possible=has_other_address)
        self._port.aim(server.with_port(aim.port), is_possible=has_other_port)

    def _find(self) -> Report:
        mapping = self._mapping
        names = mapping.names
        sightings = mapping.sightings
        open_ = True if self._prober.received else None
        nat, why_nat = judge_nat(sightings, mapping.doubt)
        kind, why_mapping = mapping.judge()
        filtering, why_filtering = self._filtering or self._judge_filtering()
        safe = self._safe_sightings()
        ports = _first_ports(safe)
        preserved, why_preserved = judge_ports(nat, ports)
        rewritten, why_rewritten = judge_rewriting(sightings)
        through, why_through = self._judge_callback(nat)
        callbacks = () if self._callback is None else self._callback.names
        addresses = tuple(dict.fromkeys(mapped.host for _, mapped in safe))
        why_addresses = f"{len(addresses)} seen by sockets and servers: there may be more"
        sockets = (mapping.first.name, self._second.name)
        tests = tuple(p.name for t in (self._both, self._port) for p in t.probes)
        return Report(
            udp=open_,
            local=mapping.first.local,
            mapped=mapping.first.mapped,
            nat=nat,
            mapping=kind,
            filtering=filtering,
            port_preserved=preserved,
            hairpin=None,
            rewritten=rewritten,
            answers_through=through,
            public_addresses=addresses,
            ports=ports,
            evidence=(
                Evidence(
                    "udp",
                    open_,
                    "answers came over UDP" if open_ else "no answer came over UDP",
                    (mapping.first.name,),
                ),
                Evidence("nat", nat, why_nat, names),
                Evidence("mapping", kind, why_mapping, names),
                Evidence("filtering", filtering, why_filtering, tests),
                Evidence("port_preserved", preserved, why_preserved, sockets),
                Evidence("rewritten", rewritten, why_rewritten, names),
                Evidence("answers_through", through, why_through, callbacks),
                Evidence("public_addresses", addresses, why_addresses, names),
                Evidence("ports", ports, describe_ports(ports), sockets),
                Evidence("hairpin", None, NOT_ASKED),
                Evidence("lifetime", None, NOT_ASKED),
                Evidence("fragments", None, NOT_ASKED),
            ),
        )

    def _judge_filtering(self) -> tuple[Filtering | None, str]:
        if not self._is_met:
            return None, "the server did not answer"
        if self._other is None:
            return None, "the server has no other address to answer from (RFC 5780)"
        return classify_filtering(self._both.judge(), self._port.judge())

    def _judge_callback(self, nat: bool | None) -> tuple[bool | None, str]:  # noqa: FBT001
        if self._callback is None:
            return None, NOT_ASKED
        if not nat:
            return None, "there is no NAT" if nat is False else "it is not known if there is a NAT"
        return self._callback.judge()

    def _safe_sightings(self) -> list[tuple[Endpoint, Endpoint]]:
        """Return sockets, the mapping socket first, and their mapped endpoints beyond doubt."""
        probes: list[Probe | None] = [*self._mapping.probes.values(), self._second]
        probes += [self._port.plain, *self._controls.probes]
        found = [probe.sighting for probe in probes if probe is not None]
        return [
            (one.local, one.mixed)
            for one in found
            if one is not None and one.mixed is not None and not one.doubt
        ]


def _first_ports(seen: list[tuple[Endpoint, Endpoint]]) -> tuple[Ports, ...]:
    """Return the port of each socket, and where it was first seen."""
    ports: dict[Endpoint, Ports] = {}
    for local, mapped in seen:
        ports.setdefault(local, Ports(local.port, mapped.port))
    return tuple(ports.values())


def _other_address(answer: Message, family: Family) -> Endpoint | None:
    """Return OTHER-ADDRESS, or CHANGED-ADDRESS of a classic server."""
    try:
        attribute = answer.get(OtherAddress) or answer.get(ChangedAddress)
    except Malformed:
        return None
    if attribute is None or attribute.endpoint.family is not family:
        return None
    return attribute.endpoint
