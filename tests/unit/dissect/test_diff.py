from stunkit.dissect.diff import Change, Row, compare
from stunkit.dissect.tree import dissect
from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.attributes.text import Realm, Software, Username
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass

ONE, TWO = bytes(12), bytes(range(12))
MAPPED = XorMappedAddress(Endpoint.parse("192.0.2.1:7"))


def message(identity: bytes, *attributes) -> Message:
    return Message.build(MessageClass.SUCCESS_RESPONSE, 1, identity, attributes)


def rows(left: Message, right: Message) -> list[Row]:
    found = compare(dissect(left.raw), dissect(right.raw))
    return [row for row in found if (row.left or row.right).number is not None]


def changes(left: Message, right: Message) -> list[tuple[str, Change, bool]]:
    return [((row.left or row.right).name, row.change, row.is_moved) for row in rows(left, right)]


def test_finds_nothing_between_a_message_and_itself():
    raw = add_fingerprint(message(ONE, Software("a"), MAPPED, Software("b"))).raw
    assert {row[0::3] for row in compare(dissect(raw), dissect(raw))} == {(Change.SAME, False)}


def test_compares_the_header_part_by_part():
    left, right = (dissect(message(identity).raw) for identity in (ONE, TWO))
    assert [(row.left.name, row.change) for row in compare(left, right)] == [
        ("type", Change.SAME),
        ("length", Change.SAME),
        ("magic cookie", Change.SAME),
        ("transaction id", Change.CHANGED),
    ]


def test_takes_an_xored_address_for_the_same_under_another_transaction_id():
    mapped = XorMappedAddress(Endpoint.parse("[2001:db8::1]:7"))
    assert changes(message(ONE, mapped), message(TWO, mapped)) == [
        ("XOR-MAPPED-ADDRESS", Change.EQUIVALENT, False)
    ]


def test_finds_what_changed_and_what_only_one_has():
    left = message(ONE, Software("a"), Username("u"), MAPPED)
    right = message(ONE, Software("b"), Realm("r"), MAPPED)
    assert changes(left, right) == [
        ("SOFTWARE", Change.CHANGED, False),
        ("USERNAME", Change.LEFT, False),
        ("REALM", Change.RIGHT, False),
        ("XOR-MAPPED-ADDRESS", Change.SAME, False),
    ]


def test_shows_what_only_the_right_one_has_where_it_stands():
    left = message(ONE, Software("a"))
    right = message(ONE, Realm("first"), Software("a"), Username("last"))
    assert [name for name, _, _ in changes(left, right)] == ["REALM", "SOFTWARE", "USERNAME"]


def test_finds_what_changed_its_place():
    left = message(ONE, Software("a"), Username("u"), MAPPED)
    right = message(ONE, Username("u"), MAPPED, Software("a"))
    assert changes(left, right) == [
        ("SOFTWARE", Change.SAME, True),
        ("USERNAME", Change.SAME, False),
        ("XOR-MAPPED-ADDRESS", Change.SAME, False),
    ]


def test_pairs_repeated_attributes_in_their_order():
    left = message(ONE, Software("a"), Software("b"))
    right = message(ONE, Software("a"), Software("c"), Software("b"))
    assert [row.change for row in rows(left, right)] == [
        Change.SAME,
        Change.CHANGED,
        Change.RIGHT,
    ]


def test_takes_long_values_for_changed_whose_starts_are_the_same():
    left, right = (message(ONE).append(0x0013, b"x" * 100 + end) for end in (b"1234", b"5678"))
    assert changes(left, right) == [("DATA", Change.CHANGED, False)]


def test_compares_what_is_broken():
    raw = message(ONE, Software("abcd")).raw
    found = compare(dissect(raw), dissect(raw[:-2]))
    assert found[-1].change is Change.CHANGED
    assert compare(dissect(b""), dissect(raw))[0].change is Change.LEFT
