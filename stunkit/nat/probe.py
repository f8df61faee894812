"""A probe: one question, asked again and again until its answer, or its silence, is clear.

It is one transaction from one socket. Every datagram that brings its transaction id back is noted
with where it came from and at which socket it arrived; what it proves is for others to say.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed
from stunkit.nat.sighting import Sighting, sight
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass


class Reply(NamedTuple):
    """A datagram that carried a probe's transaction id back."""

    message: Message
    source: Endpoint
    local: Endpoint
    at: float


@dataclass(slots=True, eq=False)
class Probe:
    """One question.

    ``expected`` is the endpoint that has to answer for it to count, ``arrival`` the socket at
    which the answer has to arrive (None: any). ``solicited`` says that an answer is coming unless
    it is lost: then its losses are counted.
    """

    name: str
    request: Message
    local: Endpoint
    server: Endpoint
    expected: Endpoint
    arrival: Endpoint | None = None
    solicited: bool = True
    sent_at: list[float] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    is_stopped: bool = False
    unreachable: str = ""
    answer: Message | None = None
    """The first success response from the expected endpoint, at the right socket."""
    refusal: Message | None = None
    """The first error response from the endpoint that was asked."""
    misplaced: Endpoint | None = None
    """Who answered with success though somebody else had to."""
    stray: Endpoint | None = None
    """Where an answer arrived that had to arrive at another socket."""
    sighting: Sighting | None = None
    """Where the answer says that we are seen."""

    @property
    def mapped(self) -> Endpoint | None:
        """The mapped endpoint that the answer names."""
        return None if self.sighting is None else self.sighting.mapped

    @property
    def code(self) -> int | None:
        """The error code of the refusal, None where it has none."""
        try:
            error = None if self.refusal is None else self.refusal.get(ErrorCode)
        except Malformed:
            return None
        return None if error is None else error.code

    def note(self, reply: Reply) -> None:
        """Take a reply in."""
        self.replies.append(reply)
        kind = reply.message.message_class
        if kind is MessageClass.ERROR_RESPONSE:
            if self.refusal is None and reply.source == self.server:
                self.refusal = reply.message
        elif reply.source != self.expected:
            self.misplaced = self.misplaced or reply.source
        elif self.arrival is not None and reply.local != self.arrival:
            self.stray = self.stray or reply.local
        elif self.answer is None:
            self.answer = reply.message
            self.sighting = sight(reply.message, self.local, self.server)

    def expect(self, endpoint: Endpoint) -> None:
        """Learn who has to answer, and judge again what came before."""
        self.expected = endpoint
        self.answer = self.misplaced = self.sighting = None
        replies, self.replies = self.replies, []
        for reply in replies:
            self.note(reply)

    def tries(self, before: float) -> int:
        """How many requests left before a time, so that their answers would be here."""
        return sum(1 for at in self.sent_at if at <= before)
