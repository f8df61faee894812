"""Discovering mapping and filtering side by side (RFC 5780 sections 4.3 and 4.4).

Let A1:P1 be the server that is asked and A2:P2 its OTHER-ADDRESS.

- Mapping: one socket asks A1:P1, A1:P2, A2:P1 and A2:P2; at the end A1:P1 again, since a mapping
  that moves meanwhile proves nothing.
- Filtering: a second socket, which never sends to anyone else, asks A1:P1 to answer from A2:P2; a
  third one asks it to answer from A1:P2. What comes in was let in. Silence may have other reasons,
  each of which is ruled out first: the path loses datagrams (``nat.odds``), the other socket cannot
  reach us, or the server does not do what CHANGE-REQUEST says. For the last two there is a control
  (the fourth test of erratum 7971, and more): the same request from the mapping socket, with the
  answer directed by RESPONSE-PORT to the mapping that the other socket was asked through; that one
  must come in past any filter. The control is repeated for as long as the silence is listened to.

Every answer's source is checked. A server that answers from where it was not told to has said
nothing about filtering.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import chain

from stunkit.behavior import Filtering, Mapping
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import Malformed
from stunkit.nat.filtering import Outcome, classify_filtering
from stunkit.nat.mapping import classify_mapping
from stunkit.nat.probe import Probe, Prober
from stunkit.nat.report import Evidence, Report
from stunkit.protocol.client import mapped_endpoint
from stunkit.protocol.machine import Outgoing
from stunkit.wire.attributes.address import (
    ChangedAddress,
    MappedAddress,
    OtherAddress,
    XorMappedAddress,
)
from stunkit.wire.attributes.behavior import ChangeRequest, ResponsePort
from stunkit.wire.message import Message

SILENT_AFTER = 6.0  # seconds without any answer after which nobody is taken to answer
TIMEOUT = 10.0  # seconds for the whole discovery
SOCKETS = 16  # local endpoints that a discovery may want


class Discovery:
    """A machine (``protocol.machine``) that ends in a ``Report``.

    ``servers``: the first one is A1:P1; the others help where it has no other address.
    ``sockets``: ``SOCKETS`` fresh local endpoints, on the address that datagrams to the servers
    leave from. ``random`` gives so many random bytes.
    """

    def __init__(
        self,
        servers: Sequence[Endpoint],
        sockets: Sequence[Endpoint],
        now: float,
        random: Callable[[int], bytes],
        *,
        timeout: float = TIMEOUT,
    ) -> None:
        self._servers = tuple(dict.fromkeys(servers))
        self._server = self._servers[0]
        self._sockets = list(sockets)
        self._started = now
        self._end = now + timeout
        self._now = now
        self._prober = Prober(random)
        self._is_done = False
        self._is_told = False
        self._other: Endpoint | None = None
        self._again: Probe | None = None
        self._control_both: Probe | None = None
        self._control_port: Probe | None = None
        ask = self._prober.ask
        change_both = ChangeRequest(change_ip=True, change_port=True)
        change_port = ChangeRequest(change_port=True)
        self._mapping_socket = self._sockets.pop()
        first = ask("mapping A1:P1", self._mapping_socket, self._server, now)
        self._mapping = {self._server: first}
        self._both = ask(
            "filtering A2:P2", self._sockets.pop(), self._server, now, change_both, solicited=False
        )
        self._port = ask(
            "filtering A1:P2", self._sockets.pop(), self._server, now, change_port, solicited=False
        )
        self._second = ask("port assignment", self._sockets.pop(), self._server, now)
        self._scouts: list[Probe] = []  # sockets in search of a public address; see _start_control
        self._scouts_to: defaultdict[Endpoint, list[Probe]] = defaultdict(list)

    @property
    def is_done(self) -> bool:
        """Whether the report will not change any more."""
        return self._is_done

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> None:
        """Take a datagram that arrived at one of the sockets."""
        if self._prober.receive(data, source, local, now) is not None:
            self._advance(now)

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str, now: float) -> None:
        """Take the news that a server cannot be reached from a socket."""
        self._prober.unreachable(remote, local, reason)
        self._advance(now)

    def tick(self, now: float) -> None:
        """Let time pass."""
        self._prober.tick(now)
        self._advance(now)

    def sends(self) -> list[Outgoing]:
        """Hand over what is to be sent."""
        return self._prober.sends()

    def events(self) -> list[Report]:
        """Hand over the report, once, when it is done."""
        if self._is_done and not self._is_told:
            self._is_told = True
            return [self.report()]
        return []

    def deadline(self) -> float | None:
        """Return when time is to pass next."""
        if self._is_done:
            return None
        due = self._prober.deadline()
        patience = self._now + self._prober.patience
        return min(self._end, patience if due is None else min(due, patience))

    def _advance(self, now: float) -> None:
        """Start what has become possible, stop what is settled, and notice the end."""
        self._now = now
        if self._is_done:
            return
        first = self._mapping[self._server]
        if first.answer is not None and self._other is None and len(self._mapping) == 1:
            self._other = _other_address(first.answer, self._server.family)
            self._ask_for_mappings(now)
        self._control(now)
        scouts = [*self._scouts, *chain.from_iterable(self._scouts_to.values())]
        for probe in (*self._mapping.values(), self._again, self._second, *scouts):
            if probe is not None and self._is_settled(probe, now):
                self._prober.stop(probe)
        mapping_is_done = all(self._is_settled(probe, now) for probe in self._mapping.values())
        if mapping_is_done and self._again is None and first.answer is not None:
            self._again = self._prober.ask("mapping A1:P1 again", first.local, self._server, now)
        filtering_is_done = self._filtering_is_done(now)
        if filtering_is_done:
            self._prober.stop(self._both, self._port, self._control_both, self._control_port)
        is_silent = not self._prober.received and now >= self._started + SILENT_AFTER
        checks = (self._again, self._second)
        if (
            mapping_is_done
            and filtering_is_done
            and all(probe is not None and self._is_settled(probe, now) for probe in checks)
        ):
            self._is_done = True
        is_hopeless = self._is_settled(first, now) and first.answer is None
        if is_silent or is_hopeless or now >= self._end:
            self._is_done = True
        if self._is_done:
            self._prober.stop(*self._prober.probes)

    def _ask_for_mappings(self, now: float) -> None:
        """Ask the server's other endpoints, or other servers, from the mapping socket."""
        server, other = self._server, self._other
        if other is None:
            endpoints = {str(one): one for one in self._servers[1:]}
        else:
            endpoints = {
                "A1:P2": server.with_port(other.port),
                "A2:P1": other.with_port(server.port),
                "A2:P2": other,
            }
            self._both.expected = other
            self._port.expected = server.with_port(other.port)
        for name, endpoint in endpoints.items():
            if endpoint not in self._mapping:
                self._mapping[endpoint] = self._prober.ask(
                    f"mapping {name}", self._mapping_socket, endpoint, now
                )

    def _control(self, now: float) -> None:
        """Start the controls of the filtering tests as soon as they can be, where needed."""
        other = self._other
        if other is None:
            return
        if self._control_both is None and self._both.answer is None and self._has_other_address:
            change = ChangeRequest(change_ip=True, change_port=True)
            self._control_both = self._start_control("control A2:P2", other, change, now)
        if self._control_port is None and self._port.answer is None and self._has_other_port:
            target = self._server.with_port(other.port)
            change = ChangeRequest(change_port=True)
            self._control_port = self._start_control("control A1:P2", target, change, now)

    def _start_control(
        self, name: str, target: Endpoint, change: ChangeRequest, now: float
    ) -> Probe | None:
        """Ask A1:P1 for an answer from ``target`` to the mapping through which that was asked.

        RESPONSE-PORT chooses the mapping's port; its address is that of the request, so the
        request has to come from a socket that has the same public address. A NAT with several
        addresses may make it necessary to look for such a pair of sockets.
        """
        senders = [self._mapping[self._server], self._second, *self._scouts]
        receivers = [self._mapping[target], *self._scouts_to[target]]
        for receiver in receivers:
            wanted = _mapped(receiver)
            for sender in senders:
                seen = _mapped(sender)
                if wanted is None or seen is None or seen.packed != wanted.packed:
                    continue
                ask = self._prober.ask
                if seen == wanted:  # no need of RESPONSE-PORT, which not every server knows
                    return ask(name, sender.local, self._server, now, change, expected=target)
                port = ResponsePort(wanted.port)
                return ask(name, sender.local, self._server, now, change, port, expected=target)
        if self._sockets and all(_mapped(probe) for probe in (*senders, *receivers)):
            local = self._sockets.pop()
            self._scouts.append(self._prober.ask("another socket", local, self._server, now))
            scout = self._prober.ask("another socket", local, target, now)
            self._scouts_to[target].append(scout)
        return None

    @property
    def _has_other_address(self) -> bool:
        return self._other is not None and self._other.packed != self._server.packed

    @property
    def _has_other_port(self) -> bool:
        return self._other is not None and self._other.port != self._server.port

    def _is_settled(self, probe: Probe, now: float) -> bool:
        """Return whether nothing more is to be expected of a probe that should be answered."""
        if probe.answer or probe.refusal or probe.unreachable:
            return True
        return self._is_silent(probe, now)

    def _is_silent(self, probe: Probe, now: float) -> bool:
        """Return whether a probe was tried so often that its silence is no chance."""
        if self._prober.rtt is None:
            return False
        tries = probe.tries(now - self._prober.patience)
        return tries >= self._prober.odds(now).tries_needed

    def _filtering_is_done(self, now: float) -> bool:
        if self._mapping[self._server].answer is None:
            return False
        if self._other is None or self._both.answer is not None:
            return True
        tests = (
            (self._both, self._control_both, self._has_other_address),
            (self._port, self._control_port, self._has_other_port),
        )
        return all(
            not is_possible or self._test_is_done(test, control, now)
            for test, control, is_possible in tests
        )

    def _test_is_done(self, test: Probe, control: Probe | None, now: float) -> bool:
        if test.answer or test.misplaced or test.refusal:
            return True
        if control is None:
            # It waits for the mapping that it needs; where that will not come, nor will it.
            asked = self._mapping.get(test.expected)
            can_come = asked is None or not self._is_settled(asked, now) or _mapped(asked)
            return not can_come or not (self._sockets or self._scouts_are_under_way(now))
        if control.misplaced or control.refusal:
            return True
        return self._is_silent(test, now) and self._is_settled(control, now)

    def _scouts_are_under_way(self, now: float) -> bool:
        scouts = [*self._scouts, *chain.from_iterable(self._scouts_to.values())]
        return any(not self._is_settled(scout, now) for scout in scouts)

    def report(self) -> Report:
        """Return what is known by now."""
        first = self._mapping[self._server]
        mapped = _mapped(first)
        mapping, why_mapping = self._judge_mapping()
        filtering, why_filtering = self._judge_filtering()
        nat, why_nat = self._judge_nat()
        preserved, why_preserved = self._judge_ports()
        rewritten, why_rewritten = self._judge_rewriting()
        seen = tuple(probe.name for probe in self._mapping.values())
        tests = tuple(
            probe.name
            for probe in (self._both, self._control_both, self._port, self._control_port)
            if probe is not None
        )
        is_open = True if self._prober.received else None
        why_open = "answers came over UDP" if is_open else "no answer came over UDP"
        return Report(
            udp=is_open,
            local=first.local,
            mapped=mapped,
            nat=nat,
            mapping=mapping,
            filtering=filtering,
            port_preserved=preserved,
            hairpin=None,
            rewritten=rewritten,
            evidence=(
                Evidence("udp", is_open, why_open, (first.name,)),
                Evidence("nat", nat, why_nat, seen),
                Evidence("mapping", mapping, why_mapping, seen),
                Evidence("filtering", filtering, why_filtering, tests),
                Evidence("port_preserved", preserved, why_preserved, (*seen, self._second.name)),
                Evidence("rewritten", rewritten, why_rewritten, seen),
            ),
        )

    def _judge_nat(self) -> tuple[bool | None, str]:
        pairs = [(p.local, m) for p in self._mapping.values() if (m := _mapped(p)) is not None]
        if not pairs:
            return None, "nobody said where they see us"
        if all(local == mapped for local, mapped in pairs):
            return False, f"we are seen as what we are: {pairs[0][0]}"
        if any(local == mapped for local, mapped in pairs):
            return None, "some servers see our own endpoint, some another"
        return True, f"{pairs[0][0]} is seen as {pairs[0][1]}"

    def _judge_mapping(self) -> tuple[Mapping | None, str]:
        answered = {e: p for e, p in self._mapping.items() if _mapped(p) is not None}
        seen = {e: m for e, p in answered.items() if (m := _mapped(p)) is not None}
        first = seen.get(self._server)
        again = None if self._again is None else _mapped(self._again)
        if first is not None and again is None and len(seen) > 1:
            return None, "the first mapping could not be seen again, so it may have moved"
        if again is not None and again != first:
            return None, f"the mapping moved while we looked: from {first} to {again}"
        mapping, why = classify_mapping(seen)
        if mapping is None and len(answered) < len(self._mapping):
            silent = ", ".join(str(e) for e in self._mapping if e not in answered)
            why += f"; no answer from {silent}"
        return mapping, why

    def _judge_filtering(self) -> tuple[Filtering | None, str]:
        if self._mapping[self._server].answer is None:
            return None, "the server did not answer"
        if self._other is None:
            return None, "the server has no other address to answer from (RFC 5780)"
        outcomes = []
        for test, control, is_possible in (
            (self._both, self._control_both, self._has_other_address),
            (self._port, self._control_port, self._has_other_port),
        ):
            if is_possible:
                outcomes.append(self._judge_test(test, control))
            else:
                outcomes.append(Outcome(None, "the server's other address is none"))
        return classify_filtering(*outcomes)

    def _judge_test(self, test: Probe, control: Probe | None) -> Outcome:
        """Say what a filtering test and its control show together."""
        wrong = test.misplaced or (control.misplaced if control is not None else None)
        if wrong is not None:
            why = f"the server answered from {wrong} instead of {test.expected}"
            return Outcome(None, f"{why}, so its silence and its answers prove nothing")
        if test.answer is not None:
            return Outcome(
                let_in=True, why=f"an answer from {test.expected}, which we never sent to, came in"
            )
        if test.refusal is not None:
            return Outcome(None, "the server refuses to answer from elsewhere")
        if control is None or control.answer is None:
            why = f"{test.expected} could not be shown able to reach us"
            return Outcome(None, f"{why}, so its silence proves nothing")
        tries = test.tries(self._now - self._prober.patience)
        odds = self._prober.odds(self._now)
        if tries < odds.tries_needed:
            return Outcome(None, f"{tries} tries without an answer may all have been lost")
        why = (
            f"{tries} answers from {test.expected} were kept out, "
            f"while its control came in (by chance: under {odds.chance(tries):.0e})"
        )
        return Outcome(let_in=False, why=why)

    def _judge_ports(self) -> tuple[bool | None, str]:
        pairs = [
            (probe.local.port, mapped.port)
            for probe in (self._mapping[self._server], self._second)
            if (mapped := _mapped(probe)) is not None
        ]
        if self._judge_nat()[0] is False:
            return None, "there is no NAT to assign ports"
        if len(pairs) < 2:
            return None, "it takes two sockets to tell"
        same = [local == mapped for local, mapped in pairs]
        if all(same):
            return True, "two sockets were seen with their own ports"
        if not any(same):
            return False, "two sockets were seen with other ports than their own"
        return None, "one of two sockets was seen with its own port"

    def _judge_rewriting(self) -> tuple[bool | None, str]:
        """Compare MAPPED-ADDRESS, which a gateway may rewrite, with XOR-MAPPED-ADDRESS."""
        pairs = []
        for probe in self._mapping.values():
            if probe.answer is None:
                continue
            try:
                plain = probe.answer.get(MappedAddress)
                mixed = probe.answer.get(XorMappedAddress)
            except Malformed:
                continue
            if plain is not None and mixed is not None:
                pairs.append((plain.endpoint, mixed.endpoint))
        if not pairs:
            return None, "no server sent both MAPPED-ADDRESS and XOR-MAPPED-ADDRESS"
        different = [pair for pair in pairs if pair[0] != pair[1]]
        if different:
            plain_endpoint, mixed_endpoint = different[0]
            why = f"MAPPED-ADDRESS says {plain_endpoint}, XOR-MAPPED-ADDRESS {mixed_endpoint}"
            return True, f"{why}: something on the way rewrites addresses"
        return False, "MAPPED-ADDRESS and XOR-MAPPED-ADDRESS agree"


def _other_address(answer: Message, family: Family) -> Endpoint | None:
    """Return OTHER-ADDRESS, or CHANGED-ADDRESS of a classic server."""
    try:
        attribute = answer.get(OtherAddress) or answer.get(ChangedAddress)
    except Malformed:
        return None
    if attribute is None or attribute.endpoint.family is not family:
        return None
    return attribute.endpoint


def _mapped(probe: Probe) -> Endpoint | None:
    """Return the mapped endpoint that a probe's answer names."""
    if probe.answer is None:
        return None
    try:
        return mapped_endpoint(probe.answer)
    except Malformed:
        return None
