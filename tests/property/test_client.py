"""Whatever arrives and however time passes, each request ends exactly once."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from stunkit.endpoint import Endpoint
from stunkit.errors import InvalidAnswer, NoAnswer, Refused, TransactionError, Unreachable
from stunkit.protocol.client import Answered, Client, Event, Failed, Stray, StrayKind
from stunkit.protocol.schedule import Schedule
from stunkit.wire.attributes.address import MappedAddress, XorMappedAddress
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.attributes.ice import Priority
from stunkit.wire.attributes.text import Software
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from tests.strategies import classic_ids, datagrams, transaction_ids

MAPPED = Endpoint(bytes((203, 0, 113, 9)), 6000)
SERVERS = (
    Endpoint(bytes((192, 0, 2, 1)), 3478),
    Endpoint(bytes((192, 0, 2, 1)), 3479),
    Endpoint(bytes.fromhex("20010db8000000000000000000000001"), 3478),
)
LOCALS = (Endpoint(bytes((198, 51, 100, 7)), 5000), Endpoint(bytes((198, 51, 100, 7)), 5001))
MOST_TICKS = 50  # until one request has ended, whatever its schedule here

servers = st.sampled_from(SERVERS)
locals_ = st.sampled_from(LOCALS)
waits = st.sampled_from((0.0, 0.001, 0.4, 0.5, 8.0, 601.0)) | st.floats(0, 100)
schedules = st.builds(
    Schedule,
    rto=st.sampled_from((0.1, 0.5, 3.0)),
    rc=st.integers(1, 8),
    rm=st.sampled_from((1, 16)),
    ti=st.sampled_from((0.5, 39.5)),
    rto_min=st.sampled_from((0.0, 0.5)),
)
# What a response holds, and how its transaction has to end.
SUCCESS, ERROR = MessageClass.SUCCESS_RESPONSE, MessageClass.ERROR_RESPONSE
responses: st.SearchStrategy[
    tuple[MessageClass, list[Attribute], type[TransactionError] | None]
] = st.sampled_from(
    [
        (SUCCESS, [XorMappedAddress(MAPPED)], None),
        (SUCCESS, [XorMappedAddress(MAPPED), Software("x")], None),
        (SUCCESS, [MappedAddress(MAPPED)], None),
        (SUCCESS, [], InvalidAnswer),
        (SUCCESS, [XorMappedAddress(MAPPED), Priority(1)], InvalidAnswer),
        (ERROR, [ErrorCode(420)], Refused),
        (ERROR, [ErrorCode(500), Priority(1)], InvalidAnswer),
        (ERROR, [XorMappedAddress(MAPPED)], InvalidAnswer),
    ]
)


class Asked:
    """What the test knows of one request."""

    def __init__(self, message: Message, server: Endpoint, local: Endpoint, sends: int) -> None:
        self.message = message
        self.server = server
        self.local = local
        self.most_sends = sends
        self.sends = 0
        self.ended: StrayKind | None = None  # what one more response to it is


class ClientMachine(RuleBasedStateMachine):
    asked = Bundle("asked")

    @initialize(schedule=schedules)
    def start(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.client = Client(schedule)
        self.now = 0.0
        self.all: dict[bytes, Asked] = {}

    @rule(
        target=asked,
        identity=transaction_ids | classic_ids,
        server=servers,
        local=locals_,
        reliable=st.booleans(),
    )
    def ask(self, identity: bytes, server: Endpoint, local: Endpoint, *, reliable: bool) -> Asked:
        message = Message.request(Method.BINDING, identity)
        known = self.all.get(identity)
        if known and not known.ended:
            with pytest.raises(ValueError, match="in progress"):
                self.client.request(message, server, local, self.now, reliable=reliable)
            self.nothing_happened()
            return known
        self.client.request(message, server, local, self.now, reliable=reliable)
        new = Asked(message, server, local, 1 if reliable else self.schedule.rc)
        self.all[identity] = new
        self.collect_sends()
        assert new.sends == 1
        self.nothing_happened()
        return new

    @rule(of=asked)
    def ask_again_under_the_same_id(self, of: Asked) -> None:
        if not of.ended:
            with pytest.raises(ValueError, match="in progress"):
                self.client.request(of.message, of.server, of.local, self.now)
        self.nothing_happened()

    @rule(wait=waits)
    def tick_some_time_later(self, wait: float) -> None:
        self.now += wait
        self.tick()

    @precondition(lambda self: self.client.deadline() is not None)
    @rule(late=st.sampled_from((0.0, 0.0, 0.01, 5.0)))
    def tick_at_the_deadline(self, late: float) -> None:
        self.now = max(self.now, self.client.deadline() + late)
        before = len(self.open)
        assert self.tick() or len(self.open) < before  # a deadline is there for something

    @rule(wait=waits)
    def let_time_pass_unnoticed(self, wait: float) -> None:
        self.now += wait

    @rule(of=asked, response=responses, sealed=st.booleans())
    def answer(
        self,
        of: Asked,
        response: tuple[MessageClass, list[Attribute], type[TransactionError] | None],
        *,
        sealed: bool,
    ) -> None:
        kind, attributes, error = response
        message = Message.build(kind, Method.BINDING, of.message.transaction_id, attributes)
        message = add_fingerprint(message) if sealed else message
        of = self.all[of.message.transaction_id]
        events = self.receive(message.raw, of.server, of.local)
        if of.ended:
            assert events == [Stray(of.ended, of.server, of.local)]
            return
        self.end(of, events, StrayKind.DUPLICATE)
        if error is None:
            assert isinstance(events[0], Answered)
            assert (events[0].sends, events[0].rtt is None) == (of.sends, of.sends > 1)
        else:
            assert isinstance(events[0], Failed)
            assert type(events[0].error) is error
        assert events[0].response == message

    @rule(of=asked, response=responses, source=servers, local=locals_)
    def forge(
        self,
        of: Asked,
        response: tuple[MessageClass, list[Attribute], type[TransactionError] | None],
        source: Endpoint,
        local: Endpoint,
    ) -> None:
        kind, attributes, _ = response
        of = self.all[of.message.transaction_id]
        if (source, local) == (of.server, of.local):
            source = of.server.with_port(1)
        message = Message.build(kind, Method.BINDING, of.message.transaction_id, attributes)
        events = self.receive(message.raw, source, local)
        assert events == [Stray(of.ended or StrayKind.FORGED, source, local)]

    @rule(of=asked, place=st.integers(0, 31), mask=st.integers(1, 255))
    def answer_with_a_byte_changed(self, of: Asked, place: int, mask: int) -> None:
        of = self.all[of.message.transaction_id]
        good = Message.build(
            SUCCESS, Method.BINDING, of.message.transaction_id, [XorMappedAddress(MAPPED)]
        )
        raw = bytearray(good.raw)
        raw[place] ^= mask
        self.receive_whatever_it_is(bytes(raw), of.server, of.local)

    @rule(of=asked)
    def echo_the_request(self, of: Asked) -> None:
        events = self.receive(of.message.raw, of.server, of.local)
        assert events == [Stray(StrayKind.INVALID, of.server, of.local)]

    @rule(data=datagrams, source=servers, local=locals_)
    def receive_anything(self, data: bytes, source: Endpoint, local: Endpoint) -> None:
        self.receive_whatever_it_is(data, source, local)

    @rule(remote=servers, local=locals_)
    def lose_the_path(self, remote: Endpoint, local: Endpoint) -> None:
        lost = [of for of in self.open if (of.server, of.local) == (remote, local)]
        self.client.unreachable(remote, local, "no route", self.now)
        events = self.client.events()
        assert all(type(event.error) is Unreachable for event in events)
        assert [event.request for event in events] == [of.message for of in lost]
        for of in lost:
            of.ended = StrayKind.LATE

    @rule(of=asked)
    def give_up(self, of: Asked) -> None:
        of = self.all[of.message.transaction_id]
        self.client.give_up(of.message.transaction_id, self.now)
        events = self.client.events()
        if of.ended:
            assert events == []
        else:
            self.end(of, events, StrayKind.LATE)

    @invariant()
    def wants_to_be_woken_exactly_while_something_is_open(self) -> None:
        if hasattr(self, "client"):
            assert (self.client.deadline() is None) == (not self.open)

    def teardown(self) -> None:
        if not hasattr(self, "client"):
            return
        for _ in range(MOST_TICKS * len(self.all)):
            if not self.open:
                break
            self.now = max(self.now, self.client.deadline())
            self.tick()
        assert self.open == []
        assert self.client.deadline() is None
        self.now += 1000.0
        assert self.tick() == 0

    @property
    def open(self) -> list[Asked]:
        return [of for of in self.all.values() if not of.ended]

    def receive(self, data: bytes, source: Endpoint, local: Endpoint) -> list[Event]:
        """Exactly one event follows from whatever arrives, and nothing is sent for it."""
        self.client.receive(data, source, local, self.now)
        assert self.client.sends() == []
        events = self.client.events()
        assert len(events) == 1
        return events

    def receive_whatever_it_is(self, data: bytes, source: Endpoint, local: Endpoint) -> None:
        """It is a stray, or by chance the answer to something that was asked there from there."""
        events = self.receive(data, source, local)
        if not isinstance(events[0], Stray):
            of = self.all[Message.decode(data).transaction_id]
            assert (of.server, of.local) == (source, local)
            self.end(of, events, StrayKind.DUPLICATE)

    def tick(self) -> int:
        """Return how many requests were sent again."""
        self.client.tick(self.now)
        sends = self.collect_sends()
        for event in self.client.events():
            assert isinstance(event, Failed)
            assert isinstance(event.error, NoAnswer)
            of = self.all[event.request.transaction_id]
            assert event.error.sends == of.sends == of.most_sends
            self.end(of, [event], StrayKind.LATE)
        assert all(of.sends <= of.most_sends for of in self.all.values())
        return sends

    def collect_sends(self) -> int:
        sends = self.client.sends()
        for outgoing in sends:
            of = self.all[Message.decode(outgoing.data).transaction_id]
            assert not of.ended
            assert outgoing == (of.message.raw, of.server, of.local)
            of.sends += 1
        return len(sends)

    def end(self, of: Asked, events: list[Event], kind: StrayKind) -> None:
        """A request ends in one event, which is about it, and only once."""
        [event] = events
        assert isinstance(event, Answered | Failed)
        assert (event.request, event.server, event.local) == (of.message, of.server, of.local)
        assert of.ended is None
        of.ended = kind

    def nothing_happened(self) -> None:
        assert (self.client.sends(), self.client.events()) == ([], [])


TestClient = ClientMachine.TestCase
TestClient.settings = settings(stateful_step_count=30)
