"""A campaign on one parser: look for failures, then make each as small as it gets."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event

from stunkit.errors import StartError
from stunkit.extra import installation
from stunkit.fuzz.child import Hunt, Order
from stunkit.fuzz.corpus import Corpus
from stunkit.fuzz.crash import Crash
from stunkit.fuzz.finding import Finding, Progress, Result
from stunkit.fuzz.reproducer import Reproducer
from stunkit.fuzz.sandbox import Beat, Counts, Found, Kept, Over, Sandbox
from stunkit.fuzz.shrink import shrink

TIME = 60.0  # seconds
TIMEOUT = 1.0  # seconds of processor time for one input; a parser takes some microseconds
MEMORY_MB = 256
SHRINKING = 15.0  # seconds for one class of failure
MOST_ENDS = 40  # children that may be lost in one run
MOST_CLASSES = 100

GUIDES = ("auto", "atheris", "random")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One campaign. ``time`` is in seconds; ``count`` limits the inputs; ``folder`` keeps all.

    ``seeds`` are folders of inputs to start from besides; ``packages``: whose coverage is followed,
    by default that of the parser's own.
    """

    parser: str
    expected: tuple[str, ...] = ()
    guide: str = "auto"
    time: float = TIME
    count: int | None = None
    timeout: float = TIMEOUT
    memory_mb: int = MEMORY_MB
    seed: int = 1
    folder: Path | None = None
    seeds: tuple[Path, ...] = ()
    packages: tuple[str, ...] = ()

    @property
    def chosen_guide(self) -> str:
        """What decides which inputs are followed up. Raises StartError."""
        has_atheris = find_spec("atheris") is not None
        if self.guide == "atheris" and not has_atheris:
            raise StartError("atheris is not installed", f"{installation('fuzz')} brings it")
        if self.guide == "auto":
            return "atheris" if has_atheris else "random"
        return self.guide


@dataclass
class _Failure:
    data: bytes
    crash: Crash
    count: int = 1


@dataclass
class Campaign:
    """One run; ``stop`` may be called from a signal handler."""

    options: Options
    _failures: dict[str, _Failure] = field(default_factory=dict)
    _stop: Event = field(default_factory=Event)
    _calls: int = 0
    _started: float = 0.0

    def stop(self) -> None:
        """End the run early; what was found until then is its result."""
        self._stop.set()

    def run(self, on_progress: Callable[[Progress], None] | None = None) -> Result:
        """Look for failures and shrink them; blocks. Raises UsageError or StartError."""
        options = self.options
        guide = options.chosen_guide
        self._started = time.monotonic()
        with TemporaryDirectory(prefix="stunkit-fuzz-") as scratch:
            log = Path(scratch) / "log"
            corpus = Corpus(options.folder / "corpus" if options.folder else Path(scratch) / "kept")
            inputs = corpus.load()
            for one in options.seeds:
                inputs += Corpus(one).load()
            folders: tuple[str, ...] = ()
            if guide == "atheris":
                own = Path(scratch) / "libfuzzer"
                own.mkdir()
                corpus.folder.mkdir(parents=True, exist_ok=True)
                folders = (str(own), str(corpus.folder), *map(str, options.seeds))
            order = Order(
                options.parser,
                options.expected,
                options.timeout,
                options.memory_mb,
                guide,
                str(log),
                folders,
                options.packages or (options.parser.partition(":")[0].partition(".")[0],),
            )
            self._hunt(order, corpus, inputs, on_progress)
            elapsed = time.monotonic() - self._started
            findings = self._shrink(_trying(order), on_progress)
            return Result(
                kind="parser",
                target=options.parser,
                guide=guide,
                seed=options.seed,
                elapsed=elapsed,
                executions=self._calls,
                interrupted=self._stop.is_set(),
                findings=findings,
                coverage=_coverage(log),
                corpus=str(corpus.folder) if options.folder else None,
            )

    def _hunt(
        self,
        order: Order,
        corpus: Corpus,
        inputs: tuple[bytes, ...],
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        options, ends, tried = self.options, 0, 0
        with Sandbox(order) as sandbox:
            self._started = time.monotonic()  # to load a parser may take longer than to try it
            end = self._started + options.time
            while not self._stop.is_set() and time.monotonic() < end and ends < MOST_ENDS:
                left = None if options.count is None else options.count - self._calls
                if left is not None and left <= 0:
                    break
                hunt = Hunt((options.seed << 16) + ends, left, end, inputs, tried)
                before, counts, last = self._calls, {}, b""
                is_done = False
                for news in sandbox.hunt(hunt):
                    match news:
                        case Found(data, crash):
                            self._note(data, crash)
                            last = data
                        case Kept(data):
                            corpus.add(data)
                        case Counts(by_signature):
                            counts = by_signature
                        case Beat(calls) | Over(calls, _):
                            self._calls = before + calls
                            self._tell(on_progress)
                    is_done = isinstance(news, Over) and news.is_done
                    if self._stop.is_set():
                        break
                self._count(counts)
                ends += 1
                if is_done:
                    break
                # what ended the child may be one of them: then the rest is still to be tried
                rest = inputs[tried:]
                tried += rest.index(last) + 1 if last in rest else len(rest)

    def _note(self, data: bytes, crash: Crash) -> None:
        known = self._failures.get(crash.signature)
        if known is not None:
            known.count += 1
        elif len(self._failures) < MOST_CLASSES:
            self._failures[crash.signature] = _Failure(data, crash)

    def _count(self, counts: dict[str, int]) -> None:
        for signature, count in counts.items():
            if signature in self._failures:
                self._failures[signature].count += count - 1  # one is there since it was found

    def _tell(self, on_progress: Callable[[Progress], None] | None, line: str = "") -> None:
        if on_progress is not None:
            elapsed = time.monotonic() - self._started
            total = self.options.time
            on_progress(Progress(elapsed, total, self._calls, len(self._failures), line))

    def _shrink(
        self, order: Order, on_progress: Callable[[Progress], None] | None
    ) -> tuple[Finding, ...]:
        findings = []
        with Sandbox(order) as sandbox:
            for number, failure in enumerate(self._failures.values(), 1):
                self._tell(on_progress, f"shrinking {number} of {len(self._failures)}")
                findings.append(self._smallest(failure, sandbox, number))
        return tuple(findings)

    def _smallest(self, failure: _Failure, sandbox: Sandbox, number: int) -> Finding:
        crash = failure.crash
        end = time.monotonic() + SHRINKING

        def fails(data: bytes) -> bool:
            if self._stop.is_set() or time.monotonic() > end:
                return False
            found = sandbox.probe(data)
            return found is not None and found.signature == crash.signature

        confirmed = fails(failure.data)
        data = shrink(failure.data, fails) if confirmed else failure.data
        if confirmed and (again := sandbox.probe(data)) is not None:
            crash = again._replace(signature=crash.signature)
        finding = Finding(
            kind=str(crash.kind),
            what=crash.what,
            why=crash.said,
            where=crash.frames,
            inputs=(data,),
            count=failure.count,
            confirmed=confirmed,
        )
        folder = self.options.folder
        if folder is None:
            return finding
        path = self._reproducer(finding).keep(folder, number)
        return replace(finding, reproducer=str(path))

    def _reproducer(self, finding: Finding) -> Reproducer:
        options = self.options
        return Reproducer(
            kind="parser",
            target=options.parser,
            failure=finding.kind,
            why=f"{finding.what}: {finding.why}",
            confirmed=finding.confirmed,
            inputs=finding.inputs,
            expected=options.expected,
            timeout=options.timeout,
            memory_mb=options.memory_mb,
        )


def _trying(order: Order) -> Order:
    """Return the order of a child that only tries what it is given."""
    return order._replace(guide="random", folders=())


def replay(reproducer: Reproducer) -> Crash | None:
    """Run a reproducer's inputs. Return what is wrong, if anything is. Raises UsageError."""
    order = Order(
        reproducer.target,
        reproducer.expected,
        reproducer.timeout,
        reproducer.memory_mb,
        "random",
        "",
    )
    with Sandbox(order) as sandbox:
        for data in reproducer.inputs:
            crash = sandbox.probe(data)
            if crash is not None:
                return crash
    return None


def _coverage(log: Path) -> int | None:
    """Return how many edges libFuzzer has seen."""
    if not log.exists():
        return None
    found = re.findall(rb"\bcov: (\d+)", log.read_bytes())
    return int(found[-1]) if found else None
