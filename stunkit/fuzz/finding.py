"""What a run found: values that a parser's campaign and a server's share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Progress(NamedTuple):
    """How far a run is. Times are in seconds; ``line`` is what it does besides."""

    elapsed: float
    duration: float
    executions: int
    findings: int
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One class of failure.

    - ``kind``: of a parser "exception", "hang", "memory" or "death"; of a server "silent",
      "restarted" or "wrong".
    - ``what``: the exception's type, or the same as ``kind``; ``why``: its text, one sentence.
    - ``where``: the frames of a parser's traceback, the innermost last.
    - ``inputs``: what leads to it, in order; ``confirmed``: it did so again.
    - ``count``: how often it came; ``reproducer``: the file that shows it.
    """

    kind: str
    what: str
    why: str
    inputs: tuple[bytes, ...]
    confirmed: bool
    where: tuple[str, ...] = ()
    count: int = 1
    reproducer: str | None = None

    @property
    def size(self) -> int:
        """Bytes of all inputs together."""
        return sum(map(len, self.inputs))


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One run. ``guide`` is "random" or "atheris"; ``coverage`` counts edges, None: unknown.

    ``answers`` are what a server sent, ``questions`` the plain ones between, ``pause`` the longest
    time in seconds that it took for one of those.
    """

    kind: str
    target: str
    seed: int
    elapsed: float
    executions: int
    interrupted: bool
    findings: tuple[Finding, ...]
    guide: str = "random"
    coverage: int | None = None
    corpus: str | None = None
    answers: int | None = None
    questions: int | None = None
    pause: float | None = None
    resumed: int = 0

    @property
    def rate(self) -> float:
        """Inputs a second."""
        return (self.executions - self.resumed) / self.elapsed if self.elapsed > 0 else 0.0
