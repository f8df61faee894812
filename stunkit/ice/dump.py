"""Dump: candidates and descriptions out of whatever people paste.

Reads SDP (with any line ends, or escaped as in JSON), RTCIceCandidate and RTCSessionDescription
as JSON, the text and the file of chrome://webrtc-internals, Firefox's about:webrtc, the table of
the trickle-ice sample page, and logs with candidates in them.

Rules of this file: nothing is refused; what means to be a candidate and is none is kept as
unreadable, with the reason. All that is found keeps the number of its line.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from stunkit.errors import UsageError
from stunkit.ice.candidate import Candidate
from stunkit.ice.internals import members, unfold
from stunkit.ice.sdp import (
    Description,
    Found,
    Line,
    Unreadable,
    parse_leniently,
    parse_sdp,
    split_line,
)
from stunkit.ice.table import parse_row

LONGEST = 2000  # characters of a candidate in a line; they have some 200
MAX_MISSES = 1000  # texts that are looked for in vain: a look goes through the whole file
MAX_DEPTH = 32  # of JSON: dumps have about eight levels, and recursion has a limit

_CANDIDATE = re.compile(
    r"candidate:\s?(?!candidate:)\S{1,256} +\d+ +[A-Za-z]\S* +\d+ ", re.IGNORECASE
)
_END = re.compile(r"[\"'<>,;(){}\[\]\\]|\s{2,}|$")  # what cannot be in a candidate, in a log
_KNOWN = frozenset(
    ("raddr", "rport", "tcptype", "generation", "ufrag", "network-id", "network-cost")
)
_MID = re.compile(r"sdpMid[\"']?\s*[:=]\s*[\"']?([^\"',\s}]+)")
_INDEX = re.compile(r"sdpMLineIndex[\"']?\s*[:=]\s*[\"']?(\d+)")
_TAG = re.compile(r"<[^<>]*>")
_ESCAPES = (("\\r\\n", "\n"), ("\\n", "\n"), ("\\r", "\n"), ('\\"', '"'), ("\\/", "/"))


@dataclass(frozen=True, slots=True)
class Dump:
    """What a text holds: descriptions, candidates outside of any, and what cannot be read."""

    descriptions: tuple[Description, ...] = ()
    loose: tuple[Found, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    @property
    def candidates(self) -> tuple[Found, ...]:
        """All candidates in the order of their lines; one that is said twice comes once.

        Twice means from the same side, for the same section, in different places of the dump.
        """
        every = [*self.loose]
        for description in self.descriptions:
            every += description.candidates
        seen: dict[tuple[object, ...], Found] = {}
        for found in sorted(every, key=lambda one: one.line):
            section = found.section if found.mid is None else found.mid
            seen.setdefault((found.origin, section, _without_ufrag(found.candidate)), found)
        return tuple(seen.values())


def _without_ufrag(candidate: Candidate) -> Candidate:
    """What makes candidates the same: a browser says the ufrag in JSON alone."""
    pairs = tuple(pair for pair in candidate.extensions if pair[0].lower() != "ufrag")
    return replace(candidate, extensions=pairs)


def read_dump(text: str) -> Dump:
    """Read any of the forms above."""
    reader = _Reader(text)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        reader.read_lines(unfold(_lines(text)))
    else:
        reader.read_json(document, "")
    return reader.finish()


def _lines(text: str) -> Iterator[Line]:
    """Yield the lines of a text, of which HTML's tags and escaped ends of lines make more."""
    is_html = "</" in text and re.search(r"<(html|body|div|pre|table|p)\b", text, re.IGNORECASE)
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")), 1):
        parts = [html.unescape(part) for part in _TAG.split(line)] if is_html else [line]
        for part in parts:
            yield from (Line(number, one) for one in unescape(part).split("\n"))


def unescape(text: str) -> str:
    r"""Undo what JSON does to the ends of lines, where a line shows the signs: ``\r\na=...``."""
    if not re.search(r"\\[rn][a-z]=", text):
        return text
    for escape, character in _ESCAPES:
        text = text.replace(escape, character)
    return text


@dataclass(slots=True)
class _Reader:
    """What has been read so far."""

    text: str
    descriptions: list[Description] = field(default_factory=list)
    loose: list[Found] = field(default_factory=list)
    unreadable: list[Unreadable] = field(default_factory=list)
    position: int = 0  # in the text, of what JSON last gave
    number: int = 1  # of its line
    misses: int = 0
    said: set[tuple[str, ...]] = field(default_factory=set)  # descriptions may be said twice

    def finish(self) -> Dump:
        broken = [
            one for each in self.descriptions for part in each.sections for one in part.unreadable
        ]
        return Dump(tuple(self.descriptions), tuple(self.loose), (*broken, *self.unreadable))

    def read_lines(self, lines: Iterable[Line], origin: str = "") -> None:
        """Read text: the lines of descriptions together, all others one by one."""
        together: list[Line] = []
        for line in lines:
            pair = split_line(line.text)
            if pair and (pair[0] in "vm" or together):
                if pair[0] == "v":
                    self.describe(together, origin)
                    together = []
                together.append(line)
            elif line.text.strip():
                self.describe(together, origin)
                together = []
                self.read_line(line, origin)
        self.describe(together, origin)

    def describe(self, lines: list[Line], origin: str) -> None:
        """Keep a description, unless the same side has said the very same before."""
        said = (origin, *(line.text.strip() for line in lines))
        if lines and said not in self.said:
            self.said.add(said)
            self.descriptions.append(parse_sdp(lines, origin))

    def read_line(self, line: Line, origin: str) -> None:
        """Read a line that is not of a description: JSON, a row of a table, or a log's."""
        start = line.text.find("{")
        if start >= 0 and ('"candidate"' in line.text or '"sdp"' in line.text):
            try:
                document, _ = json.JSONDecoder().raw_decode(line.text[start:])
            except (ValueError, RecursionError):
                pass
            else:
                self.read_json(document, origin, line=line.number)
                return
        if row := parse_row(line.text):
            self.loose.append(Found(row, line.number, origin=origin, is_partial=True))
            return
        mid, index = _MID.search(line.text), _INDEX.search(line.text)
        for count, match in enumerate(_CANDIDATE.finditer(line.text)):
            start = match.start()
            rest = line.text[start : start + LONGEST]
            if count or line.text[:start].strip() not in ("", "a="):
                rest = _known(rest)
            self.read_candidate(rest, line.number, index and int(index[1]), mid and mid[1], origin)

    def read_candidate(
        self, text: str, line: int, section: int | None, mid: str | None, origin: str
    ) -> None:
        """Read a candidate with anything behind it."""
        try:
            candidate = _parse_first(text)
        except UsageError as error:
            self.unreadable.append(Unreadable(line, _cut(text), error.reason))
        else:
            self.loose.append(Found(candidate, line, section, mid, origin))

    def read_json(
        self,
        value: Any,  # noqa: ANN401 (JSON)
        origin: str,
        *,
        line: int = 0,
        depth: int = 0,
    ) -> None:
        """Read JSON of any shape: what it holds is known by sight. ``line`` 0: look for it."""
        if depth > MAX_DEPTH:
            return
        if isinstance(value, list):
            for item in value:
                self.read_json(item, origin, line=line, depth=depth + 1)
        elif isinstance(value, dict):
            if isinstance(value.get("candidate"), str):
                self.read_json_candidate(value, origin, line or self.locate(value["candidate"]))
                return
            for name, item in members(value, origin):
                self.read_json(item, name, line=line, depth=depth + 1)
        elif isinstance(value, str) and ("candidate:" in value or "m=" in value):
            number = line or self.locate(value)
            self.read_lines((Line(number, one.text) for one in _lines(value)), origin)

    def read_json_candidate(self, value: dict[str, Any], origin: str, line: int) -> None:
        """Read an RTCIceCandidate; an empty one only says that there are no more."""
        mid, index, text = value.get("sdpMid"), value.get("sdpMLineIndex"), value["candidate"]
        if not text.strip() or text.strip() == "candidate:":
            return
        section = index if isinstance(index, int) else None
        self.read_candidate(
            text.removeprefix("a="), line, section, None if mid is None else str(mid), origin
        )

    def locate(self, value: str) -> int:
        """Return the number of the line where JSON says this, for what comes in its order."""
        first = json.dumps(value.partition("\n")[0].partition("\r")[0])[1:-1]
        place = self.text.find(first, self.position)
        if place < 0:  # said in another spelling, or before
            self.misses += 1
            if self.misses > MAX_MISSES:
                return self.number
            return self.text.count("\n", 0, max(self.text.find(first), 0)) + 1
        self.number += self.text.count("\n", self.position, place)
        self.position = place
        return self.number


def _cut(text: str) -> str:
    """Return what of a text can belong to a candidate."""
    end = _END.search(text)
    return text[: end.start()].rstrip() if end else text


def _parse_first(text: str) -> Candidate:
    """Parse a candidate at the beginning of a text. Raises UsageError."""
    try:
        return Candidate.parse(text)
    except UsageError:
        return parse_leniently(_known(text))


def _known(text: str) -> str:
    """Return a candidate without what a log has behind it: extensions that are in use count."""
    words = _cut(text).replace("candidate: ", "candidate:").split()
    length = min(8, len(words))
    while length + 1 < len(words) and words[length].lower() in _KNOWN:
        length += 2
    return " ".join(words[:length])
