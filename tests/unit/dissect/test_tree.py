import tomllib
from pathlib import Path

import pytest

from stunkit.dissect.tree import Form, Tree, dissect
from stunkit.dissect.verify import Credential, Outcome
from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import XorPeerAddress
from stunkit.wire.attributes.text import Software
from stunkit.wire.attributes.turn import Data
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method

VECTORS = tomllib.loads((Path(__file__).parents[2] / "data/rfc5769.toml").read_text())
IDENTITY = bytes(range(12))
REQUEST = Message.request(Method.BINDING, IDENTITY, [Software("abc")])


def attributes(tree: Tree) -> dict[str, str]:
    return {field.name: field.text for field in tree.fields if field.number is not None}


@pytest.mark.parametrize("name", VECTORS)
def test_reads_the_vectors_of_rfc_5769_and_checks_them(name):
    vector = VECTORS[name]
    tree = dissect(bytes.fromhex(vector["hex"]), [Credential(vector["password"])])
    assert not tree.faults
    assert tree.message is not None
    assert [check.outcome for check in tree.checks] == [Outcome.RIGHT]
    texts = attributes(tree)
    for key, number in (("software", "SOFTWARE"), ("username", "USERNAME"), ("realm", "REALM")):
        if key in vector:
            assert texts[number] == vector[key]
    if "mapped" in vector:
        assert texts["XOR-MAPPED-ADDRESS"] == vector["mapped"]
    notes = {field.name: field.note for field in tree.fields}
    assert notes["MESSAGE-INTEGRITY"].startswith("right (")
    if "FINGERPRINT" in notes:
        assert notes["FINGERPRINT"] == "right"


@pytest.mark.parametrize("name", VECTORS)
def test_finds_a_password_that_is_wrong(name):
    # an answer tells no realm, so that its key may be of either kind
    credential = Credential("another", VECTORS[name].get("username", "user"), "realm")
    tree = dissect(bytes.fromhex(VECTORS[name]["hex"]), [credential])
    (fault,) = tree.faults
    assert fault.name == "MESSAGE-INTEGRITY"
    assert "does not fit the password (tried: short-term" in fault.fault


def test_names_the_parts_of_the_header():
    header = dissect(REQUEST.raw).fields[0]
    assert [(field.offset, field.name, field.text) for field in header.fields] == [
        (0, "type", "Binding request"),
        (2, "length", "8"),
        (4, "magic cookie", "2112a442"),
        (8, "transaction id", IDENTITY.hex()),
    ]


def test_reads_classic_stun():
    tree = dissect(Message.request(Method.BINDING, bytes(16)).raw)
    assert (tree.form, tree.title) == (Form.CLASSIC, "classic Binding request")
    assert tree.fields[0].fields[-1].note == "no magic cookie: classic STUN (RFC 3489)"


@pytest.mark.parametrize(
    ("data", "place", "fault"),
    [
        (REQUEST.raw[:2] + b"\x00\x0a" + REQUEST.raw[4:], 2, "the length is no multiple of four"),
        (REQUEST.raw[:24], 2, "the length says 8 bytes of body, there are 4"),
        (REQUEST.raw + b"abcd", 2, "the length says 8 bytes of body, there are 12"),
        (REQUEST.raw[:10], 8, "the header ends after 10 bytes, it has 20"),
        (REQUEST.raw[:2], 2, "the header ends after 2 bytes, it has 20"),
        (REQUEST.raw[:1], 0, "the header ends after 1 bytes, it has 20"),
        (b"\x80" + bytes(19), 0, "the two most significant bits are not zero"),
        (b"", 0, "0 bytes, fewer than a header's 20"),
        (REQUEST.raw[:22] + b"\x00\x09" + REQUEST.raw[24:], 22, "its length is 9 bytes, 4 are"),
    ],
)
def test_says_where_and_why_it_breaks(data, place, fault):
    tree = dissect(data)
    assert tree.message is None
    assert tree.error is not None
    assert tree.faults[0].offset == place
    assert tree.faults[0].fault.startswith(fault)


def test_shows_the_attributes_of_a_message_that_is_cut():
    raw = Message.request(Method.BINDING, IDENTITY, [Software("abcd"), Software("efgh")]).raw
    tree = dissect(raw[:-2])
    assert tree.fields[1].text == "abcd"
    assert tree.fields[2].text == "cut short"


@pytest.mark.parametrize(
    ("first", "title"),
    [
        (0x16, "not STUN; by its first byte DTLS (RFC 7983)"),
        (0x80, "not STUN; by its first byte RTP or RTCP (RFC 7983)"),
        (0x05, "not STUN"),
    ],
)
def test_says_what_else_it_may_be(first, title):
    tree = dissect(bytes((first,)) + b"\xff" * 30)
    assert (tree.form, tree.title) == (Form.OTHER, title)


def test_says_what_a_fingerprint_should_be():
    raw = bytearray(add_fingerprint(REQUEST).raw)
    right = raw[-4:].hex()
    raw[-1] ^= 1
    (fault,) = dissect(bytes(raw)).faults
    assert (fault.name, fault.fault) == (
        "FINGERPRINT",
        f"it should be {right}, or what precedes it was changed",
    )


def test_says_that_a_fingerprint_has_to_be_the_last():
    raw = add_fingerprint(REQUEST).append(0x8022, b"abcd").raw
    assert dissect(raw).faults[0].fault == "it has to be the last attribute"


def test_looks_into_a_message_inside_data():
    inner = add_fingerprint(REQUEST)
    peer = XorPeerAddress(Endpoint.parse("192.0.2.1:7"))
    outer = Message.build(MessageClass.INDICATION, Method.SEND, IDENTITY, [peer, Data(inner.raw)])
    tree = dissect(outer.raw)
    assert tree.fields[2].text == f"{len(inner.raw)} bytes: Binding request"
    nested = [field for field in tree.walk() if field.name == "SOFTWARE"]
    assert nested[0].offset == 20 + 12 + 4 + 20
    assert not tree.faults


def test_looks_into_a_message_inside_channel_data():
    data = b"\x40\x00" + len(REQUEST.raw).to_bytes(2, "big") + REQUEST.raw
    tree = dissect(data)
    assert (tree.form, tree.title, tree.error) == (Form.CHANNEL_DATA, "ChannelData", None)
    assert tree.fields[2].text == "Binding request"
    assert [field.offset for field in tree.walk() if field.name == "SOFTWARE"] == [24]


def test_looks_only_so_deep():
    data = REQUEST.raw
    for _ in range(4):
        data = b"\x40\x00" + len(data).to_bytes(2, "big") + data
        data = Message.build(MessageClass.INDICATION, Method.SEND, IDENTITY, [Data(data)]).raw
    titles = [field.text for field in dissect(data).walk() if field.name == "message"]
    assert len(titles) <= 2
