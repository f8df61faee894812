"""Whether a server is well: a plain Binding question, asked between the inputs, on its own socket.

What is right is learned from the first answer: its class, its error code, and where the server
sees us, which cannot change as long as the socket is the same (RFC 8489 section 6.3.3).

Rules of this file: silence is not believed at once. A question is repeated with growing pauses, so
that a limit on what one source may ask is no finding.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from random import Random
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import TransactionError, WireError
from stunkit.fuzz.carrier import Carrier, Road, StreamCarrier
from stunkit.protocol.client import mapped_endpoint
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method

PAUSES = (0.0, 0.25, 0.75, 1.5, 2.5)  # seconds before each sending of a question
QUICK = (0.0, 0.1, 0.25)  # while a failure is made smaller: it is known by then
REMEMBERED = 256  # questions whose late answers are known
IDLE = 5.0  # seconds after which a server may well close a connection


class State(StrEnum):
    """How a server is."""

    WELL = "well"
    SILENT = "silent"
    RESTARTED = "restarted"
    WRONG = "wrong"


class Verdict(NamedTuple):
    """What a question showed, and how long it took, in seconds."""

    state: State
    why: str
    took: float = 0.0


class Baseline(NamedTuple):
    """What the first answer was."""

    message_class: MessageClass
    code: int | None
    sees_local: bool  # the server sees us as we see ourselves: no NAT between
    host: str | None


class Pulse:
    """Asks one server. ``is_stray`` says of an id whether an input had it: no answer of ours."""

    def __init__(
        self, road: Road, source: Random, timeout: float, is_stray: Callable[[bytes], bool]
    ) -> None:
        self._road = road
        self._bytes = source.randbytes
        self._timeout = timeout
        self._is_stray = is_stray
        self._asked: deque[bytes] = deque(maxlen=REMEMBERED)
        self._carrier: Carrier | None = None
        self._baseline: Baseline | None = None
        self._mapped: tuple[Endpoint | None, Endpoint | None] = (None, None)
        self._last = 0.0

    def ask(self, pauses: tuple[float, ...] = PAUSES) -> Verdict:
        """Ask until there is an answer, or none is to be expected."""
        begun = time.monotonic()
        signs, why = 0, "no answer"
        identity = self._bytes(12)
        self._asked.append(identity)
        request = Message.request(Method.BINDING, identity).raw
        for pause in pauses:
            if pause:
                time.sleep(pause)
            verdict, sign = self._ask_once(request, identity, begun)
            signs += sign
            if verdict is not None:
                self._last = time.monotonic()
                if signs and verdict.state is State.WELL:
                    why = "nobody listened on its port for a while, or it ended a good connection"
                    return verdict._replace(state=State.RESTARTED, why=why)
                return verdict
        if signs:
            why = "nobody listens on its port any more"
        return Verdict(State.SILENT, why, time.monotonic() - begun)

    def close(self) -> None:
        """Leave."""
        if self._carrier is not None:
            self._carrier.close()
            self._carrier = None

    def _ask_once(
        self, request: bytes, identity: bytes, begun: float
    ) -> tuple[Verdict | None, int]:
        """Send the question once. Return what came of it, and signs that the server was away."""
        try:
            if self._carrier is None:
                self._carrier = self._road.open()
        except ConnectionRefusedError:
            return None, 1
        except (OSError, TransactionError):
            return None, 0
        carrier = self._carrier
        gone, closed = carrier.gone, carrier.closed if isinstance(carrier, StreamCarrier) else 0
        carrier.send(request)
        verdict = self._wait(carrier, identity, begun)
        sign = int(carrier.gone > gone)
        if isinstance(carrier, StreamCarrier):
            sign += int(carrier.closed > closed and begun - self._last < IDLE and self._last > 0)
            if verdict is None or carrier.local is None:
                self.close()
        return verdict, sign

    def _wait(self, carrier: Carrier, identity: bytes, begun: float) -> Verdict | None:
        gone, end = carrier.gone, time.monotonic() + self._timeout
        while (left := end - time.monotonic()) > 0 and carrier.gone == gone:
            for data in carrier.receive(left):
                why = self._judge(data, identity, carrier.local)
                took = time.monotonic() - begun
                if why is not None:
                    return Verdict(State.WRONG, why, took) if why else Verdict(State.WELL, "", took)
            if carrier.local is None:
                return None
        return None

    def _judge(self, data: bytes, identity: bytes, local: Endpoint | None) -> str | None:
        """Return what is wrong with what came, "" for nothing; None: it is not about us."""
        try:
            message = Message.decode(data)
        except WireError as error:
            return f"it answers what is no STUN message: {error}"
        if message.transaction_id != identity:
            known = message.transaction_id in self._asked or self._is_stray(data[8:20])
            return None if known else "it answers with a transaction id that nobody has sent"
        try:
            refusal = message.get(ErrorCode)
            mapped = mapped_endpoint(message)
        except WireError as failure:
            return f"its answer to a plain question cannot be read: {failure}"
        code = None if refusal is None else refusal.code
        return self._compare(message.message_class, code, mapped, local)

    def _compare(
        self,
        message_class: MessageClass,
        code: int | None,
        mapped: Endpoint | None,
        local: Endpoint | None,
    ) -> str:
        baseline = self._baseline
        if baseline is None:
            host = None if mapped is None else mapped.host
            baseline = self._baseline = Baseline(message_class, code, mapped == local, host)
        if (message_class, code) != baseline[:2]:
            said = message_class.name.lower().replace("_", " ") + (f" {code}" if code else "")
            return f"it answers a plain question with another class or code: {said}"
        before, was = self._mapped
        self._mapped = (local, mapped)
        if mapped is None:
            return "" if baseline.host is None else "its answer has no mapped address any more"
        expected = local if baseline.sees_local else (was if before == local else None)
        if expected is not None and mapped != expected:
            return f"it sees {mapped} where {expected} is right"
        return ""
