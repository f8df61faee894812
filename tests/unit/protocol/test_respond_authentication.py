"""What a closed server's answers carry, and how long they are."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.protocol.credentials import Credentials
from stunkit.protocol.respond import Disposition, Received, respond
from stunkit.protocol.site import Quartet, Site
from stunkit.wire.attributes.address import OtherAddress, XorMappedAddress
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.fingerprint import add_fingerprint, check_fingerprint
from stunkit.wire.integrity import (
    add_integrity,
    add_integrity_sha256,
    check_integrity,
    check_integrity_sha256,
)
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass
from tests.signing import (
    ALGORITHMS,
    BLANK,
    CLIENT,
    INTEGRITY,
    INTEGRITY_SHA256,
    NONCE,
    REALM,
    SERVER,
    USERNAME,
    Signer,
    ask,
    message,
)

DATA = Path(__file__).parents[2] / "data"
RFC_5769 = tomllib.loads((DATA / "rfc5769.toml").read_text("utf-8"))
RFC_8489_B1 = tomllib.loads((DATA / "rfc8489_b1.toml").read_text("utf-8"))

NOW = 1_800_000_000.0
NONCE_SECRET = bytes(range(16))
CLIENT6 = Endpoint.parse("[2001:db8::9]:40000")
PASSWORDS = {"ann": "secret"}
SHORT = Site(credentials=Credentials(PASSWORDS))
LONG = Site(credentials=Credentials(PASSWORDS, realm="stun.example", nonce_secret=NONCE_SECRET))
ANN = Signer.challenged(LONG, NOW, "ann", "secret")
LEGACY = ANN.but(is_legacy=True)
UNKNOWN, BROKEN = (0x7FFF, b""), (0x0027, b"")
XOR_MAPPED_ADDRESS, ERROR_CODE, UNKNOWN_ATTRIBUTES = 0x0020, 0x0009, 0x000A
FINGERPRINT, SOFTWARE, PADDING = 0x8028, 0x8022, 0x0026


def answer(request: Message, site: Site, now: float = NOW) -> Message:
    return Message.decode(ask(site, request, now).data)


def types_of(made: Message) -> list[int]:
    return [number for number, _ in made.attributes]


def closed(password: str, *, realm: bool) -> Site:
    """A server that knows the user of a vector."""
    if not realm:
        return Site(credentials=Credentials({RFC_5769["request"]["username"]: password}))
    name, place = RFC_8489_B1["username"], RFC_8489_B1["realm"]
    return Site(credentials=Credentials({name: password}, realm=place, nonce_secret=NONCE_SECRET))


# The vectors


def test_lets_in_the_short_term_request_of_rfc_5769():
    vector = RFC_5769["request"]
    site = closed(vector["password"], realm=False)
    response = ask(site, bytes.fromhex(vector["hex"]), NOW)
    # PRIORITY is for an ICE agent; that this is said shows that the request was let in
    assert response.disposition is Disposition.UNKNOWN_ATTRIBUTE
    made = Message.decode(response.data)
    assert types_of(made) == [ERROR_CODE, UNKNOWN_ATTRIBUTES, INTEGRITY, FINGERPRINT]
    assert made.get(UnknownAttributes) == UnknownAttributes((AttributeType.PRIORITY,))
    assert check_integrity(made, vector["password"].encode()) is True
    assert check_fingerprint(made) is True


@pytest.mark.parametrize(
    "vector",
    [RFC_5769["request_long_term"], RFC_8489_B1["corrected"]],
    ids=["RFC 5769 2.4", "RFC 8489 B.1"],
)
def test_knows_the_user_of_the_long_term_vectors(vector: dict[str, str]):
    # their nonce is not ours, and is the last thing that is looked at
    data = bytes.fromhex(vector["hex"])
    response = ask(closed("TheMatrIX", realm=True), data, NOW)
    assert response.disposition is Disposition.STALE_NONCE
    assert types_of(Message.decode(response.data)) == [ERROR_CODE, REALM, NONCE, ALGORITHMS]
    response = ask(closed("TheMatrix", realm=True), data, NOW)
    assert response.disposition is Disposition.UNAUTHENTICATED


def test_refuses_the_short_term_request_of_rfc_5769_under_another_password():
    response = ask(closed("wrong", realm=False), bytes.fromhex(RFC_5769["request"]["hex"]), NOW)
    assert response.disposition is Disposition.UNAUTHENTICATED


def test_drops_the_request_of_rfc_8489_as_it_was_printed():
    data = bytes.fromhex(RFC_8489_B1["as_printed"]["hex"])
    response = ask(closed("TheMatrIX", realm=True), data, NOW)
    assert response.disposition is Disposition.NOT_STUN


# The signature of an answer


@pytest.mark.parametrize(
    ("more", "types"),
    [
        ((), [XOR_MAPPED_ADDRESS]),
        ((UNKNOWN,), [ERROR_CODE, UNKNOWN_ATTRIBUTES]),
        ((BROKEN,), [ERROR_CODE]),
    ],
    ids=["success", "420", "400"],
)
@pytest.mark.parametrize("who", [ANN, LEGACY], ids=["sha256", "legacy"])
def test_signs_what_it_says_to_who_was_let_in(
    who: Signer, more: tuple[tuple[int, bytes], ...], types: list[int]
):
    request = who.request(*more)
    made = answer(request, LONG)
    assert types_of(made) == [*types, INTEGRITY if who.is_legacy else INTEGRITY_SHA256]
    assert who.trusts(made)
    made = answer(add_fingerprint(request), LONG)
    assert types_of(made)[-1] == FINGERPRINT
    assert who.trusts(made)
    assert check_fingerprint(made) is True


@pytest.mark.parametrize("more", [(), (UNKNOWN,), (BROKEN,)], ids=["success", "420", "400"])
def test_signs_short_term_as_it_was_asked(more: tuple[tuple[int, bytes], ...]):
    key = b"secret"
    asked = message(*more, (USERNAME, b"ann"))
    sha1, sha256 = add_integrity(asked, key), add_integrity_sha256(asked, key)
    for request in (sha256, add_integrity_sha256(sha1, key)):
        made = answer(request, SHORT)
        assert (check_integrity(made, key), check_integrity_sha256(made, key)) == (None, True)
    made = answer(sha1, SHORT)
    assert (check_integrity(made, key), check_integrity_sha256(made, key)) == (True, None)


def test_says_to_who_was_let_in_what_an_open_server_says():
    made = answer(ANN.request(), LONG)
    assert made.message_class is MessageClass.SUCCESS_RESPONSE
    assert made.get(XorMappedAddress) == XorMappedAddress(CLIENT)
    sockets = (SERVER, SERVER.with_port(3479), CLIENT6, CLIENT6.with_port(3479))
    site = Site(quartet=Quartet(sockets, sockets, proven=True), credentials=LONG.credentials)
    made = answer(ANN.request((0x0003, b"\0\0\0\2")), site)
    assert made.get(OtherAddress) == OtherAddress(sockets[3])
    assert ANN.trusts(made)


@pytest.mark.parametrize("size", [0, 3, 500, 60000])
def test_pads_and_signs(size: int):
    request = add_fingerprint(ANN.request((PADDING, bytes(size))))
    response = ask(LONG, request, NOW)
    assert len(response.data) <= len(request.raw)
    assert ANN.trusts(Message.decode(response.data))


@pytest.mark.parametrize("site", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("request_", [BLANK, message(UNKNOWN), message((USERNAME, b"ann"))])
def test_signs_no_refusal_and_names_nobody(site: Site, request_: Message):
    made = answer(request_, site)
    assert made.message_class is MessageClass.ERROR_RESPONSE
    types = set(types_of(made))
    assert not types & {INTEGRITY, INTEGRITY_SHA256, USERNAME, AttributeType.USERHASH}


# What cannot be authenticated


@pytest.mark.parametrize("site", [SHORT, LONG], ids=["short", "long"])
def test_refuses_classic_requests_without_a_challenge(site: Site):
    classic = Message.request(1, bytes(range(16)))
    signed = add_integrity(classic.append(USERNAME, b"ann"), b"secret")
    for request in (classic, classic.append(*UNKNOWN), signed):
        response = ask(site, request, NOW)
        assert response.disposition is Disposition.UNAUTHENTICATED
        made = Message.decode(response.data)
        assert made.transaction_id == classic.transaction_id
        assert made.get(ErrorCode).code == 401
        assert types_of(made) == [ERROR_CODE]
        assert len(made.raw) <= len(request.raw) + 12


@pytest.mark.parametrize("site", [SHORT, LONG], ids=["short", "long"])
def test_a_closed_server_is_as_silent_as_an_open_one(site: Site):
    indication = message(kind=MessageClass.INDICATION)
    broken_fingerprint = bytearray(add_fingerprint(BLANK).raw)
    broken_fingerprint[-1] ^= 1
    for data in (
        indication.raw,
        add_integrity(indication.append(USERNAME, b"ann"), b"secret").raw,
        ask(site, BLANK, NOW).data,
        bytes(broken_fingerprint),
        b"GET / HTTP/1.1\r\n\r\n",
        Message.request(3, bytes(12)).raw,
    ):
        assert ask(site, data, NOW) == respond(Received(data, CLIENT, SERVER), Site())
        assert not ask(site, data, NOW).data


@pytest.mark.parametrize("site", [SHORT, LONG], ids=["short", "long"])
def test_bytes_that_cannot_be_read_are_a_bad_request_whoever_sent_them(site: Site):
    data = BLANK.raw[:2] + b"\0\4" + BLANK.raw[4:] + b"\x80\x22\0\5"
    assert ask(site, data, NOW) == respond(Received(data, CLIENT, SERVER), Site())
    assert ask(site, data, NOW).disposition is Disposition.BAD_REQUEST


def test_sends_no_challenge_to_a_refused_port():
    site = Site(refused_ports=frozenset({CLIENT.port}), credentials=LONG.credentials)
    assert ask(site, BLANK, NOW).disposition is Disposition.REFUSED_PORT


def test_a_stream_is_challenged_too():
    site = Site(is_stream=True, credentials=LONG.credentials)
    assert ask(site, BLANK, NOW).disposition is Disposition.UNAUTHENTICATED
    assert ask(site, ANN.request(), NOW).disposition is Disposition.ANSWERED
    assert ask(site, ANN.request((PADDING, b"")), NOW).disposition is Disposition.UNKNOWN_ATTRIBUTE


def test_time_matters_to_a_closed_server_alone():
    received = Received(BLANK.raw, CLIENT, SERVER)
    assert respond(received, Site()) == respond(received, Site(), NOW)
    assert respond(received, LONG) != respond(received, LONG, NOW)


# The budget


def padded(size: int) -> Message:
    """A request without a credential, grown by an attribute that is ignored."""
    return message((0x80FF, bytes(size - 24))) if size > 20 else BLANK


@pytest.mark.parametrize("source", [CLIENT, CLIENT6], ids=["ipv4", "ipv6"])
@pytest.mark.parametrize("software", [None, "stunkit"])
def test_challenge_is_as_short_as_it_can_be(source: Endpoint, software: str | None):
    site = Site(software, credentials=LONG.credentials)
    response = ask(site, BLANK, NOW, source)
    made = Message.decode(response.data)
    assert made.get(ErrorCode) == ErrorCode(401, "")
    # header 20, ERROR-CODE 8, REALM 16 ("stun.example"), NONCE 32, PASSWORD-ALGORITHMS 8
    assert len(response.data) == 84 + site.software_size
    assert len(response.data) == site.budget(20, source.family)


@pytest.mark.parametrize(
    ("size", "phrase"), [(20, ""), (32, ""), (80, ""), (84, "Unauthorized"), (100, "Unauthorized")]
)
def test_challenge_has_a_phrase_only_where_it_costs_nothing(size: int, phrase: str):
    made = answer(padded(size), LONG)
    assert made.get(ErrorCode) == ErrorCode(401, phrase)


@pytest.mark.parametrize(("size", "budget"), [(20, 84), (27, 84), (28, 92), (80, 92), (84, 96)])
def test_budget_of_a_closed_server_is_a_challenge_or_else_that_of_an_open_one(
    size: int, budget: int
):
    assert LONG.budget(size, CLIENT.family) == budget
    assert SHORT.budget(size, CLIENT.family) == Site().budget(size, CLIENT.family)


@pytest.mark.parametrize("site", [SHORT, LONG, Site("x", credentials=LONG.credentials)])
@pytest.mark.parametrize("source", [CLIENT, CLIENT6], ids=["ipv4", "ipv6"])
def test_no_answer_breaks_the_budget(site: Site, source: Endpoint):
    who = Signer.challenged(LONG, NOW, "ann", "secret", source)
    short = add_integrity_sha256(message((USERNAME, b"ann")), b"secret")
    requests = [padded(size) for size in range(20, 120, 4) if size != 24] + [
        message(UNKNOWN),
        message((USERNAME, b"")),
        add_integrity(BLANK, b""),
        short,
    ]
    for signer in (who, who.but(is_legacy=True), who.but(is_anonymous=True)):
        for more in ((), (UNKNOWN,), (UNKNOWN, BROKEN), (BROKEN,)):
            requests += [signer.request(*more), signer.but(password="wrong").request(*more)]
    for request in requests:
        for data in (request.raw, add_fingerprint(request).raw):
            for now in (NOW, NOW + 600):
                response = respond(Received(data, source, SERVER), site, now)
                assert response.data
                assert len(response.data) <= site.budget(len(data), source.family)
