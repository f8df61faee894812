"""What ``stunkit fuzz`` shows: one sentence, the figures, and each failure with its input."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any

from stunkit.cli.render.text import printable
from stunkit.fuzz.crash import Crash
from stunkit.fuzz.finding import Finding, Progress, Result
from stunkit.fuzz.pulse import State, Verdict
from stunkit.fuzz.reproducer import Reproducer

SHOWN_BYTES = 64  # of an input; longer ones are in their files, or in the JSON


def to_json(result: Result) -> str:
    """Return the JSON document, on one line."""
    return json.dumps(to_document(result))


def to_document(result: Result) -> dict[str, Any]:
    """Return the document as Python values."""
    return {
        "schema": "stunkit/fuzz/1",
        "target": {"kind": result.kind, "name": printable(result.target)},
        "guide": result.guide,
        "seed": result.seed,
        "elapsed": round(result.elapsed, 3),
        "executions": result.executions,
        "resumed": result.resumed,
        "per_second": round(result.rate, 1),
        "coverage": result.coverage,
        "corpus": result.corpus,
        "interrupted": result.interrupted,
        "answers": result.answers,
        "questions": result.questions,
        "pause_ms": None if result.pause is None else round(result.pause * 1000, 1),
        "findings": [_document(finding) for finding in result.findings],
    }


def _document(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "what": printable(finding.what),
        "why": printable(finding.why),
        "where": [printable(frame) for frame in finding.where],
        "count": finding.count,
        "size": finding.size,
        "confirmed": finding.confirmed,
        "inputs": [one.hex() for one in finding.inputs],
        "reproducer": finding.reproducer,
    }


def line(progress: Progress) -> str:
    """Return the line beside the bar."""
    rate = progress.executions / progress.elapsed if progress.elapsed else 0.0
    parts = [f"{progress.executions:,} inputs", f"{rate:,.0f}/s"]
    if progress.findings:
        parts.append(_plural(progress.findings, "failure"))
    return ", ".join([*parts, progress.line] if progress.line else parts)


def sentence(result: Result) -> str:
    """Return the answer in one sentence."""
    inputs = f"{result.executions - result.resumed:,} inputs"
    target = printable(result.target)
    if not result.findings:
        return f"{inputs} and nothing found in {target}."
    if result.kind == "server":
        finding = result.findings[0]
        end = "" if finding.confirmed else ", which did not happen again"
        return f"{target} failed within {inputs}{end}: {printable(finding.why)}."
    return f"{inputs}, and {_plural(len(result.findings), 'class')} of failure in {target}."


def facts(result: Result) -> list[tuple[str, str]]:
    """Return the figures, each with its name."""
    rows = [("time", f"{result.elapsed:.1f} s, {result.rate:,.0f} inputs a second")]
    if result.kind == "parser":
        how = "by coverage (atheris)" if result.guide == "atheris" else "at random, mutated"
        edges = "" if result.coverage is None else f", {result.coverage:,} edges covered"
        rows.append(("inputs", f"{how}, seed {result.seed}{edges}"))
        if result.corpus is not None:
            rows.append(("corpus", result.corpus))
        return rows
    rows.append(("inputs", f"at random, mutated, seed {result.seed}"))
    if result.resumed:
        rows.append(("before", f"{result.resumed:,} inputs in earlier runs"))
    pause = (result.pause or 0.0) * 1000
    asked = f"{result.questions:,} plain questions, answered within {pause:,.1f} ms"
    rows += [("answers", f"{result.answers:,} to the inputs"), ("between", asked)]
    return rows


def table(result: Result) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the headings and a row for each failure."""
    headings = ("failure", "what", "where", "times", "bytes")
    rows: list[tuple[str, ...]] = [
        (
            finding.kind if finding.confirmed else f"{finding.kind}, once",
            _cut(printable(finding.what), finding.kind),
            _where(finding),
            f"{finding.count:,}",
            str(finding.size),
        )
        for finding in result.findings
    ]
    return headings, rows


def details(result: Result) -> list[str]:
    """Return the inputs and their files, line by line."""
    lines = []
    for finding in result.findings:
        said = printable(finding.why)
        lines += ["", f"{printable(finding.what)}: {said}" if said else printable(finding.what)]
        lines += [f"    {one.hex()}" for one in finding.inputs if len(one) <= SHOWN_BYTES][:8]
        if finding.reproducer is not None:
            lines.append(f"    stunkit fuzz --replay {finding.reproducer}")
        if not finding.confirmed:
            lines.append("    It did not happen again: these inputs came before it.")
    return lines


def replayed_server(reproducer: Reproducer, verdict: Verdict) -> str:
    """Return what a server did."""
    inputs = _plural(len(reproducer.inputs), "input")
    if verdict.state is State.WELL:
        return f"After {inputs} the server answers as before."
    return f"After {inputs} the server is {verdict.state}: {printable(verdict.why)}."


def replayed_parser(reproducer: Reproducer, crash: Crash | None) -> str:
    """Return what a parser did."""
    target = printable(reproducer.target)
    if crash is None:
        return f"{target} takes it."
    where = f" at {_last(crash.frames)}" if crash.frames else ""
    said = f": {printable(crash.said)}" if crash.said else ""
    return f"{target} fails with {printable(crash.what)}{where}{said}."


def replay_json(path: str, said: str, *, is_again: bool) -> str:
    """Return the JSON document of a replay."""
    document = {"schema": "stunkit/fuzz/1", "replay": path, "failed": is_again, "why": said}
    return json.dumps(document)


def _where(finding: Finding) -> str:
    return _last(finding.where) if finding.where else "-"


def _last(frames: tuple[str, ...]) -> str:
    """Return the innermost frame, its file without the folders."""
    place, _, function = frames[-1].rpartition(" in ")
    return printable(f"{PurePath(place).name} in {function}")


def _cut(what: str, kind: str) -> str:
    return "-" if what == kind else what


def _plural(count: int, noun: str) -> str:
    end = "es" if noun.endswith("s") else "s"
    return f"{count:,} {noun}{'' if count == 1 else end}"
