r"""Bytes in the notations that people paste, told apart by their grammar.

Hex (with spaces, colons, dashes, commas, 0x), dumps with offsets (``dissect.dump``), C arrays
{0x00, 0x01}, C strings "\x00\x01", Python's b'...', base64 and base64url. A text is taken for one
notation only if all of it is in it. Since any word is base64 of something, base64 that nobody asked
for by name has to hold what hex does not, and to decode to STUN.
"""

from __future__ import annotations

import ast
import re
from base64 import b64decode
from binascii import Error
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from stunkit.dissect.dump import parse_dump
from stunkit.errors import UsageError, WireError
from stunkit.wire.message import HEADER_SIZE, MAGIC_COOKIE, Message

EXCERPT = 40  # characters of a text that an error shows

_HEX = re.compile(r"[0-9a-fA-F\s:,\-]*")
_WORD = re.compile(r"[0-9a-fA-F]{4,16}")
_C_NUMBER = re.compile(r"0[xX][0-9a-fA-F]{1,2}|[0-9]{1,3}")
_C_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_C_LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_C_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)", re.DOTALL)
_C_SIMPLE = dict(zip("abfnrtv", b"\a\b\f\n\r\t\v", strict=True))
_C_DECLARATION = re.compile(r"^[\w\s*\[\]=:.<>]*\{(.*)\}[\s;]*$", re.DOTALL)
_PYTHON = re.compile(r"""^(?:[\w.]+\s*=\s*)?(\(?\s*[bB][rR]?['"].*)$""", re.DOTALL)
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]*={0,2}\s*")


class Notation(StrEnum):
    """How bytes are written."""

    DUMP = "dump"
    HEX = "hex"
    C_ARRAY = "c-array"
    C_STRING = "c-string"
    PYTHON = "python"
    BASE64 = "base64"


class Passage(NamedTuple):
    """The messages that a text holds, as bytes, and how they were written."""

    notation: Notation
    messages: list[bytes]


def read_text(text: str, notation: Notation | None = None) -> Passage:
    """Return the bytes that a text stands for, in the notation given or the one that it is in.

    Raises UsageError, which says what was tried and why it does not fit.
    """
    reasons = []
    for one in [notation] if notation else Notation:
        try:
            messages = _READERS[one](text.removeprefix("\ufeff").strip())
            if one is Notation.BASE64 and notation is None and not _is_stun(messages[0]):
                raise ValueError("what it decodes to is not STUN")  # noqa: TRY301 (a reason too)
        except ValueError as error:
            reasons.append(f"{one}: {error}")
        else:
            if any(messages):
                return Passage(one, messages)
            reasons.append(f"{one}: it is empty")
    excerpt = text.strip()
    if len(excerpt) > EXCERPT:
        excerpt = excerpt[:EXCERPT] + "..."
    raise UsageError("bytes in any notation known here", excerpt, "; ".join(reasons))


def _is_stun(data: bytes) -> bool:
    try:
        Message.decode(data)
    except WireError:
        return data[:1] < b"\x40" and data[4:8] == MAGIC_COOKIE
    return True


def _read_hex(text: str) -> list[bytes]:
    if re.match(r"0[xX]", text) and "," not in text:
        words = text.split()
        if not all(re.fullmatch(r"0[xX][0-9a-fA-F]+", word) for word in words):
            raise ValueError("not every word of it starts with 0x")
        text = " ".join(word[2:].zfill(len(word) - 2 + len(word) % 2) for word in words)
    if not _HEX.fullmatch(text):
        at = _HEX.match(text)
        place = at.end() if at else 0
        raise ValueError(f"{text[place]!r} at character {place + 1} is no hex digit")
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > 1 and _has_offsets(lines):
        raise ValueError("its lines start with offsets")
    whole = _digits(text)
    if len(whole) % 2:
        raise ValueError(f"{len(whole)} digits are an odd number")
    if len(lines) > 1:
        single = [_digits(line) for line in lines]
        if all(len(digits) % 2 == 0 for digits in single):
            messages = [bytes.fromhex(digits) for digits in single]
            if all(map(_is_whole, messages)):
                return messages
    return [bytes.fromhex(whole)]


def _has_offsets(lines: list[str]) -> bool:
    """Whether each line starts with a larger number than the one before, the first with 0."""
    words = [line.split()[0].rstrip(":") for line in lines]
    if len({len(word) for word in words}) > 1 or not all(map(_WORD.fullmatch, words)):
        return False
    numbers = [int(word, 16) for word in words]
    return not numbers[0] and all(a < b for a, b in pairwise(numbers))


def _digits(text: str) -> str:
    return re.sub(r"[\s:,\-]", "", text)


def _is_whole(data: bytes) -> bool:
    """Whether bytes are one STUN message by its header."""
    return (
        len(data) >= HEADER_SIZE
        and data[4:8] == MAGIC_COOKIE
        and len(data) == HEADER_SIZE + int.from_bytes(data[2:4], "big")
    )


def _read_c_array(text: str) -> list[bytes]:
    text = _C_COMMENT.sub(" ", text)
    inside = _C_DECLARATION.match(text)
    if inside:
        text = inside[1]
    elif text.startswith("[") and text.endswith("]"):
        text = text[1:-1]
    elif "," not in text or "0x" not in text.lower():
        raise ValueError("no numbers between braces or commas")
    numbers = [word.strip() for word in text.strip().strip(",").split(",")]
    data = bytearray()
    for number in numbers:
        if not _C_NUMBER.fullmatch(number):
            raise ValueError(f"{number[:EXCERPT]!r} is no byte")
        value = int(number, 16 if number[:2] in ("0x", "0X") else 10)
        if value > 255:
            raise ValueError(f"{number} is over 255")
        data.append(value)
    return [bytes(data)]


def _read_c_string(text: str) -> list[bytes]:
    text = _C_COMMENT.sub(" ", text) if '"' in text else text
    if '"' not in text:
        if not text.startswith("\\"):
            raise ValueError("no text between double quotes, and no escape at its start")
        return [_unescape("".join(text.split()))]
    literals = _C_LITERAL.findall(text)
    between = _C_LITERAL.sub("", text)
    if not literals or not re.fullmatch(r"[\w\s*\[\]=;]*", between):
        raise ValueError("there is more in it than text between double quotes")
    if not any("\\" in literal for literal in literals):
        raise ValueError("no escape such as \\x00 in it")
    return [b"".join(map(_unescape, literals))]


def _unescape(literal: str) -> bytes:
    r"""Return the bytes of a C string; \x takes two digits, as those who write dumps mean it."""
    data = bytearray()
    end = 0
    for match in _C_ESCAPE.finditer(literal):
        data += literal[end : match.start()].encode()
        end = match.end()
        escape = match[1]
        if escape[0] == "x":
            data.append(int(escape[1:], 16) if len(escape) > 1 else _refuse(match[0]))
        elif escape[0] in "01234567":
            data.append(int(escape, 8) & 0xFF)
        elif escape in _C_SIMPLE:
            data.append(_C_SIMPLE[escape])
        elif escape in "\\'\"?":
            data += escape.encode()
        else:
            _refuse(match[0])
    if literal[end:].endswith("\\"):
        _refuse("\\")
    return bytes(data + literal[end:].encode())


def _refuse(escape: str) -> int:
    raise ValueError(f"{escape} is no escape of C")


def _read_python(text: str) -> list[bytes]:
    match = _PYTHON.match(text)
    if match is None:
        raise ValueError("it does not start with b'")
    try:
        value = ast.literal_eval(match[1])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise ValueError("what follows b' is no literal of Python") from None
    if not isinstance(value, bytes):
        raise ValueError("it is no bytes literal")  # noqa: TRY004 (what is wrong is the text)
    return [value]


def _read_base64(text: str) -> list[bytes]:
    if not _BASE64.fullmatch(text):
        raise ValueError("it has characters that base64 has not")
    text = "".join(text.split())
    if re.fullmatch(r"[0-9a-fA-F\-]*", text):
        raise ValueError("it has hex digits only")
    if {"+", "/"} & set(text) and {"-", "_"} & set(text):
        raise ValueError("it mixes the two alphabets")
    text = text.rstrip("=")
    try:
        standard = text.replace("-", "+").replace("_", "/")
        return [b64decode(standard + "=" * (-len(text) % 4), validate=True)]
    except Error:
        raise ValueError(f"{len(text)} characters make no whole bytes") from None


_READERS = {
    Notation.DUMP: parse_dump,
    Notation.HEX: _read_hex,
    Notation.C_ARRAY: _read_c_array,
    Notation.C_STRING: _read_c_string,
    Notation.PYTHON: _read_python,
    Notation.BASE64: _read_base64,
}
