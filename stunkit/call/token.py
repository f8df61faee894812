"""Token: the facts of one end as a short word, to be sent to the other end in a message.

    stunkit-ceaa...   a version, the facts in a few bytes, and a checksum, in base32

Letters may be of either case, and spaces and line breaks do not count. A token has under 80
characters.

Rules of this file: what a token says is exactly what ``Facts`` says; a change of the format is a
new version, and an old reader says so.
"""

from __future__ import annotations

from base64 import b32decode, b32encode
from binascii import Error as Base32Error
from collections.abc import Sequence
from itertools import product
from typing import Any
from zlib import crc32

from stunkit.behavior import Filtering, Mapping, Pooling
from stunkit.call.facts import DIGEST, PREFIX, Access, Facts, Relay, RelayTransport
from stunkit.endpoint import Family
from stunkit.errors import UsageError

VERSION = 1
MARK = "stunkit-"
CHECKSUM = 4  # bytes
MAX_LENGTH = 200  # characters; longer text is no token of any version

_WHAT = "a token"
_FLAGS = (None, False, True)
# What two bits say, the first name in the lowest bits. A value is written as its place in the list.
_CHOICES: tuple[tuple[str, Sequence[object]], ...] = (
    ("udp", _FLAGS),
    ("nat", _FLAGS),
    ("mapping", (None, *Mapping)),
    ("filtering", (None, *Filtering)),
    ("port_preserved", _FLAGS),
    ("hairpin", _FLAGS),
    ("pooling", (None, *Pooling)),
    ("is_shared", _FLAGS),
    ("maps_unsolicited", (False, True)),
    ("answers_through", _FLAGS),
)
_PUBLIC = (0, 4, PREFIX, DIGEST)  # bytes of an address; their number follows the choices
_CHOICE_BYTES = 3
_ACCESS_BYTES = _CHOICE_BYTES + 2  # and the lifetime
_RELAYS = [Relay(transport, family) for family, transport in product(Family, RelayTransport)]


def format_token(facts: Facts) -> str:
    """Return the token that says these facts."""
    accesses = [one for one in (facts.ipv4, facts.ipv6) if one is not None]
    relays = sum((relay in facts.relays) << place for place, relay in enumerate(_RELAYS))
    present = (facts.ipv4 is not None) | (facts.ipv6 is not None) << 1
    body = bytes((VERSION << 4 | present, relays)) + b"".join(map(_encode, accesses))
    word = b32encode(body + _checksum(body)).decode().rstrip("=").lower()
    return MARK + word


def parse_token(text: str) -> Facts:
    """Return the facts that a token says.

    Raises UsageError for what is no token, is damaged, or is of another version.
    """
    word = "".join(text.split()).lower()
    if not word.startswith(MARK) or len(word) > MAX_LENGTH:
        raise UsageError(_WHAT, text[:MAX_LENGTH], f"a token begins with {MARK} and is short")
    letters = word.removeprefix(MARK).upper()
    try:
        raw = b32decode(letters + "=" * (-len(letters) % 8))
    except (Base32Error, ValueError):
        raise _damaged(text) from None
    body, checksum = raw[:-CHECKSUM], raw[-CHECKSUM:]
    if len(body) < 2 or checksum != _checksum(body):
        raise _damaged(text)
    version = body[0] >> 4
    if version != VERSION:
        reason = f"it is of version {version}, this program knows version {VERSION}: update it"
        raise UsageError(_WHAT, text, reason)
    try:
        facts = _decode(body)
    except (IndexError, ValueError):
        raise _damaged(text) from None
    if format_token(facts) != word:
        raise _damaged(text)
    return facts


def _damaged(text: str) -> UsageError:
    return UsageError(_WHAT, text, "it is damaged: copy all of it once more")


def _checksum(body: bytes) -> bytes:
    return crc32(body).to_bytes(CHECKSUM, "big")


def _encode(access: Access) -> bytes:
    choices = 0
    for place, (name, values) in enumerate(_CHOICES):
        choices |= values.index(getattr(access, name)) << 2 * place
    public = access.public or b""
    choices |= _PUBLIC.index(len(public)) << 2 * len(_CHOICES)
    head = choices.to_bytes(_CHOICE_BYTES, "big") + (access.lifetime or 0).to_bytes(2, "big")
    return head + public


def _decode(body: bytes) -> Facts:
    """Read a whole body. Raises IndexError or ValueError where that cannot be."""
    rest = body[2:]
    accesses: list[Access | None] = []
    for place in range(len(Family)):
        access = None
        if body[0] >> place & 1:
            access, rest = _decode_access(rest)
        accesses.append(access)
    relays = frozenset(relay for place, relay in enumerate(_RELAYS) if body[1] >> place & 1)
    return Facts(ipv4=accesses[0], ipv6=accesses[1], relays=relays)


def _decode_access(rest: bytes) -> tuple[Access, bytes]:
    choices = int.from_bytes(rest[:_CHOICE_BYTES], "big")
    known: dict[str, Any] = {
        name: values[choices >> 2 * place & 3] for place, (name, values) in enumerate(_CHOICES)
    }
    end = _ACCESS_BYTES + _PUBLIC[choices >> 2 * len(_CHOICES) & 3]
    access = Access(
        **known,
        lifetime=int.from_bytes(rest[_CHOICE_BYTES:_ACCESS_BYTES], "big") or None,
        public=rest[_ACCESS_BYTES:end] or None,
    )
    return access, rest[end:]
