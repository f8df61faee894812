"""Who is let in by a closed server, and which of several wrongs is answered first."""

from __future__ import annotations

import pytest

from stunkit.endpoint import Endpoint
from stunkit.protocol.authentication import NOBODYS_KEY
from stunkit.protocol.credentials import Credentials, rest_password
from stunkit.protocol.respond import Disposition
from stunkit.protocol.site import Site
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.integrity import add_integrity, add_integrity_sha256, long_term_key
from stunkit.wire.message import Message
from stunkit.wire.nonce import SecurityFeature, nonce_cookie
from tests.signing import (
    ALGORITHM,
    ALGORITHMS,
    BLANK,
    CLIENT,
    INTEGRITY,
    INTEGRITY_SHA256,
    MD5,
    NONCE,
    REALM,
    SHA256,
    USERHASH,
    USERNAME,
    Signer,
    ask,
    message,
)

NOW = 1_800_000_000.0
HOME = "stun.example"
NONCE_SECRET = bytes(range(16))
ANSWERED, BAD_REQUEST = Disposition.ANSWERED, Disposition.BAD_REQUEST
UNAUTHENTICATED, STALE_NONCE = Disposition.UNAUTHENTICATED, Disposition.STALE_NONCE
UNKNOWN_ATTRIBUTE = Disposition.UNKNOWN_ATTRIBUTE

UNKNOWN = (0x7FFF, b"")  # an attribute that gets 420
BROKEN = (0x0027, b"")  # one that gets 400: RESPONSE-PORT without a port
ERROR_CODE, UNKNOWN_ATTRIBUTES = 0x0009, 0x000A
MD5_VALUE, SHA256_VALUE = b"\0\1\0\0", b"\0\2\0\0"

PASSWORDS = {"ann": "secret", "bob": "other"}
SHORT = Site(credentials=Credentials(PASSWORDS))
LONG = Site(credentials=Credentials(PASSWORDS, realm=HOME, nonce_secret=NONCE_SECRET))
ANN = Signer.challenged(LONG, NOW, "ann", "secret")
LEGACY = ANN.but(is_legacy=True)
NAME, PLACE = (USERNAME, b"ann"), (REALM, HOME.encode())
TICKET = (NONCE, ANN.nonce)
OFFER, CHOICE = (ALGORITHMS, SHA256_VALUE), (ALGORITHM, SHA256_VALUE)
KINDS = pytest.mark.parametrize(
    "who",
    [
        ANN,
        LEGACY,
        ANN.but(is_anonymous=True),
        ANN.but(is_legacy=True, is_anonymous=True),
    ],
    ids=["sha256", "legacy", "anonymous", "legacy and anonymous"],
)


def fate(
    request: Message, site: Site = LONG, now: float = NOW, source: Endpoint = CLIENT
) -> Disposition:
    return ask(site, request, now, source).disposition


def answer(request: Message, site: Site = LONG, now: float = NOW) -> Message:
    return Message.decode(ask(site, request, now).data)


def types_of(made: Message) -> list[int]:
    return [number for number, _ in made.attributes]


# Short-term (RFC 8489 section 9.1.3)


def short(key: bytes = b"secret", name: bytes = b"ann", *more: tuple[int, bytes]) -> Message:
    return add_integrity_sha256(message(*more, (USERNAME, name)), key)


def test_short_term_lets_in_who_knows_the_password():
    signed = message(NAME)
    assert fate(add_integrity(signed, b"secret"), SHORT) is ANSWERED
    assert fate(add_integrity_sha256(signed, b"secret"), SHORT) is ANSWERED
    both = add_integrity_sha256(add_integrity(signed, b"secret"), b"secret")
    assert fate(both, SHORT) is ANSWERED


@pytest.mark.parametrize(
    "request_",
    [
        BLANK,
        message(UNKNOWN),
        message(NAME),
        add_integrity(BLANK, b"secret"),
        add_integrity_sha256(message((USERHASH, bytes(32))), b"secret"),
        add_integrity(BLANK, b"secret").append(*NAME),  # behind the seal, so not there
        message((0x0028, b""), NAME),
    ],
)
def test_short_term_wants_a_username_and_a_signature(request_: Message):
    made = answer(request_, SHORT)
    assert made.get(ErrorCode).code == 400
    assert types_of(made) == [ERROR_CODE]


@pytest.mark.parametrize(
    "request_",
    [
        short(name=b"eve"),
        short(name=b"bob"),
        short(name=b"\xff"),
        short(name=b""),
        short(key=b"wrong"),
        short(key=b""),
        short(NOBODYS_KEY, b"eve"),
        short(b"wrong", b"ann", UNKNOWN),
        short(b"wrong", b"ann", BROKEN),
        add_integrity_sha256(message(NAME), b"secret", size=16),  # truncation is for other usages
        message(NAME, (INTEGRITY_SHA256, b"")),
        message(NAME, (INTEGRITY, bytes(19))),
    ],
)
def test_short_term_refuses_strangers_without_a_challenge(request_: Message):
    made = answer(request_, SHORT)
    assert made.get(ErrorCode).code == 401
    assert types_of(made) == [ERROR_CODE]


def test_where_both_signatures_are_present_sha256_alone_counts():
    right, wrong = b"secret", b"wrong"
    signed = message(NAME)
    assert fate(add_integrity_sha256(add_integrity(signed, wrong), right), SHORT) is ANSWERED
    assert fate(add_integrity_sha256(add_integrity(signed, right), wrong), SHORT) is UNAUTHENTICATED


def test_short_term_looks_at_the_rest_only_after_the_signature():
    assert fate(short(b"secret", b"ann", UNKNOWN), SHORT) is UNKNOWN_ATTRIBUTE
    assert fate(short(b"secret", b"ann", BROKEN), SHORT) is BAD_REQUEST
    assert fate(message(UNKNOWN), SHORT) is BAD_REQUEST
    assert fate(short(b"wrong", b"ann", UNKNOWN), SHORT) is UNAUTHENTICATED


def test_short_term_lets_in_whom_any_shared_secret_vouches_for():
    site = Site(credentials=Credentials(secrets=["north", "south"]))
    name = b"1800000001:ann"
    for secret in ("north", "south"):
        key = rest_password(secret, name.decode()).encode()
        assert fate(short(key, name), site, NOW) is ANSWERED
        assert fate(short(key, name), site, NOW + 1) is UNAUTHENTICATED
    key = rest_password("west", name.decode()).encode()
    assert fate(short(key, name), site, NOW) is UNAUTHENTICATED
    # the time is under the password: to move it makes another username
    key = rest_password("north", "1800000001:ann").encode()
    assert fate(short(key, b"1800000002:ann"), site, NOW) is UNAUTHENTICATED


# Long-term (RFC 8489 section 9.2.4)


@KINDS
def test_long_term_lets_in_who_answers_the_challenge(who: Signer):
    assert fate(who.request()) is ANSWERED
    assert fate(who.request(), now=NOW + 599) is ANSWERED


@KINDS
def test_long_term_lets_in_who_starts_from_a_stale_nonce(who: Signer):
    later = NOW + 600
    refused = answer(who.request(), now=later)
    assert refused.get(ErrorCode).code == 438
    renewed = who.but(nonce=refused.value(NONCE))
    assert fate(renewed.request(), now=later) is ANSWERED


@pytest.mark.parametrize("username", ["1800000001:ann", "ann:1800000001", "1800000001"])
@pytest.mark.parametrize("is_legacy", [False, True])
def test_long_term_lets_in_whom_a_shared_secret_vouches_for(username: str, is_legacy: bool):
    site = Site(
        credentials=Credentials(secrets=["north", "south"], realm=HOME, nonce_secret=NONCE_SECRET)
    )
    for secret, verdict in (
        ("north", ANSWERED),
        ("south", ANSWERED),
        ("west", UNAUTHENTICATED),
    ):
        password = rest_password(secret, username)
        who = Signer.challenged(site, NOW, username, password).but(is_legacy=is_legacy)
        assert fate(who.request(), site) is verdict
        assert fate(who.request(), site, NOW + 1) is UNAUTHENTICATED


def test_long_term_takes_keys_made_beforehand():
    keys = {name: [long_term_key(name, HOME, PASSWORDS[name], MD5)] for name in PASSWORDS}
    site = Site(credentials=Credentials(keys=keys, realm=HOME, nonce_secret=NONCE_SECRET))
    who = Signer.challenged(site, NOW, "ann", "secret")
    assert fate(who.but(algorithm=MD5).request(), site) is ANSWERED  # what the challenge offers
    assert fate(who.but(is_legacy=True).request(), site) is ANSWERED
    assert fate(who.but(algorithm=SHA256).request(), site) is BAD_REQUEST


def test_legacy_client_needs_an_md5_key():
    keys = {"ann": [long_term_key("ann", HOME, "secret", SHA256)]}
    site = Site(credentials=Credentials(keys=keys, realm=HOME, nonce_secret=NONCE_SECRET))
    who = Signer.challenged(site, NOW, "ann", "secret")
    assert fate(who.request(), site) is ANSWERED
    assert fate(who.but(is_legacy=True).request(), site) is UNAUTHENTICATED


def test_takes_either_signature_under_the_key_of_either_algorithm():
    # which HMAC and which key are two questions: RFC 8489 section 9.2.4 asks both of the request
    assert fate(add_integrity(message(*ANN.pairs), ANN.key)) is ANSWERED
    assert fate(add_integrity_sha256(message(*LEGACY.pairs), LEGACY.key)) is ANSWERED


# Each wrong, and which comes first. From the left: what is checked earlier.

NO_NAME = ANN.sign(UNKNOWN, PLACE, TICKET, OFFER, CHOICE)
STRANGER = ANN.but(username="eve")
WRONG = ANN.but(password="wrong")
OLD = NOW + 600


@pytest.mark.parametrize(
    "request_",
    [
        BLANK,
        message(UNKNOWN),
        message(BROKEN),
        message(*ANN.pairs),
        message(NAME),
        message((0x0003, b"\0\0\0\6")),
    ],
)
def test_challenges_whoever_did_not_sign(request_: Message):
    made = answer(request_)
    assert made.get(ErrorCode).code == 401
    assert types_of(made) == [ERROR_CODE, REALM, NONCE, ALGORITHMS]
    assert made.value(REALM) == HOME.encode()
    assert made.value(NONCE) == ANN.nonce
    assert made.value(ALGORITHMS) == SHA256_VALUE


@pytest.mark.parametrize(
    "pairs",
    [
        [],
        [UNKNOWN],
        [PLACE, TICKET, OFFER, CHOICE],
        [NAME, TICKET, OFFER, CHOICE],
        [NAME, PLACE, OFFER, CHOICE],
        [PLACE, TICKET],
        [(USERNAME, b"eve"), PLACE],  # also unknown
        [NAME, TICKET],
    ],
)
@pytest.mark.parametrize("who", [ANN, LEGACY, WRONG], ids=["sha256", "legacy", "wrong password"])
def test_calls_a_signed_request_without_its_attributes_a_bad_one(
    who: Signer, pairs: list[tuple[int, bytes]]
):
    made = answer(who.sign(*pairs))
    assert made.get(ErrorCode).code == 400
    assert types_of(made) == [ERROR_CODE]


BOTH_OFFERED = (ALGORITHMS, SHA256_VALUE + MD5_VALUE)


@pytest.mark.parametrize(
    "algorithms",
    [
        pytest.param([OFFER], id="no choice"),
        pytest.param([CHOICE], id="stripped offer"),
        pytest.param([BOTH_OFFERED, CHOICE], id="longer offer"),
        pytest.param([(ALGORITHMS, MD5_VALUE), (ALGORITHM, MD5_VALUE)], id="weaker offer"),
        pytest.param([OFFER, (ALGORITHM, MD5_VALUE)], id="choice not offered"),
        pytest.param([OFFER, (ALGORITHM, b"\0\7\0\0")], id="choice unknown"),
        pytest.param([OFFER, (ALGORITHM, b"")], id="empty choice"),
        pytest.param([(ALGORITHMS, b""), (ALGORITHM, b"")], id="both empty"),
        pytest.param([OFFER, (ALGORITHM, b"\0\2\0\1\0\0\0\0")], id="parameters"),
        pytest.param([(ALGORITHMS, b"\0\2\0"), CHOICE], id="broken offer"),
    ],
)
@pytest.mark.parametrize("who", [ANN, STRANGER, WRONG], ids=["ann", "stranger", "wrong password"])
def test_calls_a_bid_down_of_the_algorithms_a_bad_request(
    who: Signer, algorithms: list[tuple[int, bytes]]
):
    for algorithm in (SHA256, MD5):
        name = (USERNAME, who.username.encode())
        request = who.but(algorithm=algorithm).sign(UNKNOWN, name, PLACE, TICKET, *algorithms)
        assert fate(request) is BAD_REQUEST
        assert fate(request, now=OLD) is BAD_REQUEST


@pytest.mark.parametrize(
    "who",
    [
        pytest.param(STRANGER, id="unknown username"),
        pytest.param(STRANGER.but(is_anonymous=True), id="unknown userhash"),
        pytest.param(STRANGER.but(is_legacy=True), id="unknown username, legacy"),
        pytest.param(WRONG, id="wrong password"),
        pytest.param(WRONG.but(is_anonymous=True), id="wrong password, anonymous"),
        pytest.param(WRONG.but(is_legacy=True), id="wrong password, legacy"),
        pytest.param(ANN.but(username="bob"), id="another's password"),
        pytest.param(ANN.but(realm="other.example"), id="another realm"),
        pytest.param(ANN.but(realm=""), id="no realm"),
    ],
)
@pytest.mark.parametrize("more", [(), (UNKNOWN,), (BROKEN,)], ids=["", "420", "400"])
def test_challenges_strangers_again_whatever_else_is_wrong(
    who: Signer, more: tuple[tuple[int, bytes], ...]
):
    for nonce, now in ((ANN.nonce, NOW), (ANN.nonce, OLD), (b"forged", NOW), (b"", NOW)):
        if who.realm:
            request = who.but(nonce=nonce).request(*more)
        else:
            request = ANN.sign(*more, NAME, (REALM, b""), (NONCE, nonce), OFFER, CHOICE)
        made = answer(request, now=now)
        assert made.get(ErrorCode).code == 401
        assert types_of(made) == [ERROR_CODE, REALM, NONCE, ALGORITHMS]


@KINDS
def test_nobody_learns_which_usernames_there_are(who: Signer):
    unknown, wrong = who.but(username="eve"), who.but(password="wrong")
    for now in (NOW, OLD):
        assert ask(LONG, unknown.request(), now) == ask(LONG, wrong.request(), now)


def test_nobody_signs_with_nobodys_key():
    request = add_integrity_sha256(message(*STRANGER.pairs), NOBODYS_KEY)
    assert fate(request) is UNAUTHENTICATED


@KINDS
@pytest.mark.parametrize("more", [(), (UNKNOWN,), (BROKEN,)], ids=["", "420", "400"])
def test_calls_an_old_nonce_stale_before_it_looks_at_the_rest(
    who: Signer, more: tuple[tuple[int, bytes], ...]
):
    made = answer(who.request(*more), now=OLD)
    assert made.get(ErrorCode).code == 438
    assert types_of(made) == [ERROR_CODE, REALM, NONCE, ALGORITHMS]
    assert made.value(NONCE) != who.nonce


@KINDS
def test_looks_at_the_rest_only_when_all_that_is_right(who: Signer):
    assert fate(who.request(UNKNOWN)) is UNKNOWN_ATTRIBUTE
    assert fate(who.request(BROKEN)) is BAD_REQUEST


# Attacks


@pytest.mark.parametrize(
    "source", [CLIENT.with_port(9), Endpoint.parse("192.0.2.7:32853")], ids=["port", "address"]
)
@KINDS
def test_replay_from_elsewhere_is_stale(who: Signer, source: Endpoint):
    assert fate(who.request(), source=CLIENT) is ANSWERED
    assert fate(who.request(), source=source) is STALE_NONCE


@pytest.mark.parametrize("features", [SecurityFeature(0), SecurityFeature.USERNAME_ANONYMITY, None])
def test_nonce_whose_features_were_stripped_is_stale(features: SecurityFeature | None):
    # somebody on the path makes a client believe that the server knows MD5 alone
    cookie = b"" if features is None else nonce_cookie(features)
    stripped = LEGACY.but(nonce=cookie + ANN.nonce[13:])
    assert fate(stripped.request()) is STALE_NONCE
    bid_down = stripped.but(is_legacy=False, algorithm=MD5)
    assert fate(bid_down.request()) is STALE_NONCE


def test_choice_is_heeded_where_the_nonce_says_nothing():
    foreign = ANN.but(nonce=b"foreign")
    assert fate(foreign.sign(NAME, PLACE, (NONCE, b"foreign"), CHOICE)) is STALE_NONCE
    unknown = (ALGORITHM, b"\0\7\0\0")
    assert fate(foreign.sign(NAME, PLACE, (NONCE, b"foreign"), unknown)) is BAD_REQUEST
    # without a choice it is MD5, offered or not
    request = LEGACY.sign(NAME, PLACE, (NONCE, b"foreign"), OFFER)
    assert fate(request) is STALE_NONCE


@pytest.mark.parametrize("secret", [b"another 16 bytes", bytes(16)])
def test_nonce_of_a_server_with_another_secret_is_stale(secret: bytes):
    theirs = Site(credentials=Credentials(PASSWORDS, realm=HOME, nonce_secret=secret))
    who = Signer.challenged(theirs, NOW, "ann", "secret")
    assert fate(who.request(), theirs) is ANSWERED
    assert fate(who.request(), LONG) is STALE_NONCE


def test_nonce_of_another_realm_is_stale():
    theirs = Site(credentials=Credentials(PASSWORDS, realm="a.example", nonce_secret=NONCE_SECRET))
    nonce = Signer.challenged(theirs, NOW, "ann", "secret").nonce
    assert fate(ANN.but(nonce=nonce).request()) is STALE_NONCE


@KINDS
def test_request_with_an_attribute_stripped_is_not_answered(who: Signer):
    pairs = who.request((0x8022, b"someone")).attributes
    for place in range(len(pairs)):
        stripped = message(*pairs[:place], *pairs[place + 1 :])
        assert fate(stripped) in {UNAUTHENTICATED, BAD_REQUEST}


@KINDS
def test_attribute_behind_the_signature_is_not_there(who: Signer):
    request = who.request()
    for pair in (UNKNOWN, BROKEN, (0x0003, b"\0\0\0\6")):
        assert ask(LONG, request.append(*pair), NOW) == ask(LONG, request, NOW)
    # nor does it stand in for one that is missing before it
    for missing in (NAME, PLACE, TICKET):
        pairs = [pair for pair in ANN.pairs if pair != missing]
        assert fate(ANN.sign(*pairs).append(*missing)) is BAD_REQUEST


def test_first_of_two_usernames_counts():
    bob = (USERNAME, b"bob")
    assert fate(ANN.sign(*ANN.pairs, bob)) is ANSWERED
    assert fate(ANN.sign(bob, *ANN.pairs)) is UNAUTHENTICATED


def test_username_counts_where_there_is_a_userhash_too():
    assert fate(ANN.sign((USERHASH, bytes(32)), *ANN.pairs)) is ANSWERED


def test_userhash_finds_nobody_who_is_not_listed():
    name = "1800000001:ann"
    site = Site(credentials=Credentials(secrets=["s"], realm=HOME, nonce_secret=NONCE_SECRET))
    who = Signer.challenged(site, NOW, name, rest_password("s", name))
    assert fate(who.request(), site) is ANSWERED
    assert fate(who.but(is_anonymous=True).request(), site) is UNAUTHENTICATED
