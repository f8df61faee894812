"""Three readers of the same datagrams: ours, tshark's and aioice's, and why they disagree.

Every disagreement has to be of a kind that is listed here, with the section that settles it. One
that is of no such kind fails, and shows the datagram.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
from aioice import stun
from hypothesis import HealthCheck, Phase, given, settings

from stunkit.dissect.tree import Tree, dissect
from stunkit.errors import Malformed, NotStun
from stunkit.wire.attributes.text import Software
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.integrity import add_integrity_sha256
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType
from tests.packets import ALICE, SERVER, datagram, pcap
from tests.strategies import datagrams
from tests.tshark import SharkMessage, look

pytestmark = pytest.mark.timeout(300)  # a corpus takes ten seconds, on a busy machine a minute

EXAMPLES = 1500
NAMES = {kind: name for kind, (_, name, *_) in stun.ATTRIBUTES_BY_TYPE.items()}
SHA256 = AttributeType.MESSAGE_INTEGRITY_SHA256


PLAIN = Message.request(1, bytes(range(12)), [Software("a")])
SEEDS = (  # rare in the corpus
    PLAIN.raw,
    b"\x80" + PLAIN.raw[1:],
    PLAIN.raw[:2] + b"\0\x09" + PLAIN.raw[4:] + b"\0",
    add_integrity_sha256(PLAIN, b"key").append(AttributeType.PRIORITY, bytes(4)).raw,
    add_fingerprint(PLAIN).append(AttributeType.PRIORITY, bytes(4)).raw,
)


@dataclass(frozen=True)
class Case:
    """A datagram, and what each of the three makes of it."""

    data: bytes
    ours: Tree
    shark: SharkMessage | None
    aioice: stun.Message | Exception

    @property
    def numbers(self) -> list[int]:
        """The attributes that we see, in order."""
        return [kind for kind, _ in self.ours.message.attributes] if self.ours.message else []

    @property
    def faulty(self) -> set[int]:
        """The types of the attributes whose values we cannot read."""
        found = self.ours.fields
        return {one.number or 0 for one in found if any(part.fault for part in one.fields)}

    def disagreements(self) -> set[str]:
        """What tshark or aioice see otherwise."""
        ours, aioice, shark = self.ours.message, self.aioice, self.shark
        if ours is None:
            accepts = {
                "tshark accepts": shark is not None and not shark.is_malformed,
                "aioice accepts": isinstance(aioice, stun.Message),
            }
            return {name for name, is_so in accepts.items() if is_so}
        names = {NAMES[kind] for kind, _ in ours.visible if kind in NAMES}
        found = set()
        if isinstance(aioice, Exception):
            found.add("aioice refuses")
        elif set(aioice.attributes) != names:
            found.add("aioice sees other attributes")
        return found | ({"tshark refuses"} if shark is None else self.disagreements_with(shark))

    def disagreements_with(self, shark: SharkMessage) -> set[str]:
        """What tshark sees otherwise in a message that both of us accept."""
        seen = [(one.type, one.length) for one in shark.attributes]
        ours = [(kind, len(value)) for kind, value in self.ours.message.attributes]
        facts = {
            "tshark finds a fault": shark.is_malformed and not self.faulty,
            "tshark finds no fault": bool(self.faulty) and not shark.is_malformed,
            "tshark sees other attributes": seen != ours[: len(seen)],
            "tshark sees fewer attributes": len(seen) < len(ours) and not shark.is_malformed,
        }
        return {name for name, is_so in facts.items() if is_so}


class Reason(NamedTuple):
    """A kind of disagreement, the section that settles it, and what tells it."""

    of: str
    why: str
    section: str
    tells: Callable[[Case], bool]


def error_of(case: Case, kind: type[Exception], words: str) -> bool:
    return isinstance(case.ours.error, kind) and words in case.ours.error.reason


def refusal(case: Case, words: str) -> bool:
    return isinstance(case.aioice, ValueError) and words in str(case.aioice)


REASONS = (
    Reason(
        "tshark refuses",
        "it wants the magic cookie, which messages of classic STUN have not",
        "RFC 3489 section 11.1",
        lambda case: case.ours.message.is_classic,
    ),
    Reason(
        "tshark refuses",
        "methods from 0x100 on are reserved, to keep the first byte under 4; they are methods",
        "RFC 7983 section 4, RFC 8489 section 18.2",
        lambda case: case.ours.message.method > 0xFF,
    ),
    Reason(
        "tshark accepts",
        "it shows what is left of an attribute whose length runs past the end",
        "RFC 8489 section 14: the length is that of the value",
        lambda case: error_of(case, Malformed, "are left"),
    ),
    Reason(
        "tshark finds no fault",
        "it shows values of a wrong size, family or encoding as they are",
        "RFC 8489 section 14, RFC 8656 section 18, RFC 5780 section 7: sizes, families, UTF-8",
        lambda case: bool(case.faulty),
    ),
    Reason(
        "tshark finds a fault",
        "it reads past the parameters of an algorithm where they are padded",
        "RFC 8489 sections 14.11 and 14.12",
        lambda case: bool({0x001D, 0x8002} & set(case.numbers)),
    ),
    Reason(
        "aioice refuses",
        "it knows some methods only, and refuses the others before it reads them",
        "RFC 8489 section 5: a method is a number of 12 bits",
        lambda case: refusal(case, "is not a valid Method"),
    ),
    Reason(
        "aioice refuses",
        "it reads no message whose FINGERPRINT is wrong; to us it is a message with that fault",
        "RFC 8489 section 7",
        lambda case: (
            refusal(case, "fingerprint does not match")
            and AttributeType.FINGERPRINT in case.numbers
        ),
    ),
    Reason(
        "aioice refuses",
        "it refuses the message for one value; to us that attribute alone is unreadable",
        "RFC 8489 section 6.3: only what is understood has to be checked",
        lambda case: isinstance(case.aioice, (ValueError, struct.error)) and bool(case.faulty),
    ),
    Reason(
        "aioice accepts",
        "it takes what is left of an attribute whose length runs past the end",
        "RFC 8489 section 14: the length is that of the value",
        lambda case: error_of(case, Malformed, "are left"),
    ),
    Reason(
        "aioice accepts",
        "it does not look at the two most significant bits",
        "RFC 8489 section 5: they MUST be zeroes",
        lambda case: error_of(case, NotStun, "most significant bits"),
    ),
    Reason(
        "aioice accepts",
        "it does not ask for a length that is a multiple of four",
        "RFC 8489 section 5: the last two bits of the length are always zero",
        lambda case: error_of(case, NotStun, "multiple of four"),
    ),
    Reason(
        "aioice sees other attributes",
        "it does not know MESSAGE-INTEGRITY-SHA256, and sees what that hides",
        "RFC 8489 section 14.6",
        lambda case: SHA256 in case.numbers,
    ),
    Reason(
        "aioice sees other attributes",
        "it sees what follows FINGERPRINT, which has to be the last",
        "RFC 8489 section 14.7",
        lambda case: AttributeType.FINGERPRINT in case.numbers[:-1],
    ),
)


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> list[Case]:
    folder: Path = tmp_path_factory.mktemp("corpus")
    corpus: list[bytes] = list(SEEDS)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(datagrams)
    def collect(data: bytes) -> None:
        corpus.append(data)

    collect()
    corpus = list(dict.fromkeys(corpus))
    path = folder / "corpus.pcap"
    path.write_bytes(
        pcap(datagram(ALICE, SERVER, data, float(time)) for time, data in enumerate(corpus))
    )
    seen = {one.frame: one for one in look(path, "-d", f"udp.port=={SERVER.port},stun")}
    return [
        Case(data, dissect(data), stun_of(seen.get(frame)), read_by_aioice(data))
        for frame, data in enumerate(corpus, 1)
    ]


def stun_of(message: SharkMessage | None) -> SharkMessage | None:
    """Leave ChannelData out, which the others do not read."""
    return None if message is None or message.type is None else message


def read_by_aioice(data: bytes) -> stun.Message | Exception:
    try:
        return stun.parse_message(data)
    except (ValueError, struct.error) as error:
        return error


def test_every_disagreement_is_of_a_kind_that_a_section_settles(cases):
    unexplained = [
        f"{one}: {case.data.hex()}"
        for case in cases
        for one in case.disagreements()
        if not any(reason.of == one and reason.tells(case) for reason in REASONS)
    ]
    assert not unexplained, "\n".join(unexplained[:10])


@pytest.mark.parametrize("reason", REASONS, ids=lambda reason: f"{reason.of}: {reason.why}")
def test_every_kind_of_disagreement_occurs(reason, cases):
    assert any(reason.of in case.disagreements() and reason.tells(case) for case in cases)


def test_the_corpus_holds_what_all_three_agree_on(cases):
    counts = Counter(
        (bool(case.ours.message), bool(case.shark), isinstance(case.aioice, stun.Message))
        for case in cases
        if not case.disagreements()
    )
    assert counts[True, True, True] > 10  # what Hypothesis draws differs with what is imported
    assert counts[False, False, False] > 100
