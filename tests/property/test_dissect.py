"""Any bytes make a tree that holds all of them and says of them what the codec says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from stunkit.dissect.diff import Change, compare
from stunkit.dissect.flow import Flow
from stunkit.dissect.notation import Notation, read_text
from stunkit.dissect.packet import LINK_TYPES, Frame, read_packet
from stunkit.dissect.sighting import Finder
from stunkit.dissect.tree import Form, dissect
from stunkit.dissect.verify import Credential
from stunkit.errors import Malformed, NotStun, UsageError
from stunkit.wire.attributes.table import ATTRIBUTES
from stunkit.wire.message import Message
from tests.packets import ALICE, BOB, SERVER, datagram, segment
from tests.strategies import datagrams, messages

CREDENTIALS = [Credential("secret", "user", "realm")]
channel_data = st.builds(
    lambda data, length: b"\x40\x01" + (length or len(data)).to_bytes(2, "big") + data,
    st.binary(max_size=40) | messages.map(lambda message: message.raw),
    st.none() | st.integers(0, 60),
)
anything = datagrams | channel_data


@given(anything)
def test_every_byte_is_in_one_field(data: bytes):
    tree = dissect(data, CREDENTIALS)
    place = 0
    for leaf in (leaf for field in tree.fields for leaf in field.leaves()):
        assert leaf.offset == place
        place = leaf.end
    assert place == len(data)
    for field in tree.walk():
        if field.fields:
            assert (field.offset, field.end) == (field.fields[0].offset, field.fields[-1].end)


@given(anything)
def test_a_tree_agrees_with_the_codec(data: bytes):
    tree = dissect(data)
    error, message = None, None
    try:
        message = Message.decode(data)
    except (NotStun, Malformed) as caught:
        error = caught
    assert tree.message == message
    if tree.form is Form.CHANNEL_DATA:
        return
    if message is None or error is not None:
        assert (tree.error.offset, tree.error.reason) == (error.offset, error.reason)
        broken = [field for field in tree.fields if any(one.fault for one in field.walk())]
        assert any(field.offset <= error.offset <= field.end for field in broken)
        return
    assert tree.error is None
    attributes = [field for field in tree.fields if field.number is not None]
    assert [field.number for field in attributes] == [kind for kind, _ in message.attributes]
    for field, (_, value) in zip(attributes, message.attributes, strict=True):
        assert data[field.offset + 4 : field.offset + 4 + len(value)] == value
    for number in {kind for kind, _ in message.visible} & set(ATTRIBUTES):
        field = next(one for one in attributes if one.offset == message.offset(number))
        try:
            message.get(ATTRIBUTES[number])
        except Malformed:
            assert any(one.fault for one in field.walk())


@given(messages)
def test_a_message_that_we_built_has_no_fault_but_those_of_its_checks(message: Message):
    faults = dissect(message.raw).faults
    assert {field.name for field in faults} <= {"FINGERPRINT"}


@given(anything)
def test_nothing_differs_from_itself(data: bytes):
    rows = compare(dissect(data), dissect(data))
    assert all(row.change is Change.SAME and not row.is_moved for row in rows)


@given(anything, anything)
def test_a_comparison_holds_every_field_once(one: bytes, other: bytes):
    left, right = dissect(one), dissect(other)
    rows, back = compare(left, right), compare(right, left)
    ours = [row.left for row in rows if row.left]
    assert ours == sorted(ours, key=lambda field: field.offset)
    theirs = [row.right for row in rows if row.right]
    assert sorted(theirs, key=lambda field: field.offset) == [row.left for row in back if row.left]


@given(datagrams.filter(bool))
def test_hex_is_read_back(data: bytes):
    assert read_text(data.hex(), Notation.HEX).messages == [data]
    assert read_text(repr(data), Notation.PYTHON).messages == [data]
    array = "{" + ", ".join(map(hex, data)) + "}"
    assert read_text(array).messages == [data]


@given(datagrams.filter(lambda data: len(data) > 16), st.sampled_from((1, 2)))
def test_a_dump_is_read_back_with_the_text_beside_it(data: bytes, width: int):
    shown = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in data)
    lines = [
        f"{start:08x}: {data[start : start + 16].hex(' ', -width):<47}  {shown[start : start + 16]}"
        for start in range(0, len(data), 16)
    ]
    assert read_text("\n".join(lines)).messages == [data]


@given(st.text(max_size=200) | st.text("0123456789abcdefx\\\"'{}, \n:|=b*", max_size=120))
def test_any_text_is_bytes_or_an_error(text: str):
    try:
        passage = read_text(text)
    except UsageError:
        return
    assert any(passage.messages)


@given(st.sampled_from(sorted(LINK_TYPES)), st.binary(max_size=120))
def test_any_frame_is_a_packet_or_nothing(link: int, data: bytes):
    packet = read_packet(Frame(0.0, link, data))
    payload = getattr(packet, "payload", b"")
    assert payload in data


ends = st.permutations((ALICE, BOB, SERVER)).map(lambda three: three[:2])
frames = st.builds(
    lambda two, data, time: datagram(*two, data, time), ends, anything, st.floats(0, 60)
) | st.builds(
    lambda two, data, sequence, flags: segment(*two, data, sequence, flags),
    ends,
    anything,
    st.integers(0, 200),
    st.sampled_from((16, 16, 16, 2, 1)),
)


@given(st.lists(frames, max_size=12), st.booleans())
def test_any_frames_make_a_flow_that_counts_every_message(captured: list[Frame], classic: bool):
    finder, flow = Finder(classic=classic), Flow()
    count = 0
    for frame in captured:
        for sighting in finder.receive(frame):
            flow.receive(sighting)
            count += 1
    paired = sum(
        len(one.sent) + (one.answer is not None) + one.repeated for one in flow.transactions
    )
    rest = flow.orphans + flow.indications + flow.broken + flow.channel_data + flow.copies
    assert paired + rest == count
    assert finder.tally.frames == len(captured)
