"""A message as a tree of fields, whole or broken: every byte is in one, and each fault has a place.

Dissecting is total: where a message breaks, the fields before it stand as they are, the fault says
why, and what cannot be read any more is opaque. Whether a message is accepted, and what its first
error is, is what ``Message.decode`` says.

RFC 8489 sections 5, 7 and 14; RFC 3489 section 11.1 without the magic cookie; RFC 8656 section
12.4 for ChannelData; RFC 7983 and RFC 9443 for what is neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from zlib import crc32

from stunkit.dissect.attributes import Attributes
from stunkit.dissect.channel import channel_fields
from stunkit.dissect.field import Field, chain
from stunkit.dissect.value import hexadecimal
from stunkit.dissect.verify import Check, Credential, Outcome, verify
from stunkit.errors import Malformed, NotStun, WireError
from stunkit.wire import fingerprint
from stunkit.wire.demux import Kind, demultiplex
from stunkit.wire.fingerprint import check_fingerprint
from stunkit.wire.message import HEADER_SIZE, MAGIC_COOKIE, Message
from stunkit.wire.registry import AttributeType, method_name

DEPTH = 2  # messages inside messages that are looked into; TURN inside TURN is the most there is

_GUESSES = {
    Kind.ZRTP: "ZRTP",
    Kind.DTLS: "DTLS",
    Kind.RTP: "RTP or RTCP",
    Kind.QUIC: "QUIC",
}


class Form(StrEnum):
    """What the bytes are, or are meant to be."""

    STUN = "stun"
    CLASSIC = "classic-stun"  # RFC 3489: no magic cookie
    CHANNEL_DATA = "channel-data"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Tree:
    """A dissected message.

    ``message`` is None where the bytes are no message that would be accepted; ``error`` is then
    the first thing that is wrong with it (None for ChannelData that is whole).
    """

    data: bytes
    form: Form
    title: str
    fields: tuple[Field, ...]
    message: Message | None
    error: WireError | None
    checks: tuple[Check, ...] = ()

    @classmethod
    def decode(
        cls,
        data: bytes,
        credentials: Sequence[Credential] = (),
        request: Message | None = None,
    ) -> Tree:
        """Take a message apart (see ``dissect``)."""
        return dissect(data, credentials, request)

    def walk(self) -> Iterator[Field]:
        """Yield all fields, each before those in it."""
        for field in self.fields:
            yield from field.walk()

    @property
    def faults(self) -> tuple[Field, ...]:
        """The fields with a fault, in order."""
        return tuple(field for field in self.walk() if field.fault)


def dissect(
    data: bytes,
    credentials: Sequence[Credential] = (),
    request: Message | None = None,
    *,
    depth: int = DEPTH,
) -> Tree:
    """Take a message apart.

    With credentials its integrity is checked (see ``verify``); ``request`` is the one that it
    answers. Raises Unencodable for a password that cannot be prepared.
    """

    def look_inside(value: bytes, start: int) -> Field | None:
        if not depth or not looks_like_stun(value):
            return None
        inner = dissect(value, credentials, depth=depth - 1)
        fields = tuple(field.moved(start) for field in inner.fields)
        return Field(start, len(value), "message", inner.title, fields=fields)

    message: Message | None = None
    error: WireError | None = None
    try:
        message = Message.decode(data)
    except (NotStun, Malformed) as caught:
        error = caught
    form = _form(data, message)
    title = _title(data, form)
    if form is Form.CHANNEL_DATA:
        fields, error = channel_fields(data, look_inside)
        return Tree(data, form, title, fields, None, error)
    if error is not None and form is Form.OTHER:
        whole = Field(0, len(data), "data", hexadecimal(data), fault=error.reason)
        return Tree(data, form, title, (whole,), None, error)
    if len(data) < HEADER_SIZE:
        return Tree(data, form, title, (_cut_header(data),), None, error)
    fields = (_header(data, error), *Attributes(data, look_inside).read())
    if message is None:
        return Tree(data, form, title, fields, None, error)
    checks = verify(message, credentials, request)
    fields = tuple(_checked(field, message, checks) for field in fields)
    return Tree(data, form, title, fields, message, None, checks)


def looks_like_stun(data: bytes) -> bool:
    """Whether this is meant to be STUN: two zero bits and the cookie (RFC 8489 section 6.3)."""
    return len(data) >= 8 and data[0] <= 0x3F and data[4:8] == MAGIC_COOKIE


def _form(data: bytes, message: Message | None) -> Form:
    if looks_like_stun(data):
        return Form.STUN
    if message is not None:
        return Form.CLASSIC
    kind = demultiplex(data)
    if kind is Kind.STUN:
        return Form.CLASSIC if len(data) >= 8 else Form.STUN
    return Form.CHANNEL_DATA if kind is Kind.TURN_CHANNEL else Form.OTHER


def _title(data: bytes, form: Form) -> str:
    """Return what it is, in a few words."""
    if form is Form.CHANNEL_DATA:
        return "ChannelData"
    if form is Form.OTHER:
        guess = _GUESSES.get(demultiplex(data))
        return f"not STUN; by its first byte {guess} (RFC 7983)" if guess else "not STUN"
    return ("classic " if form is Form.CLASSIC else "") + (_type_name(data) or "a byte of STUN")


def _type_name(data: bytes) -> str:
    if len(data) < 2:
        return ""
    head = Message(data, ())
    kind = head.message_class.name.replace("_", " ").lower()
    return f"{method_name(head.method)} {kind}"


def _header_parts(data: bytes) -> list[tuple[int, str, str]]:
    """Return the parts of a header, whole or not."""
    length = str(int.from_bytes(data[2:4], "big"))
    parts = [(2, "type", _type_name(data)), (2, "length", length)]
    if len(data) < 8 or data[4:8] == MAGIC_COOKIE:
        return [*parts, (4, "magic cookie", data[4:8].hex()), (12, "transaction id", "")]
    return [*parts, (16, "transaction id", "")]


def _header(data: bytes, error: WireError | None) -> Field:
    *fields, last = chain(0, _header_parts(data))
    note = "no magic cookie: classic STUN (RFC 3489)" if last.length == 16 else ""
    fields.append(replace(last, text=data[last.offset : HEADER_SIZE].hex(), note=note))
    if isinstance(error, NotStun):
        place = next(i for i, field in enumerate(fields) if error.offset < field.end)
        fields[place] = replace(fields[place], fault=error.reason)
    return Field(0, HEADER_SIZE, "header", fields=tuple(fields))


def _cut_header(data: bytes) -> Field:
    """Return the fields of a header that is not whole; the one that is cut has the fault."""
    size = len(data)
    fields = []
    for field in chain(0, _header_parts(data)):
        if field.end > size:
            rest = data[field.offset :]
            fault = f"the header ends after {size} bytes, it has {HEADER_SIZE}"
            fields.append(Field(field.offset, len(rest), field.name, rest.hex(), fault=fault))
            break
        fields.append(field)
    return Field(0, size, "header", fields=tuple(fields))


def _checked(field: Field, message: Message, checks: Sequence[Check]) -> Field:
    """Return an attribute with what became of its check, if it has one."""
    if field.number is None or field.offset != message.offset(field.number):
        return field
    if field.number == AttributeType.FINGERPRINT:
        is_right = check_fingerprint(message)
        if is_right is None:
            return field
        return (
            _noted(field, "right") if is_right else replace(field, fault=_correct(field, message))
        )
    for check in checks:
        if check.number == field.number:
            if check.outcome is Outcome.WRONG:
                return replace(field, fault=check.why)
            return _noted(field, check.why)
    return field


def _correct(field: Field, message: Message) -> str:
    """Say what a FINGERPRINT that is wrong should be."""
    if field.end != len(message.raw):
        return "it has to be the last attribute"
    crc = crc32(message.raw[: field.offset]) ^ fingerprint.XOR
    return f"it should be {crc:08x}, or what precedes it was changed"


def _noted(field: Field, note: str) -> Field:
    return replace(field, note=f"{field.note}; {note}" if field.note else note)
