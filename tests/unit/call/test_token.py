from __future__ import annotations

from base64 import b32encode
from zlib import crc32

import pytest

from stunkit.behavior import Filtering, Mapping
from stunkit.call.facts import Access, Facts, Relay, RelayTransport
from stunkit.call.token import MARK, format_token, parse_token
from stunkit.endpoint import Family
from stunkit.errors import UsageError

FACTS = Facts(
    ipv4=Access(
        udp=True,
        nat=True,
        mapping=Mapping.ADDRESS_DEPENDENT,
        filtering=Filtering.ADDRESS_AND_PORT_DEPENDENT,
        lifetime=120,
        public=bytes((203, 0, 113, 7)),
    ),
    ipv6=Access(udp=True, nat=False, public=bytes.fromhex("20010db800010002")),
    relays=frozenset({Relay(RelayTransport.TLS), Relay(RelayTransport.UDP, Family.IPV6)}),
)
TOKEN = "stunkit-cmgbaahkab4mwadra4qaabqaaaqacdnyaaaqaaq7pi6ey"  # what version 1 has to stay


def sealed(body: bytes) -> str:
    raw = body + crc32(body).to_bytes(4, "big")
    return MARK + b32encode(raw).decode().rstrip("=").lower()


def test_token_stays_what_it_was():
    assert format_token(FACTS) == TOKEN
    assert parse_token(TOKEN) == FACTS


def test_token_is_short():
    assert len(TOKEN) < 80


def test_case_and_spaces_do_not_count():
    half = len(TOKEN) // 2
    assert parse_token(f"  {TOKEN[:half].upper()}\n  {TOKEN[half:]}\n") == FACTS


@pytest.mark.parametrize("text", ["", "hello", "udp-blocked", MARK + "a" * 300])
def test_what_is_no_token_is_refused(text: str):
    with pytest.raises(UsageError, match=f"begins with {MARK}"):
        parse_token(text)


@pytest.mark.parametrize("place", range(len(MARK), len(TOKEN)))
def test_damage_is_noticed(place: int):
    other = "a" if TOKEN[place] != "a" else "b"
    with pytest.raises(UsageError, match="damaged"):
        parse_token(TOKEN[:place] + other + TOKEN[place + 1 :])
    with pytest.raises(UsageError, match="damaged"):
        parse_token(TOKEN[:place])


def test_newer_token_asks_for_an_update():
    with pytest.raises(UsageError, match="version 2, this program knows version 1: update"):
        parse_token(sealed(b"\x20\x00 whatever comes then"))


@pytest.mark.parametrize(
    "body",
    [
        b"\x11\x00",  # an access that is not there
        b"\x11\x00\x00\x00\x03\x00\x00",  # a fourth value where there are three
        b"\x11\x00\x04\x00\x00\x00\x00\x01",  # an address that is cut off
        b"\x10\x00\x00",  # more than there should be
        b"\x14\x00",  # a flag that means nothing
    ],
)
def test_sealed_nonsense_is_damaged_too(body: bytes):
    with pytest.raises(UsageError, match="damaged"):
        parse_token(sealed(body))
