"""Lint: what is wrong with candidates, or worth knowing, of a dump or of a gathering of our own.

The checks themselves are in line_lint (one candidate), stream_lint (those of one stream) and
description_lint (an SDP).

Rules of this file: what is said of several streams in the same words is said once, of all their
candidates; the worst comes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from stunkit.ice.candidate import Candidate
from stunkit.ice.description_lint import is_carried, lint_description, uses_ice
from stunkit.ice.dump import Dump
from stunkit.ice.finding import Code, Finding, Severity
from stunkit.ice.line_lint import lint_line
from stunkit.ice.sdp import Description, Found
from stunkit.ice.stream_lint import lint_stream

_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


def lint(dump: Dump) -> tuple[Finding, ...]:
    """Return the findings of a dump, the worst first."""
    return _merged(_findings(dump))


def lint_candidates(
    candidates: Iterable[Candidate], *, is_complete: bool = True
) -> tuple[Finding, ...]:
    """Return the findings of the candidates of one stream, the worst first.

    ``is_complete`` tells that gathering has ended, so that what is missing will not come.
    """
    stream = [Found(candidate) for candidate in candidates]
    return _merged(_stream(stream, is_complete=is_complete, is_lite=False))


def _findings(dump: Dump) -> Iterator[Finding]:
    for line, text, reason in dump.unreadable:
        sentence = f"{text!r} is no candidate: {reason}; write it as RFC 8839 section 5.1 says."
        yield Finding(Code.UNREADABLE, Severity.ERROR, sentence, lines=(line,))
    for description in dump.descriptions:
        yield from lint_description(description)
        yield from _described(description)
    for stream in _streams(dump.loose):
        yield from _stream(stream, is_complete=False, is_lite=False)


def _described(description: Description) -> Iterator[Finding]:
    if not uses_ice(description):
        return
    for section in description.sections:
        if not section.candidates:
            continue
        is_complete: bool | None = not description.is_trickling(section)
        if section is description.session or is_carried(description, section):
            is_complete = None
        stream = section.candidates
        yield from _stream(stream, is_complete=is_complete, is_lite=description.is_lite)


def _stream(
    stream: Sequence[Found], *, is_complete: bool | None, is_lite: bool
) -> Iterator[Finding]:
    for found in stream:
        yield from lint_line(found)
    yield from lint_stream(stream, is_complete=is_complete, is_lite=is_lite)


def _streams(founds: Iterable[Found]) -> list[list[Found]]:
    """Put together what belongs to one stream: of one side, section and ICE session (its ufrag).

    Logs say things twice; that does not make a candidate a duplicate.
    """
    streams: dict[tuple[object, ...], dict[Candidate, Found]] = {}
    for found in founds:
        section = found.section if found.mid is None else found.mid
        key = (found.origin, section, found.candidate.extension("ufrag"))
        streams.setdefault(key, {}).setdefault(found.candidate, found)
    return [list(stream.values()) for stream in streams.values()]


def _merged(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    candidates: dict[tuple[Code, Severity, str], dict[Found, None]] = {}
    lines: dict[tuple[Code, Severity, str], dict[int, None]] = {}
    for one in findings:
        key = (one.code, one.severity, one.text)
        candidates.setdefault(key, {}).update(dict.fromkeys(one.candidates))
        lines.setdefault(key, {}).update(dict.fromkeys(one.lines))
    merged = [Finding(*key, tuple(candidates[key]), tuple(lines[key])) for key in candidates]
    return tuple(sorted(merged, key=lambda one: _RANKS[one.severity]))
