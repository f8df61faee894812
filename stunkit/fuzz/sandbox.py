"""A parser in a process of its own, as its parent sees it: what it says, and that it says nothing.

Rules of this file: a child that is silent for too long is killed, and what it was given last is
what killed it; no child survives its sandbox.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Iterator
from ctypes import c_char
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from stunkit.errors import StartError, UsageError
from stunkit.fuzz import child
from stunkit.fuzz.child import BOARD_HEAD, BOARD_SIZE, Hunt, Order
from stunkit.fuzz.crash import Crash, death_of, silence_of

LOOK = 0.1  # seconds between two looks at a child
PATIENCE = 3.0  # seconds that a child may be silent beyond a call's time: a busy machine
STARVED = 60.0  # seconds that a child may wait for a processor
START = 60.0  # seconds until a child must have loaded the parser: other people's imports


class Found(NamedTuple):
    """A failure, and the input that led to it."""

    data: bytes
    crash: Crash


class Kept(NamedTuple):
    """An input that ended in a way of its own."""

    data: bytes


class Counts(NamedTuple):
    """How often each class of failure has come, by its signature."""

    by_signature: dict[str, int]


class Beat(NamedTuple):
    """Nothing new; ``calls`` are those of this child so far."""

    calls: int


class Over(NamedTuple):
    """The child is done, or gone."""

    calls: int
    is_done: bool


News = Found | Kept | Counts | Beat | Over


@dataclass
class Sandbox:
    """One child, started when it is entered; one that was killed is replaced when it is needed."""

    order: Order

    def __post_init__(self) -> None:
        self._context = multiprocessing.get_context("spawn")
        self._process: Any = None
        self._connection: Any = None
        self._board: Any = None
        self._used = 0.0  # seconds of processor time, when it was last seen to go on

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    @property
    def _silence(self) -> float:
        return 2 * self.order.timeout + PATIENCE

    def _start(self) -> None:
        """Start a child and wait until it has loaded the parser.

        Raises UsageError or StartError.
        """
        self._board = self._context.RawArray(c_char, BOARD_SIZE)
        self._connection, theirs = self._context.Pipe()
        self._process = self._context.Process(
            target=child.main, args=(theirs, self._board, self.order), daemon=True
        )
        self._process.start()
        theirs.close()
        try:
            if not self._connection.poll(START):
                raise StartError(f"{self.order.parser} does not load", f"it took over {START:g} s")
            word, _, said = self._connection.recv()
        except EOFError:
            self._process.join()
            reason = f"its process ended with status {self._process.exitcode}"
            raise StartError(
                f"{self.order.parser} does not load: {reason}", "try it by itself"
            ) from None
        if word == "refused":
            raise UsageError(*said)

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._process.close()
            self._connection.close()
            self._process = None

    def _seen(self) -> tuple[int, bytes]:
        """Return what the child wrote down: calls begun, and the input of the last."""
        view = memoryview(self._board).cast("B")
        number, size = BOARD_HEAD.unpack_from(view)
        return number, bytes(view[BOARD_HEAD.size : BOARD_HEAD.size + size])

    def hunt(self, hunt: Hunt) -> Iterator[News]:
        """Let the child make inputs; yield what comes of them. The last is an Over."""
        if self._process is None:
            self._start()
        self._connection.send(hunt)
        number, since = 0, time.monotonic()
        while True:
            try:
                word, data, more = self._connection.recv() if self._connection.poll(LOOK) else _NONE
            except (EOFError, ConnectionResetError):
                yield from self._ended(is_expected=time.monotonic() >= hunt.end - 1)
                return
            calls, last = self._seen()
            now = time.monotonic()
            if calls != number or word:
                number, since = calls, now
                self._mark()
            if word == "crash":
                yield Found(data, more)
            elif word == "kept":
                yield Kept(data)
            elif word == "counts":
                yield Counts(more)
            elif word == "done":
                yield Over(calls, is_done=True)
                return
            elif now - since > self._silence and not self._is_starved(now - since):
                self._end()
                yield Found(last, silence_of(self._silence))
                yield Over(calls, is_done=False)
                return
            yield Beat(calls)

    def _ended(self, *, is_expected: bool) -> Iterator[News]:
        """Say what the end of the child means: libFuzzer ends it when it is done."""
        self._process.join()
        code = self._process.exitcode
        calls, last = self._seen()
        self._end()
        is_done = self.order.guide == "atheris" and code == 0
        if not is_done:
            yield Found(last, death_of(code))
        yield Over(calls, is_done=is_done or is_expected)

    def _is_starved(self, silent: float) -> bool:
        """Return whether the child would go on, but gets no processor: others are busy."""
        if silent > STARVED:
            return False
        state, used = self._look()
        return state == "R" and used - self._used < 2 * self.order.timeout + 1

    def _mark(self) -> None:
        """Note the processor time at which the child was last seen to go on."""
        _, self._used = self._look()

    def _look(self) -> tuple[str, float]:
        """Return the child's state and its processor time in seconds: proc(5), on Linux alone."""
        path = Path(f"/proc/{self._process.pid}/stat")
        if not path.exists():
            return "", 0.0
        fields = path.read_text().rpartition(")")[2].split()
        return fields[0], (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def probe(self, data: bytes) -> Crash | None:
        """Run one input. Return what is wrong with the parser, if anything is."""
        if self._process is None:
            self._start()
        self._connection.send(data)
        self._mark()
        begun = time.monotonic()
        try:
            while not self._connection.poll(self._silence):
                if not self._is_starved(time.monotonic() - begun):
                    self._end()
                    return silence_of(self._silence)
            _, _, crash = self._connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            code = self._process.exitcode
            self._end()
            return death_of(code)
        found: Crash | None = crash
        return found


_NONE: tuple[str, bytes, Any] = ("", b"", None)
