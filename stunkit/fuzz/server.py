"""A campaign on one server: send, keep asking, and when it fails find out after which input.

The inputs follow from the seed and their number alone, so a run can be taken up where it ended.

Rules of this file: only a server that is nobody else's is sent anything (see ``bench.target``); the
rate and the time are bounded; the first failure ends the run.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from stunkit.bench.target import check_target
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import NoAnswer, UsageError
from stunkit.fuzz.carrier import Carrier, Road
from stunkit.fuzz.finding import Finding, Progress, Result
from stunkit.fuzz.mutator import Mutator
from stunkit.fuzz.pulse import PAUSES, Pulse, State, Verdict
from stunkit.fuzz.reproducer import Reproducer
from stunkit.fuzz.revival import Revival
from stunkit.fuzz.shrink import shrink, shrink_sequence
from stunkit.net.resolve import resolve
from stunkit.wire.uri import Scheme, Uri

TIME = 60.0  # seconds
TIMEOUT = 1.0  # seconds for one answer to the plain question
RATE = 2_000.0  # inputs a second
MAX_RATE = 50_000.0  # more than one thread here sends
EVERY = 100  # inputs between two plain questions
BLOCK = 25  # inputs that leave together
REMEMBERED = 20_000  # inputs that may be to blame
SHRINKING = 120.0  # seconds
STATE = "state.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One campaign. Times are in seconds; ``folder`` keeps the reproducer and the state."""

    server: Uri
    family: Family | None = None
    rate: float = RATE
    time: float = TIME
    count: int | None = None
    every: int = EVERY
    timeout: float = TIMEOUT
    mine: bool = False
    restart: str | None = None
    seed: int = 1
    folder: Path | None = None
    resume: bool = False
    ca_file: str | None = None

    def __post_init__(self) -> None:
        if self.server.scheme not in (Scheme.STUN, Scheme.STUNS):
            reason = f"{self.server.scheme}: is not supported here"
            raise UsageError("a server to send broken messages to", self.server.format(), reason)


class Campaign:
    """One run; ``stop`` may be called from a signal handler."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self._seed = options.seed
        self._is_stopped = False
        self._started = 0.0
        self._done = self._resumed = self._answers = self._questions = 0
        self._pause = 0.0
        self._log: deque[bytes] = deque(maxlen=REMEMBERED)

    def stop(self) -> None:
        """End the run early; what was found until then is its result."""
        self._is_stopped = True

    def run(self, on_progress: Callable[[Progress], None] | None = None) -> Result:
        """Send, ask and, after a failure, find out why; blocks.

        Raises UsageError, ResolutionError, StartError, or NoAnswer where nobody answers from the
        start.
        """
        options, road = self.options, find_road(self.options)
        self._started = time.monotonic()
        self._resumed = self._done = self._read_state()
        pulse = self._pulse(road)
        try:
            first = pulse.ask()
            if first.state is State.SILENT:
                raise NoAnswer(len(PAUSES), first.took)
            verdict = self._attack(road, pulse, on_progress)
        finally:
            pulse.close()
        elapsed = time.monotonic() - self._started
        self._write_state()
        findings: tuple[Finding, ...] = ()
        if verdict.state is not State.WELL:
            findings = (self._explain(road, verdict, on_progress),)
        return Result(
            kind="server",
            target=options.server.format(),
            seed=self._seed,
            elapsed=elapsed,
            executions=self._done,
            resumed=self._resumed,
            interrupted=self._is_stopped,
            findings=findings,
            answers=self._answers,
            questions=self._questions,
            pause=self._pause,
        )

    def _pulse(self, road: Road) -> Pulse:
        return Pulse(road, Random(), self.options.timeout, self._is_stray)  # noqa: S311 (an id)

    def _is_stray(self, identity: bytes) -> bool:
        return any(data[8:20] == identity for data in self._log)

    def _attack(
        self, road: Road, pulse: Pulse, on_progress: Callable[[Progress], None] | None
    ) -> Verdict:
        """Send until the count, the time or a failure is reached."""
        options = self.options
        end = self._started + options.time
        asked, since = self._done, time.monotonic()
        verdict = Verdict(State.WELL, "")
        with road.open() as carrier:
            due = time.monotonic()
            while not self._is_stopped and verdict.state is State.WELL:
                left = None if options.count is None else options.count - self._done
                now = time.monotonic()
                is_over = now >= end or (left is not None and left <= 0)
                if is_over or self._done - asked >= options.every or now - since >= 1.0:
                    before = carrier.gone
                    verdict = self._ask(pulse)
                    if verdict.state is State.WELL and before:
                        why = "nobody listened on its port for a while"
                        verdict = verdict._replace(state=State.RESTARTED, why=why)
                    asked, since = self._done, time.monotonic()
                    self._tell(on_progress)
                    if is_over:
                        self._answers += len(carrier.receive(0))  # which came meanwhile
                        break
                    due = max(due, time.monotonic() - 0.1)
                size = BLOCK if left is None else min(BLOCK, left)
                self._send(carrier, size)
                due += size / options.rate
                time.sleep(max(0.0, due - time.monotonic()))
        return verdict

    def _send(self, carrier: Carrier, size: int) -> None:
        """Send the inputs up to the end of the block that is under way."""
        block, start = divmod(self._done, BLOCK)
        mutator = Mutator(Random((self._seed << 64) + block))  # noqa: S311 (not a secret)
        made = [mutator.datagram() for _ in range(min(BLOCK, start + size))]
        for data in made[start:]:
            carrier.send(data)
            self._log.append(data)
            self._done += 1
        self._answers += len(carrier.receive(0))

    def _ask(self, pulse: Pulse) -> Verdict:
        verdict = pulse.ask()
        self._questions += 1
        if verdict.state is State.WELL:
            self._pause = max(self._pause, verdict.took)
        return verdict

    def _tell(self, on_progress: Callable[[Progress], None] | None, line: str = "") -> None:
        if on_progress is not None:
            options, elapsed = self.options, time.monotonic() - self._started
            on_progress(Progress(elapsed, options.time, self._done - self._resumed, 0, line))

    def _explain(
        self, road: Road, verdict: Verdict, on_progress: Callable[[Progress], None] | None
    ) -> Finding:
        """Find the smallest input after which the server fails again."""
        options = self.options
        revival = Revival(road, options.restart, options.timeout, options.rate, self._is_stray)
        end = time.monotonic() + SHRINKING
        tries = 0

        def fails(inputs: Sequence[bytes]) -> bool:
            nonlocal tries
            if self._is_stopped or time.monotonic() > end:
                return False
            tries += 1
            self._tell(on_progress, f"shrinking, {tries} tries")
            return revival.fails(inputs)

        log = list(self._log)
        try:
            inputs, confirmed = smallest(log, options.every, fails)
            if confirmed:
                verdict = revival.verdict
            if revival.is_lost:
                verdict = verdict._replace(why=f"{verdict.why}; it does not come back")
        finally:
            revival.leave()
        finding = Finding(
            kind=str(verdict.state),
            what=str(verdict.state),
            why=verdict.why,
            inputs=tuple(inputs),
            confirmed=confirmed,
        )
        if options.folder is None:
            return finding
        path = self._reproducer(finding).keep(options.folder, self._done)
        return replace(finding, reproducer=str(path))

    def _reproducer(self, finding: Finding) -> Reproducer:
        return Reproducer(
            kind="server",
            target=self.options.server.format(),
            failure=finding.kind,
            why=finding.why,
            confirmed=finding.confirmed,
            inputs=finding.inputs,
            timeout=self.options.timeout,
        )

    def _read_state(self) -> int:
        """Return how many inputs an earlier run has sent, and take its seed. Raises UsageError."""
        options = self.options
        if not options.resume or options.folder is None:
            return 0
        path = options.folder / STATE
        try:
            state = json.loads(path.read_text(encoding="utf-8"))
            target, self._seed, done = str(state["target"]), int(state["seed"]), int(state["done"])
        except FileNotFoundError:
            return 0
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError("the state of a run", str(path), str(error)) from None
        if target != options.server.format():
            raise UsageError("the state of this run", str(path), f"it is one of {target}")
        return done

    def _write_state(self) -> None:
        options = self.options
        if options.folder is None:
            return
        state = {"target": options.server.format(), "seed": self._seed, "done": self._done}
        options.folder.mkdir(parents=True, exist_ok=True)
        (options.folder / STATE).write_text(json.dumps(state) + "\n", encoding="utf-8")


def smallest(
    log: list[bytes], every: int, fails: Callable[[Sequence[bytes]], bool]
) -> tuple[list[bytes], bool]:
    """Return the shortest inputs after which it fails, and whether that was seen again."""
    sizes = sorted({min(len(log), every * factor) for factor in (2, 16, len(log))})
    suspects = next((log[-size:] for size in sizes if size and fails(log[-size:])), None)
    if suspects is None:
        return log[-2 * every :], False
    inputs = shrink_sequence(suspects, fails)
    for index, data in enumerate(inputs):
        rest = inputs[:index], inputs[index + 1 :]
        inputs[index] = shrink(data, lambda one, rest=rest: fails([*rest[0], one, *rest[1]]))  # type: ignore[misc]
    return inputs, True


def find_road(options: Options) -> Road:
    """Return the way to the server. Raises UsageError for one that may be somebody else's."""
    server: Endpoint = asyncio.run(resolve(options.server, family=options.family))[0]
    check_target(server, mine=options.mine)
    return Road(server, options.server, options.ca_file)


def replay(reproducer: Reproducer, options: Options) -> Verdict:
    """Send a reproducer's inputs to the server. Raises UsageError, or NoAnswer before they left."""
    road = find_road(options)
    log = reproducer.inputs
    pulse = Pulse(
        road,
        Random(),  # noqa: S311 (an id)
        options.timeout,
        lambda identity: any(data[8:20] == identity for data in log),
    )
    try:
        first = pulse.ask()
        if first.state is State.SILENT:
            raise NoAnswer(len(PAUSES), first.took)
        with road.open() as carrier:
            for start in range(0, len(log), BLOCK):
                for data in log[start : start + BLOCK]:
                    carrier.send(data)
                carrier.receive(0)
                verdict = pulse.ask()
                if verdict.state is not State.WELL:
                    return verdict
                time.sleep(BLOCK / options.rate)
    finally:
        pulse.close()
    return verdict
