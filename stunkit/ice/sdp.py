"""SDP: the parts of a session description that ICE reads.

Answers to RFC 8839 (the ICE attributes), RFC 8866 (sections, c= and m= lines), RFC 8840
(end-of-candidates), RFC 8843 (BUNDLE), RFC 3605 (a=rtcp) and RFC 5761 (rtcp-mux).

Rules of this file: lenient about what is around, exact about what is read. An attribute keeps its
text; what it means is read on demand, and is None or empty where it says nothing that can be
understood. Every line keeps its number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from stunkit.errors import UsageError
from stunkit.ice.candidate import Candidate

_LINE = re.compile(r"\s*([a-z])=(.*)", re.DOTALL)


class Line(NamedTuple):
    """A line of a text, and its number there, from 1."""

    number: int
    text: str


class Attribute(NamedTuple):
    """An ``a=`` line: what stands before and after its first colon."""

    name: str
    value: str
    line: int


class Unreadable(NamedTuple):
    """A line that means to be a candidate and is none, and why."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Found:
    """A candidate and where it was found.

    ``section`` counts the m= lines from 0, ``mid`` is their name; both are None where nothing
    says. ``origin`` tells whose it is, as far as the dump says. ``is_partial`` is for forms that
    leave fields out (a table), so that nobody blames the candidate for it.
    """

    candidate: Candidate
    line: int = 0
    section: int | None = None
    mid: str | None = None
    origin: str = ""
    is_partial: bool = False


class RtcpAddress(NamedTuple):
    """What a=rtcp says (RFC 3605); the address may be left out."""

    port: int
    address: str | None


@dataclass(frozen=True, slots=True)
class Section:
    """The lines of one m= section, or those before the first one (then ``index`` is None)."""

    line: int
    index: int | None = None
    kind: str = ""
    port: int = 0
    protocol: str = ""
    connection: str | None = None
    attributes: tuple[Attribute, ...] = ()
    candidates: tuple[Found, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()

    def value(self, name: str) -> str | None:
        """Return the value of the first attribute of that name, or None."""
        return next((one.value.strip() for one in self.attributes if one.name == name), None)

    def has(self, name: str) -> bool:
        """Whether there is an attribute of that name."""
        return self.value(name) is not None

    @property
    def mid(self) -> str | None:
        """The section's name (RFC 5888)."""
        return self.value("mid")

    @property
    def options(self) -> tuple[str, ...]:
        """The ICE options (RFC 8839 section 5.6)."""
        return tuple((self.value("ice-options") or "").split())

    @property
    def rtcp(self) -> RtcpAddress | None:
        """Where RTCP goes by default (RFC 3605)."""
        words = (self.value("rtcp") or "").split()
        if not words or not _is_port(words[0]):
            return None
        return RtcpAddress(int(words[0]), words[3] if len(words) > 3 else None)

    @property
    def is_rtp(self) -> bool:
        """Whether its components are RTP and RTCP."""
        return "RTP" in self.protocol.upper()


@dataclass(frozen=True, slots=True)
class Description:
    """A session description, or a fragment of one (RFC 8840 section 9)."""

    session: Section
    media: tuple[Section, ...] = ()
    origin: str = ""

    @property
    def sections(self) -> tuple[Section, ...]:
        """All its parts, that for the whole session first."""
        return (self.session, *self.media)

    @property
    def candidates(self) -> tuple[Found, ...]:
        """All its candidates in their order."""
        return tuple(found for section in self.sections for found in section.candidates)

    @property
    def is_lite(self) -> bool:
        """Whether the agent is a lite one (RFC 8839 section 5.3)."""
        return self.session.has("ice-lite")

    @property
    def groups(self) -> tuple[tuple[str, ...], ...]:
        """The mids of each bundle, that of the tagged section first (RFC 8843)."""
        groups = (one.value.split() for one in self.session.attributes if one.name == "group")
        return tuple(tuple(words[1:]) for words in groups if words[:1] == ["BUNDLE"])

    def inherited(self, section: Section, name: str) -> str | None:
        """Return an attribute that a section may leave to the session."""
        value = section.value(name)
        return self.session.value(name) if value is None else value

    def connection(self, section: Section) -> str | None:
        """Return the address of the c= line that counts for a section."""
        return section.connection or self.session.connection

    def is_trickling(self, section: Section) -> bool:
        """Whether more candidates may follow: trickle, and no end yet (RFC 8840 section 4)."""
        trickle = any("trickle" in one.options for one in (self.session, section))
        return trickle and not any(one.has("end-of-candidates") for one in (self.session, section))


@dataclass(slots=True)
class _Draft:
    """A section while its lines come."""

    line: int
    index: int | None = None
    media: tuple[str, int, str] = ("", 0, "")
    connection: str | None = None
    attributes: list[Attribute] = field(default_factory=list)

    def finish(self, origin: str) -> Section:
        mid = next((one.value.strip() for one in self.attributes if one.name == "mid"), None)
        candidates, unreadable = [], []
        for name, value, line in self.attributes:
            if name != "candidate":
                continue
            try:
                candidate = parse_leniently(f"candidate:{value}")
            except UsageError as error:
                unreadable.append(Unreadable(line, f"candidate:{value}", error.reason))
            else:
                candidates.append(Found(candidate, line, self.index, mid, origin))
        return Section(
            self.line, self.index, *self.media, self.connection,
            tuple(self.attributes), tuple(candidates), tuple(unreadable),
        )  # fmt: skip


def split_line(text: str) -> tuple[str, str] | None:
    """Return the type and the value of a line of SDP, or None for any other text."""
    match = _LINE.fullmatch(text.rstrip("\r\n"))
    return (match[1], match[2]) if match else None


def parse_leniently(text: str) -> Candidate:
    """Parse a candidate; spaces too many are no reason to refuse it. Raises UsageError."""
    try:
        return Candidate.parse(text)
    except UsageError:
        return Candidate.parse(" ".join(text.replace("candidate: ", "candidate:").split()))


def parse_sdp(lines: Iterable[Line], origin: str = "") -> Description:
    """Read one description. What is no line of SDP is passed over."""
    drafts: list[_Draft] = []
    for number, text in lines:
        pair = split_line(text)
        if pair is None:
            continue
        if not drafts:
            drafts.append(_Draft(number))
        _read(drafts, number, *pair)
    session, *media = [draft.finish(origin) for draft in drafts] or [Section(0)]
    return Description(session, tuple(media), origin)


def _read(drafts: list[_Draft], number: int, letter: str, value: str) -> None:
    words = value.split()
    if letter == "m":
        port = words[1].partition("/")[0] if len(words) > 1 else ""
        media = (
            words[0] if words else "",
            int(port) if _is_port(port) else 0,
            words[2] if len(words) > 2 else "",
        )
        drafts.append(_Draft(number, len(drafts) - 1, media))
    elif letter == "c" and len(words) > 2:
        drafts[-1].connection = words[2].partition("/")[0]  # a multicast address has its TTL there
    elif letter == "a":
        name, _, rest = value.partition(":")
        drafts[-1].attributes.append(Attribute(name.strip().lower(), rest, number))


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65535
