"""The process in which somebody else's parser runs: it may hang, eat memory or die.

Before each call it writes the input down where the parent sees it, so that nothing is lost with
the process. Python code that takes too long is interrupted by a timer; anything else is the
parent's to end.

Rules of this file: it imports nothing of the codec before the parser is loaded, so that a parser
of ours can be instrumented like any other.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
import time
from collections.abc import Callable
from ctypes import Array, c_char
from importlib import import_module
from inspect import iscoroutinefunction
from multiprocessing.connection import Connection
from random import Random
from typing import Any, NamedTuple

from stunkit.errors import UsageError
from stunkit.fuzz.crash import Crash, Place, TimedOut, crash_of, place_of

BOARD_HEAD = struct.Struct("<QI")  # calls begun, size of the present input
BOARD_SIZE = BOARD_HEAD.size + (1 << 16)
TICK = 0.1  # seconds between two looks at the time that a call takes
KEPT = 400  # inputs that are kept because each ended in a way of its own
NEWS = 0.2  # seconds between two words to the parent
MOST_BYTES = 4096  # of an input that libFuzzer makes
RETOLD = 0.3  # of the inputs come from those that were kept

Parser = Callable[[bytes], object]
# What a parser of other things than STUN messages may have as its attribute ``mutate``.
Mutation = Callable[[bytes, Random], bytes]


class Order(NamedTuple):
    """What to run, and within which limits."""

    parser: str
    expected: tuple[str, ...]
    timeout: float  # seconds of processor time for one input
    memory_mb: int  # MiB above what the process has once the parser is loaded
    guide: str  # "random" or "atheris"
    stderr: str  # a file for what the parser, or libFuzzer, writes there
    folders: tuple[str, ...] = ()  # of corpora, for libFuzzer; the first is written to
    packages: tuple[str, ...] = ()  # whose coverage counts, for libFuzzer


class Hunt(NamedTuple):
    """A stretch of random inputs; ``end`` is of ``time.monotonic``.

    The corpus comes first, but for the inputs at its beginning that are ``tried`` already.
    """

    seed: int
    most: int | None  # inputs
    end: float
    corpus: tuple[bytes, ...] = ()
    tried: int = 0


def find_parser(text: str) -> Parser:
    """Return the callable behind ``module:callable``. Raises UsageError."""
    module_name, colon, path = text.partition(":")
    if not (colon and module_name and path):
        raise UsageError("a parser", text, "it is written module:callable")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found: Any = import_module(module_name)
        for name in path.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError) as error:
        raise UsageError("a parser", text, str(error)) from None
    if not callable(found) or iscoroutinefunction(found):
        raise UsageError("a parser", text, "it is no function that can be called with bytes")
    parser: Parser = found
    return parser


def find_expected(names: tuple[str, ...]) -> tuple[type[BaseException], ...]:
    """Return exceptions by their names: built in, or ``package.module.Name``. Raises UsageError."""
    found = []
    for name in names:
        home, _, last = name.replace(":", ".").rpartition(".")
        try:
            kind = getattr(import_module(home or "builtins"), last)
        except (ImportError, AttributeError) as error:
            raise UsageError("an exception", name, str(error)) from None
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            raise UsageError("an exception", name, "it is none")
        found.append(kind)
    return tuple(found)


class Trial:
    """Calls the parser with one input at a time, and says how it ended."""

    def __init__(
        self,
        parser: Parser,
        order: Order,
        expected: tuple[type[BaseException], ...],
        board: Array[c_char],
    ) -> None:
        self._parser = parser
        self._expected = expected
        self._timeout = order.timeout
        self._board = memoryview(board).cast("B")
        self._begun = 0
        self._is_inside = False
        self._seen = (0, 0.0)  # the call at the last tick, and when it was first seen
        self.last: Place | None = None  # where the last call ended, None for a result
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGPROF, self._tick)
            signal.setitimer(signal.ITIMER_PROF, TICK, TICK)

    def run(self, data: bytes) -> Crash | None:
        """Call the parser. Return what is wrong, if anything is."""
        self._begun += 1
        size = min(len(data), BOARD_SIZE - BOARD_HEAD.size)
        BOARD_HEAD.pack_into(self._board, 0, self._begun, size)
        self._board[BOARD_HEAD.size : BOARD_HEAD.size + size] = data[:size]
        self.last = None
        try:
            self._is_inside = True
            self._parser(data)
        except self._expected as error:
            self._is_inside = False
            self.last = place_of(error)
        except BaseException as error:  # noqa: BLE001 (whatever it is, it is looked for)
            self._is_inside = False
            return crash_of(error)
        finally:
            self._is_inside = False
        return None

    def _tick(self, *_: object) -> None:
        number, now = self._begun, time.process_time()
        if self._seen[0] != number:
            self._seen = (number, now)
        elif self._is_inside and now - self._seen[1] >= self._timeout:
            self._seen = (number, now)
            raise TimedOut(f"over {self._timeout:g} s")


class Hunter:
    """Runs inputs, and tells the parent of each class of failure once."""

    def __init__(self, connection: Connection, trial: Trial, own: Mutation | None) -> None:
        self._connection = connection
        self._trial = trial
        self._own = own
        self._crashes: dict[str, int] = {}
        self._places: set[Place | None] = set()
        self.kept: list[bytes] = []
        self._told = 0.0

    def try_one(self, data: bytes) -> None:
        """Run one input and say what is new about it."""
        crash = self._trial.run(data)
        if crash is not None:
            known = self._crashes.get(crash.signature, 0)
            self._crashes[crash.signature] = known + 1
            if not known:
                self._connection.send(("crash", data, crash))
        elif self._trial.last not in self._places and len(self.kept) < KEPT:
            self._places.add(self._trial.last)
            self.kept.append(data)
            self._connection.send(("kept", data, None))
        now = time.monotonic()
        if now - self._told >= NEWS:
            self._told = now
            self.tell()

    def tell(self) -> None:
        """Tell how often each class has come."""
        self._connection.send(("counts", b"", dict(self._crashes)))

    def hunt(self, hunt: Hunt) -> None:
        """Run random and mutated inputs until the count or the time is reached."""
        from stunkit.fuzz.mutator import Mutator  # noqa: PLC0415 (see the rules of this file)

        source = Random(hunt.seed)  # noqa: S311 (not a secret)
        mutator, stock = Mutator(source), list(hunt.corpus)
        for data in hunt.corpus[hunt.tried :]:
            self.try_one(data)
        done = 0
        while hunt.most is None or done < hunt.most:
            if done % 64 == 0 and time.monotonic() >= hunt.end:
                break
            if self._own is not None:
                data = self._own(source.choice([*stock, *self.kept[-20:]] or [b""]), source)
            elif self.kept and mutator.random() < RETOLD:
                data = mutator.mutate(self.kept[mutator.below(len(self.kept))])
            else:
                data = mutator.datagram()
            self.try_one(data)
            done += 1
        self.tell()
        self._connection.send(("done", b"", None))

    def follow_coverage(self, hunt: Hunt, order: Order, atheris: Any) -> None:  # noqa: ANN401
        """Hand the inputs over to libFuzzer, which ends the process when it is done."""
        from stunkit.fuzz.mutator import Mutator  # noqa: PLC0415 (see the rules of this file)

        def mutate(data: bytes, max_size: int, seed: int) -> bytes:
            source = Random(seed)  # noqa: S311 (not a secret)
            mutator = Mutator(source)
            if mutator.random() < 0.4:
                return bytes(atheris.Mutate(data, max_size))
            if self._own is not None:
                return self._own(data, source)[:max_size]
            return mutator.mutate(data, max_size)

        seconds = max(1, round(hunt.end - time.monotonic()))
        arguments = [
            "stunkit",
            f"-max_total_time={seconds}",
            f"-runs={-1 if hunt.most is None else hunt.most}",
            f"-seed={hunt.seed & 0x7FFFFFFF or 1}",
            f"-max_len={MOST_BYTES}",
            f"-artifact_prefix={order.folders[0]}/",
            *("-timeout=86400", "-rss_limit_mb=0"),  # limits are ours
            *order.folders,
        ]
        atheris.Setup(arguments, self.try_one, custom_mutator=mutate)
        atheris.Fuzz()


def main(connection: Connection, board: Array[c_char], order: Order) -> None:
    """Load the parser, then do what the parent asks for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    _turn_away_output(order.stderr)
    atheris = import_module("atheris") if order.guide == "atheris" else None
    try:
        if atheris is None:
            parser = find_parser(order.parser)
        else:
            _forget(order.packages)
            with atheris.instrument_imports(include=list(order.packages)):
                parser = find_parser(order.parser)
        expected = find_expected(order.expected)
    except UsageError as error:
        connection.send(("refused", b"", error.args))
        return
    from stunkit.fuzz import mutator  # noqa: F401, PLC0415 (before memory gets scarce)

    _limit_memory(order.memory_mb)
    trial = Trial(parser, order, expected, board)
    own: Mutation | None = getattr(parser, "mutate", None)
    connection.send(("ready", b"", None))
    while True:
        try:
            asked = connection.recv()
        except EOFError:
            return
        if isinstance(asked, bytes):
            connection.send(("tried", asked, trial.run(asked)))
        elif atheris is None:
            Hunter(connection, trial, own).hunt(asked)
        else:
            Hunter(connection, trial, own).follow_coverage(asked, order, atheris)


def _forget(packages: tuple[str, ...]) -> None:
    """Have these packages imported anew: what is loaded already cannot be instrumented."""
    for name in list(sys.modules):
        top = name.partition(".")[0]
        if top in packages and name not in (top, "stunkit.fuzz", __name__, Crash.__module__):
            del sys.modules[name]


def _turn_away_output(path: str) -> None:
    """Keep what a parser prints away from the terminal, and from our JSON."""
    descriptor = os.open(path or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _limit_memory(megabytes: int) -> None:
    """Let allocations beyond the limit fail with MemoryError, where the system can."""
    if sys.platform != "linux":
        return
    import resource  # noqa: PLC0415 (there is none on Windows)

    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 (one line, once)
        pages = int(file.read().split()[0])
    limit = pages * resource.getpagesize() + (megabytes << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
