import base64

import pytest

from stunkit.dissect.notation import Notation, read_text
from stunkit.errors import UsageError
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message

RAW = Message.request(1, bytes(range(0xF0, 0xFC)), [Software('a "quoted" one')]).raw
HEX = RAW.hex()


@pytest.mark.parametrize(
    "text",
    [
        HEX,
        HEX.upper(),
        RAW.hex(" "),
        RAW.hex(":"),
        RAW.hex("-"),
        RAW.hex(" ", 4),
        "0x" + HEX,
        " ".join(f"0x{byte:02x}" for byte in RAW),
        "\n".join(HEX[start : start + 32] for start in range(0, len(HEX), 32)),
        f"\ufeff  {HEX}\r\n",
    ],
)
def test_reads_hex(text):
    assert read_text(text) == (Notation.HEX, [RAW])


@pytest.mark.parametrize(
    ("text", "notation"),
    [
        (f"static const uint8_t m[] = {{ {', '.join(map(hex, RAW))}, }};", Notation.C_ARRAY),
        (", ".join(map(hex, RAW)), Notation.C_ARRAY),
        (str(list(RAW)), Notation.C_ARRAY),
        ("{/* type */ " + ", ".join(map(str, RAW)) + "} // end", Notation.C_ARRAY),
        ('"' + "".join(f"\\x{byte:02x}" for byte in RAW) + '"', Notation.C_STRING),
        ("".join(f"\\x{byte:02x}" for byte in RAW), Notation.C_STRING),
        (
            'char m[] =\n "'
            + "".join(f"\\{byte:03o}" for byte in RAW[:20])
            + '" /* "no" */ "'
            + "".join(f"\\x{byte:02x}" for byte in RAW[20:])
            + '";',
            Notation.C_STRING,
        ),
        (repr(RAW), Notation.PYTHON),
        (f"data = {RAW!r}", Notation.PYTHON),
        (f"(b'' {RAW!r})", Notation.PYTHON),
        (base64.b64encode(RAW).decode(), Notation.BASE64),
        (base64.urlsafe_b64encode(RAW).decode().rstrip("="), Notation.BASE64),
        (base64.encodebytes(RAW).decode(), Notation.BASE64),
        ("00000000: " + RAW[:16].hex(" ", -2), Notation.DUMP),
    ],
)
def test_tells_the_notations_apart(text, notation):
    passage = read_text(text)
    assert passage.notation is notation
    assert passage.messages == [RAW[:16] if notation is Notation.DUMP else RAW]


def test_understands_the_escapes_of_c():
    text = r'"\a\b\f\n\r\t\v\\\"\?\'\0\101x\xff"'
    assert read_text(text).messages == [b"\a\b\f\n\r\t\v\\\"?'\0Ax\xff"]


def test_takes_two_digits_of_an_escape():
    assert read_text(r'"\x00\x10STUN\x01face"').messages == [b"\x00\x10STUN\x01face"]


def test_takes_each_line_for_a_message_where_each_is_one():
    assert read_text(f"{HEX}\n\n{HEX}").messages == [RAW, RAW]


def test_joins_lines_that_are_none_by_themselves():
    assert read_text(f"{HEX}\n00").messages == [RAW + b"\0"]


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        ("", ["hex: it is empty", "no line starts with an offset"]),
        ("zz", ["hex: 'z' at character 1 is no hex digit", "base64: what it decodes to is not"]),
        ("abc", ["hex: 3 digits are an odd number", "base64: it has hex digits only"]),
        ("0xab cd", ["not every word of it starts with 0x"]),
        ("SGVsbG8gd29ybGQ", ["base64: what it decodes to is not STUN"]),
        ("AAEA+_==", ["mixes the two alphabets"]),
        ("zzzzz", ["make no whole bytes"]),
        ("{0x00, 0x100}", ["'0x100' is no byte"]),
        ("{300, 1}", ["300 is over 255"]),
        ('"plain"', ["no escape such as"]),
        ('"\\q"', [r"\q is no escape of C"]),
        ('f("\\x00")', ["more in it than text"]),
        ('"\\x"', [r"\x is no escape of C"]),
        ("b'\\x0'", ["no literal of Python"]),
        ("b'a' 'b'", ["python: what follows b' is no literal"]),
        ("(b'a', 1)", ["python: it is no bytes literal"]),
        ("0000 0001\n0010 0203", ["hex: its lines start with offsets"]),
    ],
)
def test_says_what_it_tried(text, reasons):
    with pytest.raises(UsageError) as caught:
        read_text(text)
    for reason in reasons:
        assert reason in str(caught.value)


def test_reads_what_it_is_told_to():
    assert read_text("SGVsbG8", Notation.BASE64).messages == [b"Hello"]
    with pytest.raises(UsageError) as caught:
        read_text(HEX + "z", Notation.HEX)
    assert "base64" not in str(caught.value)


def test_shows_only_the_start_of_a_long_text():
    with pytest.raises(UsageError) as caught:
        read_text("?" * 500)
    assert caught.value.text == "?" * 40 + "..."
