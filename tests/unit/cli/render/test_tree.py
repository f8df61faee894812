import json

from stunkit.cli.render.spans import plain
from stunkit.cli.render.tree import diff_lines, document, lines, row_document
from stunkit.dissect.diff import compare
from stunkit.dissect.tree import dissect
from stunkit.dissect.verify import Credential
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.attributes.text import Software
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.integrity import add_integrity
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass

IDENTITY = bytes(range(12))
MESSAGE = Message.request(1, IDENTITY, [Software("a\x1b[2J")])


def text(data: bytes, **options) -> list[str]:
    return [plain(line) for line in lines(dissect(data), **options)]


def test_shows_a_line_for_each_part_of_the_header_and_each_attribute():
    assert text(Message.request(1, IDENTITY, [Software("abc")]).raw) == [
        "Binding request, 28 bytes",
        "0000    header",
        "0000       type            Binding request",
        "0002       length          8",
        "0004       magic cookie    2112a442",
        "0008       transaction id  000102030405060708090a0b",
        "0014    SOFTWARE           abc",
    ]


def test_shows_every_field_where_all_is_wanted():
    printed = text(Message.request(1, IDENTITY, [Software("abc")]).raw, is_whole=True)
    assert printed[-4:] == [
        "0014       type            0x8022",
        "0016       length          3",
        "0018       value           abc",
        "001b       padding         00",
    ]


def test_draws_guides():
    printed = text(MESSAGE.raw, is_drawn=True)
    assert printed[1] == "0000 ├─ header"
    assert printed[-1].startswith("0014 └─ SOFTWARE")


def test_marks_the_bytes_where_it_breaks():
    printed = text(MESSAGE.raw[:24])
    assert "           ^ the length says 12 bytes of body, there are 4" in printed
    assert printed[-4:] == [
        "Broken at byte 2 (0x0002): the length says 12 bytes of body, there are 4",
        "0000  00 01 00 0c 21 12 a4 42 00 01 02 03 04 05 06 07",
        "            ^^ ^^",
        "0010  08 09 0a 0b 80 22 00 05",
    ]


def test_opens_an_attribute_with_a_fault():
    raw = Message.request(1, IDENTITY).append(0x0020, b"\0\x03\0\0\0\0\0\0").raw
    printed = text(raw)
    assert any(line.strip().startswith("^ at byte 1 of the value") for line in printed)
    assert any(line.startswith("Wrong at byte 24 (0x0018)") for line in printed)


def test_says_of_a_byte_that_it_is_one():
    assert text(b"\0")[0] == "a byte of STUN, 1 byte"
    assert text(b"")[0] == "not STUN, 0 bytes"


def test_document_says_all():
    message = add_fingerprint(add_integrity(MESSAGE, b"secret"))
    found = document(dissect(message.raw, [Credential("secret")]))
    assert json.loads(json.dumps(found)) == found
    assert (found["form"], found["accepted"], found["error"]) == ("stun", True, None)
    assert (found["class"], found["method"], found["fingerprint"]) == ("request", "Binding", True)
    assert found["transaction_id"] == IDENTITY.hex()
    assert found["integrity"] == [
        {"attribute": "MESSAGE-INTEGRITY", "outcome": "right", "why": "right (short-term)"}
    ]
    software = found["fields"][1]
    assert (software["name"], software["type"], software["value"]) == (
        "SOFTWARE",
        0x8022,
        "a\\x1b[2J",
    )
    assert found["hex"] == message.raw.hex()


def test_document_says_where_it_breaks():
    found = document(dissect(MESSAGE.raw[:24]))
    assert found["error"] == {
        "place": "header",
        "offset": 2,
        "reason": "the length says 12 bytes of body, there are 4",
    }
    assert (found["accepted"], found["faults"][0]["offset"]) == (False, 2)


def test_document_accepts_channel_data():
    assert document(dissect(b"\x40\0\0\0"))["accepted"] is True
    assert document(dissect(b"\x40\0\0\1"))["accepted"] is False


def test_compares_side_by_side():
    other = Message.build(MessageClass.ERROR_RESPONSE, 1, IDENTITY, [ErrorCode(400, "x")])
    left, right = dissect(MESSAGE.raw), dissect(other.raw[:-1])
    rows = compare(left, right)
    printed = [[text for text, _ in line] for line in diff_lines(left, right, rows)]
    assert printed[0][2:4] == ["Binding request, 32 bytes", "Binding error response, 31 bytes"]
    assert printed[1][:2] == ["!", "type"]
    software = next(line for line in printed if line[1] == "SOFTWARE")
    assert (software[0], software[3]) == ("-", "")
    code = next(line for line in printed if line[1] == "ERROR-CODE")
    assert code[0] == "+"
    found = [row_document(row) for row in rows]
    assert {one["change"] for one in found} >= {"changed", "left-only", "right-only"}
    assert found[0]["left"]["name"] == "type"
