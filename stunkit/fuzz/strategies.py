"""Hypothesis strategies for STUN: messages, bytes that are almost messages, and conversations.

    from hypothesis import given
    from stunkit.fuzz import strategies as stun

    @given(stun.datagrams)
    def test_my_parser_raises_nothing_else(data): ...

Needs Hypothesis (``pip install 'stunkit[fuzz]'``). Names are in the plural; what takes parameters
is a function. Rules of this file: what is called a message here is right by the codec.
"""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import strategies as st

from stunkit.endpoint import Endpoint, Family
from stunkit.wire.attributes.address import Address, XorMappedAddress
from stunkit.wire.attributes.attribute import Attribute, Flag, Number, Opaque
from stunkit.wire.attributes.behavior import ChangeRequest
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.attributes.password import Algorithm, PasswordAlgorithm, PasswordAlgorithms
from stunkit.wire.attributes.table import ATTRIBUTES
from stunkit.wire.attributes.text import AlternateDomain, Nonce, Realm, Text, Username
from stunkit.wire.attributes.turn import AddressErrorCode, AddressFamily, EvenPort, Icmp
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.integrity import add_integrity, long_term_key
from stunkit.wire.message import MAGIC_COOKIE, Message
from stunkit.wire.registry import MessageClass, Method
from stunkit.wire.uri import NAMED, Scheme, Uri

transaction_ids = st.binary(min_size=12, max_size=12)
classic_ids = st.binary(min_size=16, max_size=16).filter(lambda raw: raw[:4] != MAGIC_COOKIE)
ports = st.integers(0, 65535)
methods = st.integers(0, 0xFFF)
type_numbers = st.sampled_from(sorted(ATTRIBUTES)) | st.integers(0, 0xFFFF)
families = st.sampled_from(Family)

packed_addresses = (
    st.binary(min_size=4, max_size=4)
    | st.binary(min_size=16, max_size=16)
    | st.binary(min_size=4, max_size=4).map(lambda packed: bytes(10) + b"\xff\xff" + packed)
)
endpoints = st.builds(Endpoint, packed_addresses, ports)
scoped_endpoints = st.builds(Endpoint, packed_addresses, ports, st.integers(0, 0xFFFFFFFF))

utf8 = st.characters(codec="utf-8")
phrases = st.text(utf8, max_size=127)
codes = st.integers(300, 699)
algorithms = st.builds(Algorithm, st.integers(0, 0xFFFF), st.binary(max_size=9))

_OWN: dict[type[Attribute], st.SearchStrategy[Attribute]] = {
    ChangeRequest: st.builds(ChangeRequest, st.booleans(), st.booleans()),
    ErrorCode: st.builds(ErrorCode, codes, phrases),
    UnknownAttributes: st.builds(
        UnknownAttributes, st.lists(st.integers(0, 0xFFFF), max_size=9).map(tuple)
    ),
    PasswordAlgorithm: st.builds(PasswordAlgorithm, algorithms),
    PasswordAlgorithms: st.builds(PasswordAlgorithms, st.lists(algorithms, max_size=4).map(tuple)),
    AlternateDomain: st.builds(AlternateDomain, st.text(st.characters(codec="ascii"))),
    EvenPort: st.builds(EvenPort, st.booleans()),
    AddressErrorCode: st.builds(AddressErrorCode, families, codes, phrases),
    Icmp: st.builds(Icmp, st.integers(0, 0x7F), st.integers(0, 0x1FF), st.integers(0, 0xFFFFFFFF)),
}


def attributes_of(kind: type[Attribute]) -> st.SearchStrategy[Attribute]:
    """Attributes of one class. Raises TypeError for a class that nobody thought of."""
    if kind in _OWN:
        return _OWN[kind]
    if issubclass(kind, Address):
        return st.builds(kind, endpoints)
    if issubclass(kind, AddressFamily):
        return st.builds(kind, families)
    if issubclass(kind, Number):
        return st.builds(kind, st.integers(0, (1 << 8 * kind.width) - 1))
    if issubclass(kind, Flag):
        return st.just(kind())
    if issubclass(kind, Text):
        return st.builds(kind, phrases)
    if issubclass(kind, Opaque):
        fitting = [st.binary(min_size=size, max_size=size) for size in kind.sizes]
        return st.builds(kind, st.one_of(fitting) if fitting else st.binary(max_size=40))
    raise TypeError(kind.__name__)


attributes = st.one_of([attributes_of(kind) for kind in ATTRIBUTES.values()])
attribute_lists = st.lists(attributes, max_size=6)

modern_messages = st.builds(
    Message.build, st.sampled_from(MessageClass), methods, transaction_ids, attribute_lists
)
classic_messages = st.builds(
    Message.build, st.sampled_from(MessageClass), methods, classic_ids, attribute_lists
)
messages = modern_messages | classic_messages


@st.composite
def almost_right_pieces(draw: st.DrawFn) -> bytes:
    """One attribute on the wire: any value under any type, any padding, perhaps a false length."""
    number = draw(type_numbers)
    value = draw(st.binary(max_size=24))
    error = draw(st.sampled_from((0, 0, 0, 0, 0, 0, 0, -1, 1, 4, 0xFF00)))
    padding = draw(st.binary(min_size=-len(value) % 4, max_size=-len(value) % 4))
    claimed = max(0, len(value) + error)
    return number.to_bytes(2, "big") + claimed.to_bytes(2, "big") + value + padding


@st.composite
def almost_right_datagrams(draw: st.DrawFn) -> bytes:
    """A header that mostly fits, and attributes that mostly fit."""
    body = b"".join(draw(st.lists(almost_right_pieces(), max_size=5)))
    error = draw(st.sampled_from((0, 0, 0, 0, 0, 0, 0, 1, 4, 0x100)))
    kind = draw(st.sampled_from((0x0001, 0x0011, 0x0101, 0x0111)) | st.integers(0, 0x3FFF))
    identity = draw(transaction_ids.map(lambda raw: MAGIC_COOKIE + raw) | classic_ids)
    return kind.to_bytes(2, "big") + (len(body) + error).to_bytes(2, "big") + identity + body


@st.composite
def mutated_datagrams(draw: st.DrawFn) -> bytes:
    """A message with some of its bytes changed."""
    raw = bytearray(draw(messages).raw)
    places = st.integers(0, len(raw) - 1)
    for place, byte in draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=4)):
        raw[place] = byte
    return bytes(raw)


@st.composite
def truncated_datagrams(draw: st.DrawFn) -> bytes:
    """The start of a message; its header may say so."""
    raw = draw(messages).raw
    raw = raw[: draw(st.integers(0, len(raw)))]
    if len(raw) >= 20 and draw(st.booleans()):
        raw = raw[:2] + (len(raw) - 20).to_bytes(2, "big") + raw[4:]
    return raw


datagrams = (
    st.binary(max_size=200)
    | messages.map(lambda message: message.raw)
    | mutated_datagrams()
    | truncated_datagrams()
    | almost_right_datagrams()
)

hosts = (
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.\-]{0,20}", fullmatch=True)
    | st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map(str)
    | st.sampled_from(("bücher.example", "例え.テスト", "fe80::1%2"))
)
uris = st.builds(
    Uri,
    st.sampled_from(Scheme),
    hosts,
    st.none() | ports,
    st.none() | st.sampled_from(NAMED),
)


@st.composite
def cut_streams(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    """Messages, and the stream of them cut into pieces."""
    whole = draw(st.lists(messages.map(lambda message: message.raw), max_size=4))
    stream = b"".join(whole)
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    ends = [*cuts, len(stream)]
    pieces = [stream[start:end] for start, end in zip([0, *cuts], ends, strict=True)]
    return whole, pieces


class Step(NamedTuple):
    """One datagram of a conversation, and who sends it."""

    data: bytes
    is_from_client: bool


names = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Step, ...]:
    """Draw what a client and a server send each other, in order: all of it right.

    Binding transactions, with retransmissions and late answers; before some a challenge, and then
    the answer is signed (RFC 8489 sections 6.2.1 and 9.2.3).
    """
    steps: list[Step] = []
    mapped = draw(endpoints)
    for identity in draw(st.lists(transaction_ids, min_size=1, max_size=3, unique=True)):
        request = Message.request(Method.BINDING, identity)
        key = b""
        if draw(st.booleans()):
            user, realm, nonce = Username(draw(names)), Realm(draw(names)), draw(names).encode()
            login = [user, realm, Nonce(nonce)]
            key = long_term_key(user.text, realm.text, draw(names))
            challenged = bytes(byte ^ 0xFF for byte in identity)
            first = Message.request(Method.BINDING, challenged)
            refusal = [ErrorCode(401, "Unauthenticated"), *login[1:]]
            steps += _asked(draw, first)
            error = MessageClass.ERROR_RESPONSE
            steps.append(
                Step(
                    Message.build(error, Method.BINDING, challenged, refusal).raw,
                    is_from_client=False,
                )
            )
            request = add_integrity(Message.request(Method.BINDING, identity, login), key)
        if draw(st.booleans()):
            request = add_fingerprint(request)
        steps += _asked(draw, request)
        success = MessageClass.SUCCESS_RESPONSE
        answer = Message.build(success, Method.BINDING, identity, [XorMappedAddress(mapped)])
        answer = add_integrity(answer, key) if key else answer
        steps += [Step(answer.raw, is_from_client=False)] * draw(st.sampled_from((1, 1, 1, 2)))
    return tuple(steps)


def _asked(draw: st.DrawFn, request: Message) -> list[Step]:
    """Return a request, and perhaps the same bytes again: a retransmission."""
    return [Step(request.raw, is_from_client=True)] * draw(st.sampled_from((1, 1, 1, 2, 3)))
