"""A client's side of authentication: what it signs, what it learns, what it believes."""

from __future__ import annotations

import pytest

from stunkit.errors import Unencodable
from stunkit.protocol.credentials import Credentials
from stunkit.protocol.login import ROUNDS, Login, Signature
from stunkit.protocol.respond import Disposition
from stunkit.protocol.site import Site
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.attributes.password import Algorithm, PasswordAlgorithms
from stunkit.wire.attributes.text import Nonce, Realm, Software
from stunkit.wire.integrity import (
    add_integrity,
    add_integrity_sha256,
    check_integrity,
    check_integrity_sha256,
    long_term_key,
    userhash,
)
from stunkit.wire.message import Message
from stunkit.wire.nonce import SecurityFeature, nonce_cookie
from stunkit.wire.registry import MessageClass, Method, PasswordAlgorithmNumber
from tests.signing import (
    ALGORITHM,
    ALGORITHMS,
    BLANK,
    CLIENT,
    ID,
    INTEGRITY,
    INTEGRITY_SHA256,
    NONCE,
    REALM,
    USERHASH,
    USERNAME,
    ask,
)

NOW = 1_800_000_000.0
HOME = "stun.example"
NONCE_SECRET = bytes(range(16))
MD5, SHA256 = PasswordAlgorithmNumber.MD5, PasswordAlgorithmNumber.SHA256
OFFER = PasswordAlgorithms((Algorithm(SHA256),))
PLAIN_COOKIE = nonce_cookie(SecurityFeature(0))
ALGORITHMS_COOKIE = nonce_cookie(SecurityFeature.PASSWORD_ALGORITHMS)
ANONYMITY_COOKIE = nonce_cookie(SecurityFeature.USERNAME_ANONYMITY)
MAPPED = XorMappedAddress(CLIENT)


def login(password: str = "secret") -> Login:
    return Login("ann", password)


def error(code: int, *attributes: Attribute) -> Message:
    kind = MessageClass.ERROR_RESPONSE
    return Message.build(kind, Method.BINDING, ID, (ErrorCode(code), *attributes))


def success(*attributes: Attribute) -> Message:
    return Message.build(MessageClass.SUCCESS_RESPONSE, Method.BINDING, ID, (MAPPED, *attributes))


def challenged(*attributes: Attribute, code: int = 401) -> Login | None:
    """A login after its first challenge, or None if it must not go on."""
    made = login()
    return made if made.learn(BLANK, error(code, *attributes)) else None


def types_of(made: Message) -> list[int]:
    return [number for number, _ in made.attributes]


def signature_of(key: bytes, *, sha1: bool, sha256: bool, long: bool) -> Signature:
    return Signature(key, with_sha1=sha1, with_sha256=sha256, is_long_term=long)


# Against our own server


def rounds(site: Site, made: Login, now: float = NOW) -> list[Disposition]:
    """Ask until there is no use in it, as whoever drives a login does."""
    dispositions = []
    for _ in range(ROUNDS):
        request, signature = made.request(ID)
        response = ask(site, request, now)
        dispositions.append(response.disposition)
        answer = Message.decode(response.data)
        assert signature is None or signature.accepts(answer) or signature.key == b"wrong"
        if not made.learn(request, answer):
            break
    return dispositions


LONG = Site(credentials=Credentials({"ann": "secret"}, realm=HOME, nonce_secret=NONCE_SECRET))
SHORT = Site(credentials=Credentials({"ann": "secret"}))
UNAUTHENTICATED, ANSWERED = Disposition.UNAUTHENTICATED, Disposition.ANSWERED


def test_gets_in_after_a_challenge_and_keeps_what_it_learned():
    made = login()
    assert rounds(LONG, made) == [UNAUTHENTICATED, ANSWERED]
    assert rounds(LONG, made) == [ANSWERED]
    assert rounds(LONG, made, NOW + 600) == [Disposition.STALE_NONCE, ANSWERED]


def test_gives_up_when_its_password_is_wrong():
    assert rounds(LONG, login("wrong")) == [UNAUTHENTICATED, UNAUTHENTICATED]


def test_gets_into_a_server_that_knows_an_md5_key_alone():
    keys = {"ann": [long_term_key("ann", HOME, "secret", MD5)]}
    site = Site(credentials=Credentials(keys=keys, realm=HOME, nonce_secret=NONCE_SECRET))
    assert rounds(site, login()) == [UNAUTHENTICATED, ANSWERED]


def test_gets_in_with_a_short_term_credential_at_once():
    made = Login("ann", "secret", is_short_term=True)
    assert rounds(SHORT, made) == [ANSWERED]
    assert rounds(SHORT, made) == [ANSWERED]
    assert rounds(SHORT, Login("ann", "wrong", is_short_term=True)) == [UNAUTHENTICATED]


def test_needs_no_password_where_nobody_asks():
    assert rounds(Site(), login()) == [ANSWERED]


# Requests


def test_first_long_term_request_says_nothing_about_us():
    request, signature = login().request(ID, [Software("x")])
    assert types_of(request) == [Software.type]
    assert signature is None


def test_signs_with_what_the_challenge_offers_and_repeats_it():
    nonce = Nonce(ALGORITHMS_COOKIE + b"n")
    offer = PasswordAlgorithms(
        (Algorithm(7), Algorithm(SHA256, b"x"), Algorithm(MD5), Algorithm(SHA256))
    )
    request, signature = challenged(Realm(HOME), nonce, offer).request(ID)
    assert types_of(request) == [USERNAME, REALM, NONCE, ALGORITHMS, ALGORITHM, INTEGRITY_SHA256]
    assert request.value(NONCE) == nonce.value
    assert request.value(ALGORITHMS) == offer.encode(ID)
    assert request.value(ALGORITHM) == b"\0\1\0\0"  # the first that we know
    assert signature.key == long_term_key("ann", HOME, "secret", MD5)
    assert check_integrity_sha256(request, signature.key) is True


@pytest.mark.parametrize("nonce", [b"old", PLAIN_COOKIE + b"n", b""])
def test_signs_as_rfc_5389_has_it_where_no_algorithm_is_offered(nonce: bytes):
    request, signature = challenged(Realm(HOME), Nonce(nonce)).request(ID)
    assert types_of(request) == [USERNAME, REALM, NONCE, INTEGRITY]
    assert request.value(USERNAME) == b"ann"
    assert check_integrity(request, long_term_key("ann", HOME, "secret")) is True
    assert signature == signature_of(signature.key, sha1=True, sha256=False, long=True)


def test_hides_its_name_where_the_server_can_find_it():
    request, _ = challenged(Realm(HOME), Nonce(ANONYMITY_COOKIE)).request(ID)
    assert types_of(request) == [USERHASH, REALM, NONCE, INTEGRITY]
    assert request.value(USERHASH) == userhash("ann", HOME)


def test_short_term_request_has_both_signatures_until_one_is_answered_with():
    made = Login("ann", "secret", is_short_term=True)
    request, signature = made.request(ID)
    assert types_of(request) == [USERNAME, INTEGRITY, INTEGRITY_SHA256]
    assert not made.learn(request, success())  # unsigned: nothing to learn
    assert types_of(made.request(ID)[0]) == types_of(request)
    made.learn(request, add_integrity_sha256(success(), signature.key))
    assert types_of(made.request(ID)[0]) == [USERNAME, INTEGRITY_SHA256]
    made = Login("ann", "secret", is_short_term=True)
    made.learn(request, add_integrity(success(), signature.key))
    assert types_of(made.request(ID)[0]) == [USERNAME, INTEGRITY]


@pytest.mark.parametrize(("username", "password"), [("", "x"), ("ann", ""), ("x" * 509, "x")])
def test_refuses_names_and_passwords_that_cannot_be_used(username: str, password: str):
    with pytest.raises(Unencodable):
        Login(username, password)


# Challenges that must not be answered


@pytest.mark.parametrize("code", [401, 438])
@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param([Realm(HOME)], id="no nonce"),
        pytest.param([Nonce(b"n")], id="no realm"),
        pytest.param([Realm(HOME), Nonce(ALGORITHMS_COOKIE)], id="bid down"),
        pytest.param(
            [Realm(HOME), Nonce(nonce_cookie(SecurityFeature(3)) + b"n")], id="bid down of both"
        ),
        pytest.param(
            [Realm(HOME), Nonce(b"n"), PasswordAlgorithms((Algorithm(7),))], id="unknown algorithms"
        ),
        pytest.param([Realm(HOME), Nonce(b"n"), PasswordAlgorithms(())], id="no algorithm"),
        pytest.param([Realm("\0"), Nonce(b"n")], id="forbidden realm"),
    ],
)
def test_does_not_answer_a_challenge_that_is_wrong(code: int, attributes: list[Attribute]):
    assert challenged(*attributes, code=code) is None


@pytest.mark.parametrize("pair", [(REALM, b"\xff"), (ALGORITHMS, b"\0\2")])
def test_does_not_answer_a_challenge_that_is_broken(pair: tuple[int, bytes]):
    made = login()
    first = error(401).append(*pair)
    assert not made.learn(BLANK, first.append(REALM, b"x").append(NONCE, b"n"))
    assert made.request(ID)[1] is None


def test_asks_again_after_a_401_only_if_the_realm_is_another():
    made = challenged(Realm(HOME), Nonce(b"n"))
    request, _ = made.request(ID)
    assert not made.learn(request, error(401, Realm(HOME), Nonce(b"m")))
    assert made.learn(request, error(401, Realm("other.example"), Nonce(b"m")))
    assert made.request(ID)[0].value(REALM) == b"other.example"


def test_asks_again_after_every_438():
    made = challenged(Realm(HOME), Nonce(b"n"))
    request, _ = made.request(ID)
    assert made.learn(request, error(438, Realm(HOME), Nonce(b"m")))
    assert made.request(ID)[0].value(NONCE) == b"m"


@pytest.mark.parametrize(
    "response",
    [
        success(),
        success(ErrorCode(401), Realm(HOME), Nonce(b"n")),
        error(420),
        error(400, Realm(HOME), Nonce(b"n")),
        Message.build(MessageClass.ERROR_RESPONSE, Method.BINDING, ID),
        Message.build(MessageClass.ERROR_RESPONSE, Method.BINDING, ID).append(0x0009, b""),
    ],
)
def test_learns_from_challenges_alone(response: Message):
    made = login()
    assert not made.learn(BLANK, response)
    assert made.request(ID)[1] is None


# Which answers count

KEY = b"k" * 32
BOTH = signature_of(KEY, sha1=True, sha256=True, long=False)
SHA1_ONLY = signature_of(KEY, sha1=True, sha256=False, long=False)
SHA256_ONLY = signature_of(KEY, sha1=False, sha256=True, long=False)
MODERN = signature_of(KEY, sha1=False, sha256=True, long=True)
LEGACY = signature_of(KEY, sha1=True, sha256=False, long=True)
ALL = [BOTH, SHA1_ONLY, SHA256_ONLY, MODERN, LEGACY]
KINDS = pytest.mark.parametrize(
    "signature", ALL, ids=["both", "sha1", "sha256", "long-term", "legacy"]
)


@KINDS
@pytest.mark.parametrize("answer", [success(), error(420), error(400)], ids=["", "420", "400"])
def test_an_answer_counts_if_it_is_signed(signature: Signature, answer: Message):
    right_sha1, right_sha256 = add_integrity(answer, KEY), add_integrity_sha256(answer, KEY)
    is_either = signature in (BOTH, MODERN, LEGACY)
    assert signature.accepts(right_sha1) == (is_either or signature is SHA1_ONLY)
    assert signature.accepts(right_sha256) == (is_either or signature is SHA256_ONLY)


@KINDS
@pytest.mark.parametrize("answer", [success(), error(420), error(400)], ids=["", "420", "400"])
def test_no_other_answer_counts(signature: Signature, answer: Message):
    assert not signature.accepts(answer)
    assert not signature.accepts(add_integrity(answer, b"wrong"))
    assert not signature.accepts(add_integrity_sha256(answer, b"wrong"))
    assert not signature.accepts(answer.append(INTEGRITY, b""))
    assert not signature.accepts(answer.append(INTEGRITY_SHA256, b""))


@pytest.mark.parametrize("code", [401, 438])
def test_challenge_counts_unsigned_where_there_are_challenges(code: int):
    answer = error(code, Realm(HOME), Nonce(b"n"))
    assert [kind for kind in ALL if kind.accepts(answer)] == [MODERN, LEGACY]


@pytest.mark.parametrize("answer", [success, lambda *more: error(420, *more)])
def test_signed_answer_with_a_bid_down_nonce_is_ignored(answer):
    nonce = Nonce(ALGORITHMS_COOKIE + b"n")
    assert not MODERN.accepts(add_integrity_sha256(answer(nonce), KEY))
    assert MODERN.accepts(add_integrity_sha256(answer(nonce, OFFER), KEY))
    assert MODERN.accepts(add_integrity_sha256(answer(Nonce(b"n")), KEY))


def test_signs_a_request_of_any_method():
    made = challenged(Realm(HOME), Nonce(b"nonce"))
    request, signature = made.request(ID, method=Method.ALLOCATE)
    assert request.method == Method.ALLOCATE
    assert signature is not None
    assert check_integrity(request, long_term_key("ann", HOME, "secret", MD5))
