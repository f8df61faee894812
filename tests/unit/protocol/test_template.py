import pytest
from hypothesis import given

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import Malformed, NotStun
from stunkit.protocol.credentials import Credentials
from stunkit.protocol.respond import Disposition, Received, respond
from stunkit.protocol.site import Quartet, Site
from stunkit.protocol.template import (
    LONGEST,
    Plain,
    Template,
    is_not_stun,
    make_templates,
    plain_kind,
)
from stunkit.wire.attributes.text import Software
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass, Method
from tests.strategies import datagrams

MODERN, CLASSIC = bytes(range(200, 212)), bytes(range(100, 116))
BLANK = Message.request(Method.BINDING, MODERN)
NAMED = Message.request(Method.BINDING, MODERN, [Software("someone")])
OLD = Message.request(Method.BINDING, CLASSIC)

SOURCES = {
    Family.IPV4: (Endpoint.parse("192.0.2.1:32853"), Endpoint.parse("255.255.255.255:65535")),
    Family.IPV6: (Endpoint.parse("[2001:db8::1]:32853"), Endpoint.parse("[fe80::9%4]:1")),
}
FOUR = {
    Family.IPV4: tuple(Endpoint.of(f"198.51.100.{n}", p) for n in (1, 2) for p in (3478, 3479)),
    Family.IPV6: tuple(Endpoint.of(f"2001:db8::{n}", p) for n in (1, 2) for p in (3478, 3479)),
}
PUBLIC = tuple(Endpoint.of(f"203.0.113.{n}", p) for n in (1, 2) for p in (3478, 3479))


def with_software(size: int) -> bytes:
    """A request with so many bytes of SOFTWARE."""
    return BLANK.append(AttributeType.SOFTWARE, bytes(range(256))[:size]).raw


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        (BLANK, Plain.MODERN),
        (NAMED, Plain.MODERN),
        (add_fingerprint(BLANK), Plain.MARKED),
        (add_fingerprint(NAMED), Plain.MARKED),
        (OLD, Plain.CLASSIC),
    ],
)
def test_knows_plain_requests(request_: Message, kind: Plain):
    assert plain_kind(request_.raw) is kind


@pytest.mark.parametrize("size", range(97))
def test_knows_software_of_any_length(size: int):
    assert plain_kind(with_software(size)) is Plain.MODERN
    assert plain_kind(add_fingerprint(Message.decode(with_software(size))).raw) is Plain.MARKED


def test_knows_software_as_long_as_it_may_be():
    longest = with_software(LONGEST - 24)
    assert len(longest) == LONGEST
    assert plain_kind(longest) is Plain.MODERN
    assert plain_kind(with_software(LONGEST - 23)) is None
    assert plain_kind(add_fingerprint(Message.decode(with_software(97))).raw) is None


def changed(raw: bytes, place: int, value: bytes) -> bytes:
    return raw[:place] + value + raw[place + len(value) :]


SEALED = add_fingerprint(BLANK).raw
NOT_PLAIN = {
    "nothing": b"",
    "19 bytes": BLANK.raw[:-1],
    "21 bytes": BLANK.raw + b"\0",
    "23 bytes": SEALED[:23],
    "a header alone that says four bytes more": changed(BLANK.raw, 3, b"\4"),
    "an indication": Message.build(MessageClass.INDICATION, Method.BINDING, MODERN).raw,
    "another method": Message.request(Method.ALLOCATE, MODERN).raw,
    "another method, longer": Message.request(Method.ALLOCATE, MODERN, [Software("x")]).raw,
    "a classic request of another method": Message.request(Method.ALLOCATE, CLASSIC).raw,
    "a classic request with SOFTWARE": OLD.append(AttributeType.SOFTWARE, b"x").raw,
    "a length that is too large": changed(SEALED, 3, b"\x0c"),
    "a length that is no multiple of four": changed(SEALED + b"\0", 3, b"\x09"),
    "another attribute": BLANK.append(AttributeType.REALM, b"x").raw,
    "an attribute that may be ignored": BLANK.append(0x8000, b"x").raw,
    "an attribute between": add_fingerprint(NAMED.append(0x8000, b"x")).raw,
    "SOFTWARE twice": NAMED.append(AttributeType.SOFTWARE, b"x").raw,
    "SOFTWARE after FINGERPRINT": Message.decode(SEALED).append(0x8022, b"").raw,
    "SOFTWARE that runs past the end": changed(NAMED.raw, 22, b"\xff\xff"),
    "FINGERPRINT that is wrong": changed(SEALED, 27, bytes([SEALED[27] ^ 1])),
    "FINGERPRINT of another length": BLANK.append(AttributeType.FINGERPRINT, bytes(3)).raw,
    "FINGERPRINT twice": Message.decode(SEALED).append(0x8028, bytes(4)).raw,
}


@pytest.mark.parametrize("data", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_leaves_the_rest_to_respond(data: bytes):
    assert plain_kind(data) is None


def is_not_stun_to_decode(data: bytes) -> bool:
    try:
        Message.decode(data)
    except NotStun:
        return True
    except Malformed:
        return False
    return False


@pytest.mark.parametrize("data", NOT_PLAIN.values(), ids=NOT_PLAIN)
def test_knows_what_is_not_stun(data: bytes):
    assert is_not_stun(data) == is_not_stun_to_decode(data)


@given(datagrams)
def test_knows_what_decode_would_call_not_stun(data: bytes):
    assert is_not_stun(data) == is_not_stun_to_decode(data)


def sites(family: Family) -> list[Site]:
    four = FOUR[family]
    public = PUBLIC if family is Family.IPV4 else four
    quartets = [None, *(Quartet(four, public, proven=proven) for proven in (False, True))]
    software = [None, "", "stunkit", "x" * 127, "é" * 127]
    return [Site(text, quartet) for text in software for quartet in quartets]


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("place", range(4))
def test_says_what_respond_says(family: Family, place: int):
    local = FOUR[family][place]
    requests = [BLANK, NAMED, OLD, add_fingerprint(BLANK), add_fingerprint(NAMED)]
    for site in sites(family):
        templates = make_templates(site, local, family)
        assert set(templates) == set(Plain)
        for source in SOURCES[family]:
            for request in requests:
                template = templates[plain_kind(request.raw)]
                number = int.from_bytes(source.port.to_bytes(2, "big") + source.packed, "big")
                expected = respond(Received(request.raw, source, local), site)
                assert expected.disposition is Disposition.ANSWERED
                assert (expected.source, expected.destination) == (local, source)
                assert template.fill(request.raw, number) == expected.data
                assert template.size == len(expected.data)


@pytest.mark.parametrize("family", Family)
def test_needs_no_address_of_ours_without_a_quartet(family: Family):
    # a socket that is bound everywhere has one set of templates for all its addresses
    for site in (Site(), Site("stunkit")):
        made = [make_templates(site, local, family) for local in FOUR[family]]
        for kind in Plain:
            assert len({templates[kind].raw for templates in made}) == 1


def test_serves_refused_ports_too():
    # who asks from one gets nothing, which is for the caller to see to
    site = Site(refused_ports=frozenset(range(65536)))
    assert set(make_templates(site, FOUR[Family.IPV4][0], Family.IPV4)) == set(Plain)


def test_has_none_for_a_closed_server():
    for credentials in (
        Credentials({"user": "password"}),
        Credentials(secrets=["s"], realm="example.org", nonce_secret=bytes(16)),
    ):
        site = Site(credentials=credentials)
        assert make_templates(site, FOUR[Family.IPV4][0], Family.IPV4) == {}


@pytest.mark.parametrize("kind", Plain)
@pytest.mark.parametrize("family", Family)
def test_describes_what_fill_does(kind: Plain, family: Family):
    template: Template = make_templates(Site(), FOUR[family][0], family)[kind]
    request = {Plain.MODERN: BLANK, Plain.MARKED: add_fingerprint(BLANK), Plain.CLASSIC: OLD}[kind]
    source = bytes(range(1, 1 + template.source_size))
    answer = bytearray(template.raw)
    identity = request.raw[template.id_start : 20]
    assert len(identity) == template.id_size
    pieces = [(offset, identity) for offset in template.id_offsets]
    pieces += [(offset, source) for offset in template.source_offsets]
    for offset, piece in pieces:
        for place, byte in enumerate(piece, offset):
            answer[place] ^= byte
    filled = template.fill(request.raw, int.from_bytes(source, "big"))
    assert filled[: len(answer)] == answer
    assert len(filled) == template.size == len(answer) + 4 * template.has_fingerprint
