"""What a person gives to `stunkit decode`: files, text, stdin; found out what each of them is."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, NamedTuple

from stunkit.dissect.notation import Notation, read_text
from stunkit.dissect.packet import Datagram, Segment
from stunkit.dissect.sighting import unwrap
from stunkit.dissect.tree import looks_like_stun
from stunkit.errors import UsageError, WireError
from stunkit.net.capture import Capture, is_capture
from stunkit.wire.message import HEADER_SIZE, Message

MOST_BYTES = 64 << 20  # of text, or of bytes that are a message; a capture may be of any size
STDIN = "-"

# What no notation of bytes looks like: the base64 of a message starts with a letter.
_FILE_NAME = re.compile(r"[/.~][^\s\0]*|[\w+/-]+\.\w{1,8}")
_HEX_WORD = re.compile(r"(0x)?([0-9a-fA-F]{2})+")


class Form(StrEnum):
    """What a file can be besides text in some notation."""

    RAW = "raw"
    CAPTURE = "capture"


FORMATS = (*Notation, *Form)


class Given(NamedTuple):
    """One message. ``packet`` is what it was found in, None where it stands alone."""

    name: str
    format: str
    data: bytes
    packet: Datagram | Segment | None = None


def gather(arguments: Sequence[str], wanted: str | None) -> Iterable[Given | Capture]:
    """Yield the messages and the open captures that arguments lead to. Raises UsageError."""
    if len(arguments) > 1 and _is_one_text(arguments):
        arguments = [" ".join(arguments)]
    for argument in arguments or [STDIN]:
        if argument == STDIN:
            yield from _from_file(sys.stdin.buffer, "stdin", wanted)
        elif _is_file(argument):
            yield from _from_path(Path(argument), wanted)
        else:
            yield from _from_text(argument, "argument", wanted, is_argument=True)


def _is_one_text(arguments: Sequence[str]) -> bool:
    """Whether a shell has cut hex in words: none of them is a file, or a message by itself."""
    return all(
        _HEX_WORD.fullmatch(word) and len(word) < 2 * HEADER_SIZE and not _is_file(word)
        for word in arguments
    )


def _is_file(argument: str) -> bool:
    try:
        path = Path(argument)
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _from_path(path: Path, wanted: str | None) -> Iterable[Given | Capture]:
    try:
        file = path.open("rb")
    except OSError as error:
        raise _unreadable(str(path), error) from None
    yield from _from_file(file, str(path), wanted)


def _from_file(file: BinaryIO, name: str, wanted: str | None) -> Iterable[Given | Capture]:
    try:
        ahead = file.peek(4)[:4] if hasattr(file, "peek") else b""
    except OSError as error:
        file.close()
        raise _unreadable(name, error) from None
    if wanted == Form.CAPTURE or (wanted is None and is_capture(ahead)):
        yield Capture(file, name)
        return
    with file:
        try:
            data = file.read(MOST_BYTES + 1)
        except OSError as error:
            raise _unreadable(name, error) from None
    if len(data) > MOST_BYTES:
        raise UsageError("a message or a capture", name, f"it has over {MOST_BYTES} bytes")
    if wanted == Form.RAW or (wanted is None and not _is_text(data)):
        yield _found(name, Form.RAW, data)
        return
    yield from _from_text(data.decode("utf-8", "replace"), name, wanted)


def _unreadable(name: str, error: OSError) -> UsageError:
    return UsageError("a file to read", name, (error.strerror or str(error)).lower())


def _is_text(data: bytes) -> bool:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return all(c.isprintable() or c.isspace() for c in text)


def _from_text(
    text: str, name: str, wanted: str | None, *, is_argument: bool = False
) -> Iterable[Given]:
    if wanted in (Form.RAW, Form.CAPTURE):
        raise UsageError(f"a file, which --format {wanted} asks for", text[:40], "there is none")
    if not text.strip():
        empty = "" if is_argument else name
        raise UsageError("bytes of a message, or a file with them", empty, "it is empty")
    try:
        passage = read_text(text, None if wanted is None else Notation(wanted))
    except UsageError as error:
        if not is_argument:
            raise UsageError(error.what, name, error.reason) from None
        if _FILE_NAME.fullmatch(text) or os.path.isdir(text):  # noqa: PTH112 (any text)
            try:
                Path(text).open("rb").close()
            except OSError as trouble:
                raise _unreadable(error.text, trouble) from None
        what = f"a file that exists, nor {error.what}"
        raise UsageError(what, error.text, error.reason) from None
    for data in passage.messages:
        yield _found(name, passage.notation, data)


def _found(name: str, form: str, data: bytes) -> Given:
    """Return a message; of a whole packet, what it carries."""
    if not looks_like_stun(data) and not _is_message(data) and (packet := unwrap(data)):
        return Given(name, form, packet.payload, packet)
    return Given(name, form, data)


def _is_message(data: bytes) -> bool:
    try:
        Message.decode(data)
    except WireError:
        return False
    return True
