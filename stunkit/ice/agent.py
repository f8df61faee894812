"""A full ICE agent for one component of one stream, as a machine.

Answers to RFC 8445 sections 6.1.4.2, 7.2.5, 7.3.1 and 8.1, and to RFC 8863 (a peer that is late).
Gathering is not its business: it takes candidates, and sends from their bases. What it sends from
a relayed candidate's base has to go through that relay. After the selection it carries data;
consent (RFC 7675) is for whoever keeps a session.

Rules of this file: one event ``Selected`` or ``GaveUp``; what is selected is the best pair that can
be had, unless ``Pacing.hurry`` ends the waiting for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import Refused, WireError
from stunkit.ice.candidate import Candidate
from stunkit.ice.check import (
    Check,
    Credentials,
    Refusal,
    Role,
    accept,
    make_check,
    read_check,
    refuse,
)
from stunkit.ice.checklist import Checklist
from stunkit.ice.pair import Local, Pair, PairState, Remote
from stunkit.ice.roster import Roster, peer_reflexive_priority
from stunkit.ice.session import Event, GaveUp, Pacing, Received, RoleChanged, Selected
from stunkit.protocol.client import Answered, Client, Failed, mapped_endpoint
from stunkit.protocol.machine import Outgoing
from stunkit.protocol.schedule import Schedule
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.ice import Priority, UseCandidate
from stunkit.wire.demux import Kind, demultiplex
from stunkit.wire.fingerprint import check_fingerprint
from stunkit.wire.integrity import check_integrity
from stunkit.wire.message import Message
from stunkit.wire.registry import Code, Method

MAX_EARLY = 100  # checks kept that came before the peer's candidates
MAX_TRIGGERS = 20  # of one pair: two agents whose answers do not arrive trigger each other for ever


class _Early(NamedTuple):
    check: Check
    source: Endpoint
    local: Endpoint


class Agent:
    """A machine (``protocol.machine``). Checks from others are answered from the beginning; its own
    begin with ``start``.

    ``random`` gives so many random bytes.
    """

    def __init__(
        self,
        locals_: Sequence[Local],
        ours: Credentials,
        random: Callable[[int], bytes],
        *,
        is_controlling: bool,
        tie_breaker: int | None = None,
        pacing: Pacing | None = None,
    ) -> None:
        if tie_breaker is None:
            tie_breaker = int.from_bytes(random(8), "big")
        self.role = Role(is_controlling, tie_breaker)
        self.selected: Selected | None = None
        self.has_given_up = False
        self._roster = Roster(locals_)
        self._ours = ours
        self._theirs: Credentials | None = None
        self._random = random
        self._pacing = pacing or Pacing()
        self._client = Client()
        self._list = Checklist(is_controlling=is_controlling)
        self._checked: dict[bytes, tuple[Pair, Role]] = {}
        self._valid: list[Pair] = []  # pairs of the checklist whose check succeeded
        self._early: list[_Early] = []
        self._sends: list[Outgoing] = []
        self._events: list[Event] = []
        self._next_check = 0.0
        self._gives_up_at = 0.0
        self._nominates_at = 0.0
        self._nominee: Pair | None = None

    @property
    def checklist(self) -> Checklist:
        """The pairs, and how their checks stand."""
        return self._list

    def start(self, candidates: Sequence[Candidate], theirs: Credentials, now: float) -> None:
        """Take the peer's candidates and begin. Those without an IP address are left out."""
        pacing = self._pacing
        self._theirs = theirs
        self._roster.remotes += [Remote.of(one) for one in candidates if one.ip is not None]
        self._list.form(self._roster.locals, self._roster.remotes)
        # With N pairs, each has its turn every N * Ta (RFC 8445 section 14.3).
        rto = max(pacing.rto, pacing.ta * len(self._list.pairs))
        self._client = Client(Schedule(rto=rto, rc=pacing.rc, rm=pacing.rm, rto_min=rto))
        self._next_check = now
        self._gives_up_at = now + pacing.patience
        early, self._early = self._early, []
        for one in early:
            self._take(one, now)
        self.tick(now)

    def add_local(self, local: Local) -> None:
        """Take one more candidate of ours."""
        self._roster.locals.append(local)
        self._list.form(self._roster.locals, self._roster.remotes)

    def add_remote(self, candidate: Candidate) -> None:
        """Take one more candidate of the peer's (RFC 8838). Raises UsageError for a name."""
        self._roster.remotes.append(Remote.of(candidate))
        self._list.form(self._roster.locals, self._roster.remotes)

    def send(self, data: bytes) -> None:
        """Send data to the peer. Raises RuntimeError before a pair is selected."""
        if self.selected is None:
            raise RuntimeError("no pair is selected yet")
        local, remote = self.selected
        self._sends.append(Outgoing(data, remote.endpoint, local.base))

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> None:
        """Take a datagram that arrived at the base ``local``."""
        if demultiplex(data) is not Kind.STUN:
            self._events.append(Received(data, source, local))
            return
        try:
            message = Message.decode(data)
        except WireError:
            return
        if not check_fingerprint(message) or message.method != Method.BINDING:
            return
        if message.is_request:
            self._answer(message, source, local, now)
        elif message.is_response:
            self._hear(message, source, local, now)
        self.tick(now)

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str, now: float) -> None:
        """Take an ICMP error: what goes there has failed (RFC 8445 section 7.2.5.2.2)."""
        self._client.unreachable(remote, local, reason, now)
        self.tick(now)

    def tick(self, now: float) -> None:
        """Send what is due, hear how it went, and see whether there is an end."""
        self._client.tick(now)
        self._settle(now)
        if self._theirs is None or self.has_given_up:
            return
        self._nominate(now)
        if now >= self._next_check:
            pair = self._list.next_pair()
            if pair is not None:
                self._check(pair, self._theirs, now)
                self._next_check = now + self._pacing.ta
        self._list.thaw()
        if self.selected is None and now >= self._gives_up_at and self._list.is_exhausted:
            self.has_given_up = True
            self._events.append(GaveUp(len(self._list.pairs)))

    def sends(self) -> list[Outgoing]:
        """Hand over what is to be sent, and forget it."""
        sends, self._sends = [*self._sends, *self._client.sends()], []
        return sends

    def events(self) -> list[Event]:
        """Hand over what happened, and forget it."""
        events, self._events = self._events, []
        return events

    def deadline(self) -> float | None:
        """Return when ``tick`` is wanted next, or None."""
        if self._theirs is None or self.has_given_up:
            return None
        wanted = [] if (retry := self._client.deadline()) is None else [retry]
        if self._list.has_work:
            wanted.append(self._next_check)
        if self.selected is None:
            if self.role.is_controlling and self._valid and self._nominee is None:
                wanted.append(self._nominates_at)
            if self._list.is_exhausted:
                wanted.append(self._gives_up_at)
        return min(wanted, default=None)

    def _answer(self, request: Message, source: Endpoint, local: Endpoint, now: float) -> None:
        check = read_check(request, self._ours)
        if isinstance(check, Check) and check.role is not None and self._must_settle(check.role):
            check = Refusal(request, Code.ROLE_CONFLICT)
        if isinstance(check, Refusal):
            answer = refuse(check, self._ours)
        else:
            answer = accept(check, source, self._ours)
        self._sends.append(Outgoing(answer.raw, source, local))
        if isinstance(check, Refusal):
            return
        if self._theirs is not None:
            self._take(_Early(check, source, local), now)
        elif len(self._early) < MAX_EARLY:
            self._early.append(_Early(check, source, local))

    def _must_settle(self, theirs: Role) -> bool:
        """Return whether a request is to be answered with 487; give in where that settles it."""
        if theirs.is_controlling != self.role.is_controlling:
            return False
        if not self.role.yields_to(theirs):
            return True
        self._take_role(self.role._replace(is_controlling=not self.role.is_controlling))
        return False

    def _take_role(self, role: Role) -> None:
        self.role = role
        self._nominee = None
        self._list.take_role(is_controlling=role.is_controlling)
        self._events.append(RoleChanged(role.is_controlling))

    def _take(self, one: _Early, now: float) -> None:
        """Learn from a check that was answered (RFC 8445 sections 7.3.1.3 to 7.3.1.5)."""
        check, source, base = one
        pair = self._list.find(base, source)
        if pair is None:
            local = self._roster.based_at(base)
            if local is None or self._list.is_crowded(base, source):
                return
            pair = self._list.make(local, self._roster.remote_at(source, local, check.priority))
        if check.uses_candidate and not self.role.is_controlling:
            pair.is_nominated = True
        if pair.state is PairState.SUCCEEDED:
            self._select_if_nominated(pair, now)
            return
        if self.selected is not None or pair.triggers >= MAX_TRIGGERS:
            return
        pair.triggers += 1
        if pair.state is PairState.IN_PROGRESS:
            self._client.stop_sending(pair.transaction_id, now)
        self._list.trigger(pair)

    def _check(self, pair: Pair, theirs: Credentials, now: float) -> None:
        """Send a check (RFC 8445 sections 7.1 and 7.2.4)."""
        pair.state = PairState.IN_PROGRESS
        pair.transaction_id = self._random(12)
        priority = Priority(peer_reflexive_priority(pair.local.candidate))
        attributes: list[Attribute] = [priority, self.role.attribute]
        if pair is self._nominee:
            attributes.append(UseCandidate())
        request = make_check(pair.transaction_id, self._ours, theirs, *attributes)
        self._checked[pair.transaction_id] = (pair, self.role)
        remote, base = pair.remote.endpoint, pair.local.base
        self._client.request(request, remote, base, now, signature=theirs.signature)

    def _hear(self, response: Message, source: Endpoint, local: Endpoint, now: float) -> None:
        """Take a response; one from elsewhere than was asked ends the check (section 7.2.5.2.1)."""
        pair, _ = self._checked.get(response.transaction_id, (None, None))
        if pair is None or self._theirs is None:
            return
        is_symmetric = (source, local) == (pair.remote.endpoint, pair.local.base)
        if is_symmetric:
            self._client.receive(response.raw, source, local, now)
        elif check_integrity(response, self._theirs.signature.key):
            self._client.give_up(response.transaction_id, now)

    def _settle(self, now: float) -> None:
        """Draw the conclusions from checks that have ended."""
        for event in self._client.events():
            if isinstance(event, Answered):
                pair, role = self._checked.pop(event.request.transaction_id)
                self._succeed(pair, event, now)
            elif isinstance(event, Failed):
                pair, role = self._checked.pop(event.request.transaction_id)
                if isinstance(event.error, Refused) and event.error.code == Code.ROLE_CONFLICT:
                    self._give_in(pair, role)
                elif event.request.transaction_id == pair.transaction_id:
                    self._fail(pair)

    def _give_in(self, pair: Pair, role: Role) -> None:
        """Change the role that brought a 487, and check again (RFC 8445 section 7.2.5.1)."""
        if role.is_controlling == self.role.is_controlling:
            tie_breaker = int.from_bytes(self._random(8), "big")
            self._take_role(Role(not role.is_controlling, tie_breaker))
        self._list.trigger(pair)

    def _fail(self, pair: Pair) -> None:
        pair.state = PairState.FAILED
        pair.is_nominated = False
        if pair in self._valid:
            self._valid.remove(pair)
        if pair is self._nominee:
            self._nominee = None

    def _succeed(self, pair: Pair, event: Answered, now: float) -> None:
        """Note what a check has proven (RFC 8445 section 7.2.5.3)."""
        self._gives_up_at = now + self._pacing.patience
        mapped = mapped_endpoint(event.response) or pair.local.endpoint
        pair.valid = self._list.make(self._roster.local_at(mapped, pair.local), pair.remote)
        self._list.succeed(pair)
        if not self._valid:
            self._nominates_at = now + self._pacing.hurry
        if pair not in self._valid:
            self._valid.append(pair)
        if event.request.value(UseCandidate.type) is not None:
            pair.is_nominated = True
        self._select_if_nominated(pair, now)

    def _select_if_nominated(self, pair: Pair, now: float) -> None:
        if pair.is_nominated and pair.valid is not None and self.selected is None:
            self.selected = Selected(pair.valid.local, pair.valid.remote)
            self._list.stop()
            for transaction_id in self._checked:  # RFC 8445 section 8.1.2
                self._client.give_up(transaction_id, now)
            self._events.append(self.selected)

    def _nominate(self, now: float) -> None:
        """Pick the best pair, once nothing better can come or it has been waited for."""
        if self._nominee is not None or not self._valid or self.selected is not None:
            return
        best = max(self._valid, key=lambda pair: pair.priority)
        hurries = now >= self._nominates_at
        if self.role.is_controlling and (hurries or not self._list.better_than(best)):
            self._nominee = best
            self._list.trigger(best)
