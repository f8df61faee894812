"""Redaction: a text that can be shown to strangers and still says what is wrong in it.

Hides IP addresses, mDNS names, names of candidates, foundations (some agents make them of the
address), ufrags, passwords, fingerprints and the credentials of servers. Keeps what they are: an
address becomes a name that tells its family and scope (``ipv4-private-1.invalid``), the same
address the same name, so that the lint says of the redacted text what it says of the original.

Rules of this file: nothing that was hidden can be computed from what stands in its place. What
tells nothing (0.0.0.0, ::, loopback) stays.
"""

from __future__ import annotations

import re
from dataclasses import replace

from stunkit.ice.candidate import Candidate, parse_ip
from stunkit.ice.dump import Dump
from stunkit.ice.redundancy import normal
from stunkit.ice.scope import Scope, family_of, is_stand_in, scope_of, stand_in
from stunkit.ice.sdp import Attribute, Found, Section, Unreadable

_BEFORE = r"(?:(?<![\w.])|(?<=\\[nrt]))"  # a line may begin as it does in JSON
_IPV4 = _BEFORE + r"\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)"
_IPV6 = (
    _BEFORE + r"(?<![0-9A-Fa-f]:)(?<!::)(?:[0-9A-Fa-f]{0,4}:){2,7}"
    r"(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9A-Fa-f]{1,4})?(?:%[\w.-]+)?(?![\w:])"
)
_ADDRESS = re.compile(f"{_IPV6}|{_IPV4}")
_MDNS = re.compile(r"(?<![\w.-])(?:[\w-]+\.)+local(?![\w-])", re.IGNORECASE)
_LINE = re.compile(
    r"(candidate:\s?(?!candidate:))(\S{1,256})( +\d+ +\S+ +\d+ +)(\S+)",
    re.IGNORECASE,
)
_FIRST = re.compile(r"(candidate:\s?)(\S+)", re.IGNORECASE)  # also in what is no candidate
_QUOTED = re.compile(r"(\bits (?:foundation|address|raddr))(?: '.*?'| \".*?\")(?= is not )")
_ROW = re.compile(
    r"\b((?:host|srflx|prflx|relay)(?:\s?\([^)]{0,40}\))?\s+)([A-Za-z0-9+/]{1,256})(\s+(?:udp|tcp)\s)",
    re.IGNORECASE,
)
_UFRAG = re.compile(
    r"(ice-ufrag:\s*|\bufrag |usernameFragment\\?[\"']?\s*[:=]\s*\\?[\"']?)([\w+/-]+)"
)
_PWD = re.compile(r"(ice-pwd:\s*)([\w+/-]+)")
_FINGERPRINT = re.compile(r"(fingerprint:\s*[\w-]{1,32} +)((?:[0-9A-Fa-f]{2}:)+[0-9A-Fa-f]{2})")
_HASH = re.compile(r"()((?:[0-9A-Fa-f]{2}:){15,}[0-9A-Fa-f]{2})")  # the same in statistics
_CERTIFICATE = re.compile(r"\bMI[A-Za-z0-9+/]{60,}={0,2}")  # DER of a sequence, in base64
_SECRET = re.compile(
    r"((?:credential|username|password)\\?\"\s*:\s*\\?\")([^\"\\]+)",
    re.IGNORECASE,
)
_REALM = re.compile(r"(\bin the realm \\?\")([^\"\\]*)")  # as a relay's verdict has it
_WORD = re.compile(r"[A-Za-z0-9+/]{4,256}")  # a ufrag may be one; RFC 8839 section 5.4
_NAME = re.compile(r"(?<![\w.-])[\w-]+(?:\.[\w-]+)+")
_RELATED = re.compile(r"(\braddr +)(\S+)", re.IGNORECASE)
_CONNECTION = re.compile(r"(\bIN IP[46] +)([^\s\\\"/]+)")  # of c=, o= and a=rtcp
_OWNER = re.compile(r"((?:^|\\n)[ \t]*o=)(\S+)", re.MULTILINE)
_UNTOLD = frozenset((Scope.UNSPECIFIED, Scope.LOOPBACK))
LONG_FOUNDATION = 8  # characters; shorter ones are words and numbers that mean other things


class Redactor:
    """Redact texts and candidates; one redactor gives one thing one stand-in throughout."""

    def __init__(self) -> None:
        self._stand_ins: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}

    def address(self, address: str) -> str:
        """Return what stands for an address or a name."""
        scope, family = scope_of(address), family_of(address)
        if scope in _UNTOLD or (is_stand_in(address) and scope is not Scope.MDNS):
            return address
        known = ("address", normal(address))
        if known not in self._stand_ins:
            number = self._next(f"{family} {scope}")
            self._stand_ins[known] = stand_in(scope, family, number)
        return self._stand_ins[known]

    def candidate(self, candidate: Candidate) -> Candidate:
        """Return a candidate with everything hidden that redaction hides."""
        return Candidate.parse(self.text(candidate.format()))

    def dump(self, dump: Dump) -> Dump:
        """Return a dump likewise: what the lint quotes of it is hidden, however short it is."""
        return Dump(
            tuple(
                replace(
                    one,
                    session=self._section(one.session),
                    media=tuple(map(self._section, one.media)),
                )
                for one in dump.descriptions
            ),
            tuple(map(self._found, dump.loose)),
            tuple(map(self._unreadable, dump.unreadable)),
        )

    def text(self, text: str) -> str:
        """Return any text (SDP, JSON, a log) likewise; its lines stay where they are."""
        text = _FINGERPRINT.sub(self._fingerprint, text)
        text = _HASH.sub(self._fingerprint, text)
        text = _CERTIFICATE.sub("redacted", text)
        text = _PWD.sub(lambda match: match[1] + self._word("pwd", match[2]), text)
        text = _UFRAG.sub(lambda match: match[1] + self._word("ufrag", match[2]), text)
        text = _SECRET.sub(r"\1redacted", text)
        text = _REALM.sub(r"\1redacted", text)
        text = _OWNER.sub(r"\1-", text)
        text = _ADDRESS.sub(self._address, text)
        text = _MDNS.sub(lambda match: self.address(match[0]), text)
        text = self._known(text)
        text = _ROW.sub(lambda match: match[1] + self._foundation(match[2]) + match[3], text)
        text = _RELATED.sub(self._name, text)
        text = _CONNECTION.sub(self._name, text)
        return _LINE.sub(self._line, text)

    def _section(self, section: Section) -> Section:
        return replace(
            section,
            connection=section.connection and self.address(section.connection),
            attributes=tuple(map(self._attribute, section.attributes)),
            candidates=tuple(map(self._found, section.candidates)),
            unreadable=tuple(map(self._unreadable, section.unreadable)),
        )

    def _attribute(self, attribute: Attribute) -> Attribute:
        if attribute.name == "candidate":  # what it says is among the candidates
            return attribute._replace(value="")
        name, colon = attribute.name, ":" if attribute.value else ""
        value = self.text(f"{name}{colon}{attribute.value}").removeprefix(f"{name}{colon}")
        return attribute._replace(value=value)

    def _found(self, found: Found) -> Found:
        return replace(found, candidate=self.candidate(found.candidate))

    def _unreadable(self, unreadable: Unreadable) -> Unreadable:
        text, reason = self.text(unreadable.text), _QUOTED.sub(r"\1", unreadable.reason)
        if not _LINE.search(text):
            text = _FIRST.sub(self._first, text)
        return unreadable._replace(text=text, reason=self.text(reason))

    def _first(self, match: re.Match[str]) -> str:
        return match[1] + self._foundation(match[2])

    def _address(self, match: re.Match[str]) -> str:
        return match[0] if parse_ip(match[0]) is None else self.address(match[0])

    def _line(self, match: re.Match[str]) -> str:
        """Hide the foundation of a candidate, and its address where that is a name."""
        return match[1] + self._foundation(match[2]) + match[3] + self._unnamed(match[4])

    def _name(self, match: re.Match[str]) -> str:
        return match[1] + self._unnamed(match[2])

    def _unnamed(self, address: str) -> str:
        return self.address(address) if scope_of(address) is Scope.NAME else address

    def _foundation(self, foundation: str) -> str:
        known = ("foundation", foundation)
        if known not in self._stand_ins:
            self._stand_ins[known] = str(self._next("foundation"))
        return self._stand_ins[known]

    def _word(self, kind: str, word: str) -> str:
        """Return a word as long as the other: ``u001``, so that its length can be judged."""
        known = (kind, word)
        if known not in self._stand_ins:
            number = self._next(kind)
            self._stand_ins[known] = f"{kind[0]}{number:0{max(len(word) - 1, 1)}}"
        return self._stand_ins[known]

    def _known(self, text: str) -> str:
        """Hide what is known by now wherever else it stands as a word, as in a finding's text."""
        text = _NAME.sub(self._known_name, text)
        return _WORD.sub(self._known_word, text)

    def _known_word(self, match: re.Match[str]) -> str:
        kinds = ("ufrag", "foundation") if len(match[0]) >= LONG_FOUNDATION else ("ufrag",)
        found = (self._stand_ins.get((kind, match[0])) for kind in kinds)
        return next((word for word in found if word), match[0])

    def _known_name(self, match: re.Match[str]) -> str:
        return self._stand_ins.get(("address", match[0].lower()), match[0])

    def _fingerprint(self, match: re.Match[str]) -> str:
        known = ("fingerprint", match[2].upper())
        if known not in self._stand_ins:
            length = match[2].count(":") + 1
            number = self._next("fingerprint") % 256 ** min(length, 8)
            self._stand_ins[known] = number.to_bytes(length, "big").hex(":").upper()
        return match[1] + self._stand_ins[known]

    def _next(self, kind: str) -> int:
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind]
