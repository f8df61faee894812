"""One socket's requests and the answers to them, as columns of many.

Knows no sockets: rows of bytes go out and come in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from stunkit.bench.identity import Identity
from stunkit.bench.ledger import Fate, Ledger, Numbers
from stunkit.bench.pattern import Pattern, Verdict, judge
from stunkit.bench.result import Tally
from stunkit.endpoint import Endpoint
from stunkit.protocol.client import mapped_endpoint
from stunkit.wire.message import Message


class Answers(NamedTuple):
    """Datagrams or messages that arrived together.

    ``heads`` are the first bytes of each, ``lengths`` their whole lengths, ``arrived`` when they
    came; ``whole`` gives all of one. What is left of a row is anything.
    """

    heads: NDArray[np.uint8]
    lengths: NDArray[np.uint32]
    arrived: NDArray[np.float64]
    whole: Callable[[int], bytes]


class Right(NamedTuple):
    """The requests that were answered rightly: when they left, and when their answers came."""

    numbers: Numbers
    sent: NDArray[np.float64]
    arrived: NDArray[np.float64]


class Conversation:
    """What one socket has asked and heard; ``secret`` is 12 random bytes."""

    def __init__(self, secret: bytes, capacity: int) -> None:
        self.identity = Identity(secret)
        self.ledger = Ledger(capacity)
        self._model: tuple[Pattern, Endpoint] | None = None

    def learn(self, answer: Message) -> None:
        """Take the answer to the first question, which a client found right, for the model."""
        mapped = mapped_endpoint(answer)
        if mapped is None:
            raise ValueError("an answer without a mapped address is no model")
        self._model = Pattern(answer, self.identity.tail), mapped

    def hear(self, answers: Answers, tally: Tally) -> Right:
        """Check answers, count them, and return which requests they answered rightly."""
        if self._model is None:
            raise ValueError("there is no model of a right answer yet")
        pattern, mapped = self._model
        numbers = self.identity.numbers(answers.heads)
        arrived = answers.arrived
        verdicts = None
        if not pattern.matches_all(answers.heads, answers.lengths):
            verdicts = self._judge(answers, pattern, mapped)
            is_ours = verdicts != Verdict.STRANGE
            tally.strange += len(verdicts) - int(np.count_nonzero(is_ours))
            numbers, verdicts = numbers[is_ours], verdicts[is_ours]
            arrived = arrived[is_ours]
        fates, sent = self.ledger.close(numbers)
        if fates is None and verdicts is None:
            tally.answered += len(numbers)
            return Right(numbers, sent, arrived)
        is_first = np.ones(len(numbers), np.bool_) if fates is None else fates == Fate.WAITING
        if fates is not None:
            counts = np.bincount(fates, minlength=len(Fate)).tolist()
            tally.duplicate += counts[Fate.ANSWERED]
            tally.late += counts[Fate.LOST]
            tally.strange += counts[Fate.UNKNOWN]
        if verdicts is not None:
            counts = np.bincount(verdicts[is_first], minlength=len(Verdict)).tolist()
            tally.wrong += counts[Verdict.WRONG]
            tally.refused += counts[Verdict.REFUSED]
            is_first &= verdicts == Verdict.RIGHT
        tally.answered += int(np.count_nonzero(is_first))
        return Right(numbers[is_first], sent[is_first], arrived[is_first])

    def _judge(self, answers: Answers, pattern: Pattern, mapped: Endpoint) -> NDArray[np.uint8]:
        """Return the verdict on each answer: those unlike the model are read one by one."""
        verdicts = np.full(len(answers.heads), Verdict.RIGHT, np.uint8)
        for row in np.flatnonzero(~pattern.matches(answers.heads, answers.lengths)):
            verdicts[row] = judge(answers.whole(int(row)), self.identity.tail, mapped)
        return verdicts
