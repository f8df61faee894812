"""A conversation with a server: what a case asks, and what it heard.

A case's procedure is a generator: it yields an ``Ask``, is given what was ``Heard``, and returns
its verdict. It knows no sockets and no clock; ``interview`` carries it.

Over UDP an answer counts for its transaction id, wherever it comes from: where it comes from is
what some cases are about. What has a strange id counts only for the cases that look for it, and
while nothing else was sent that could have evoked it: it may be meant for who had the port before.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import NamedTuple, TypeVar

from stunkit.conformance.tally import NEGLIGIBLE
from stunkit.conformance.verdict import Judged, Verdict, failed, passed, unknown
from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed, WireError
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass

T = TypeVar("T")


class Ask(NamedTuple):
    """One question.

    ``data`` is sent as one datagram, or written as one piece; ``more`` follows in datagrams or
    pieces of its own. It is asked of the server itself or of ``to``, from the case's socket number
    ``socket``. The question is over when ``wants`` answers have come and ``linger`` seconds more
    have passed, or when silence is sure, or cannot be told from loss.

    ``control`` is who is asked plainly beside it, the server itself if None: whoever the answer is
    due from. ``is_dogged``: nothing is taken for silence before the last try.

    ``is_repeated``: where nothing comes, it is sent again, with controls. ``finishes``: over a
    stream, nothing more is sent after it, which the server is told. ``takes_any``: an answer with a
    strange id counts.
    """

    data: bytes
    more: tuple[bytes, ...] = ()
    to: Endpoint | None = None
    socket: int = 0
    wants: int = 1
    linger: float = 0.0
    is_repeated: bool = True
    finishes: bool = False
    control: Endpoint | None = None
    is_dogged: bool = False
    takes_any: bool = False

    @property
    def pieces(self) -> tuple[bytes, ...]:
        """All that is sent, in order."""
        return (self.data, *self.more)


class Arrival(NamedTuple):
    """Something that came back: from where, to which of our sockets, how long after the asking."""

    data: bytes
    source: Endpoint
    local: Endpoint
    after: float


class Heard(NamedTuple):
    """All that came back to one question.

    ``tries`` counts how often it was asked, ``controls`` and ``answered`` the plain questions
    beside it and their answers; ``chance`` is the probability that mere loss made it silent.
    ``closed`` is why a stream ended, None while it is open; where it ended after an earlier
    question, ``tries`` is 0, for this one may not have been taken.
    """

    sent: bytes
    arrivals: tuple[Arrival, ...] = ()
    tries: int = 1
    controls: int = 0
    answered: int = 0
    chance: float = 1.0
    closed: str | None = None

    @property
    def received(self) -> bytes | None:
        """The first thing that came back, None for silence."""
        return self.arrivals[0].data if self.arrivals else None

    @property
    def is_silence(self) -> bool:
        """Whether nothing came back, and chance does not explain it."""
        return not self.arrivals and self.chance <= NEGLIGIBLE

    @property
    def is_success(self) -> bool:
        """Whether a success response came."""
        found = self.answers()
        return bool(found) and found[0][1].message_class is MessageClass.SUCCESS_RESPONSE

    @property
    def silence(self) -> str:
        """What was heard instead of an answer, in words."""
        if self.closed is not None and not self.tries:
            return f"the connection had ended before ({self.closed})"
        if self.closed is not None:
            return f"the server ended the connection ({self.closed})"
        times = "once" if self.tries == 1 else f"{self.tries} times"
        controls = f"{self.answered} of {self.controls} plain questions beside it were answered"
        if self.chance > NEGLIGIBLE:
            return f"asked {times} without an answer, which may be loss: {controls}"
        if not self.chance:
            return f"asked {times} without an answer, while {controls}"
        return (
            f"asked {times} without an answer, while {controls}: loss would do that once in"
            f" {1 / self.chance:,.0f} times"
        )

    def answers(self) -> list[tuple[Arrival, Message]]:
        """Return the arrivals that are responses with the id of what was sent, decoded."""
        found = []
        for arrival in self.arrivals:
            message = decoded(arrival.data)
            if message is None or not message.is_response:
                continue
            if arrival.data[4:20] == self.sent[4:20]:
                found.append((arrival, message))
        return found

    def reply(self) -> Message:
        """Return the answer, success or error.

        Raises Judged where there is none: failed for a silence that chance does not explain,
        unknown for loss, and for what is no answer (cases of their own are about that).
        """
        found = self.answers()
        if found:
            return found[0][1]
        if self.arrivals:
            raise Judged(unknown("what came back is no answer that can be read"))
        if (self.closed is not None and self.tries) or self.is_silence:
            raise Judged(failed(self.silence))
        raise Judged(unknown(self.silence))

    def success(self) -> Message:
        """Return the success response. Raises Judged as ``reply`` does, and for an error."""
        message = self.reply()
        if message.message_class is not MessageClass.SUCCESS_RESPONSE:
            raise Judged(failed(f"answered with {describe(message)}"))
        return message

    def expect_silence(self) -> Verdict:
        """Return the verdict on what must not be answered."""
        if self.arrivals:
            message = decoded(self.arrivals[0].data)
            what = "something" if message is None else describe(message)
            return failed(f"answered with {what}")
        if (self.closed is not None and self.tries) or self.is_silence:
            return passed(self.silence)
        return unknown(self.silence)


Procedure = Generator[Ask, Heard, T]


def decoded(data: bytes) -> Message | None:
    """Return the message, None for bytes that are none."""
    try:
        return Message.decode(data)
    except WireError:
        return None


def error_code(message: Message) -> int | None:
    """Return the code of an error response, None where it has none that can be read."""
    try:
        error = message.get(ErrorCode)
    except Malformed:
        return None
    return None if error is None else error.code


def expect_error(message: Message, *codes: int) -> Verdict:
    """Return the verdict on a response that has to be an error with one of these codes."""
    code = error_code(message)
    if code in codes:
        return passed(f"refused with error {code}")
    if code is None and message.message_class is MessageClass.ERROR_RESPONSE:
        return unknown("refused, but its error has no code")
    return failed(f"answered with {describe(message)}, not with error {codes[0]}")


def describe(message: Message) -> str:
    """Return what a response is, in a few words."""
    if message.message_class is MessageClass.ERROR_RESPONSE:
        code = error_code(message)
        return "an error without a code" if code is None else f"error {code}"
    if message.message_class is MessageClass.SUCCESS_RESPONSE:
        return "a success"
    return f"no response at all ({message})"
