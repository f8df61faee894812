import pytest

from stunkit.dissect.verify import Credential, Outcome, keys_of, verify
from stunkit.errors import Unencodable
from stunkit.wire.attributes.digest import Userhash
from stunkit.wire.attributes.text import Realm, Username
from stunkit.wire.integrity import (
    add_integrity,
    add_integrity_sha256,
    long_term_key,
    short_term_key,
    userhash,
)
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method, PasswordAlgorithmNumber

IDENTITY = bytes(12)
SHA256 = PasswordAlgorithmNumber.SHA256
REQUEST = Message.request(Method.ALLOCATE, IDENTITY, [Username("user"), Realm("realm")])
RESPONSE = Message.build(MessageClass.SUCCESS_RESPONSE, Method.ALLOCATE, IDENTITY)


def outcomes(*arguments) -> list[tuple[Outcome, str]]:
    return [(check.outcome, check.why) for check in verify(*arguments)]


def test_says_nothing_where_there_is_nothing_to_check():
    assert verify(RESPONSE, [Credential("secret")]) == ()


def test_says_that_it_has_no_password():
    message = add_integrity(RESPONSE, short_term_key("secret"))
    assert outcomes(message) == [(Outcome.UNKNOWN, "not checked: no password is given")]


def test_tries_each_password():
    message = add_integrity(RESPONSE, short_term_key("second"))
    credentials = [Credential("first"), Credential("second")]
    assert outcomes(message, credentials) == [(Outcome.RIGHT, "right (short-term)")]


@pytest.mark.parametrize(("algorithm", "name"), [(None, "MD5"), (SHA256, "SHA-256")])
def test_takes_username_and_realm_from_the_message(algorithm, name):
    key = long_term_key("user", "realm", "secret", *(() if algorithm is None else (algorithm,)))
    message = add_integrity_sha256(add_integrity(REQUEST, key), key)
    said = f"right (long-term, {name}, user in realm)"
    assert outcomes(message, [Credential("secret")]) == [(Outcome.RIGHT, said)] * 2


def test_takes_username_and_realm_from_the_request():
    message = add_integrity(RESPONSE, long_term_key("user", "realm", "secret"))
    assert outcomes(message, [Credential("secret")], REQUEST)[0][0] is Outcome.RIGHT


def test_does_not_know_of_an_answer_without_its_request():
    message = add_integrity(RESPONSE, long_term_key("user", "realm", "secret"))
    ((outcome, why),) = outcomes(message, [Credential("secret")])
    assert outcome is Outcome.UNKNOWN
    assert why.endswith("(tried: short-term; a long-term key needs the realm)")
    plain = Message.request(1, IDENTITY)
    assert outcomes(message, [Credential("secret")], plain)[0][0] is Outcome.WRONG
    whole = Credential("another", "user", "realm")
    assert outcomes(message, [whole])[0][0] is Outcome.WRONG


def test_accepts_a_shortened_sha256():
    message = add_integrity_sha256(RESPONSE, short_term_key("secret"), 16)
    assert outcomes(message, [Credential("secret")])[0][0] is Outcome.RIGHT


def test_says_what_it_tried():
    message = add_integrity(REQUEST, b"another key")
    ((outcome, why),) = outcomes(message, [Credential("secret")])
    assert outcome is Outcome.WRONG
    assert "short-term; long-term, MD5, user in realm; long-term, SHA-256" in why


def test_says_that_it_lacks_the_username():
    message = add_integrity(Message.request(3, IDENTITY, [Realm("realm")]), b"key")
    ((outcome, why),) = outcomes(message, [Credential("secret")])
    assert outcome is Outcome.UNKNOWN
    assert "needs the username" in why


def test_reads_on_where_a_username_is_no_text():
    raw = Message.request(3, IDENTITY).append(0x0006, b"\xff")
    message = add_integrity(raw, short_term_key("secret"))
    assert outcomes(message, [Credential("secret")])[0][0] is Outcome.RIGHT


@pytest.mark.parametrize(
    ("credential", "outcome"),
    [
        (Credential("secret", "user"), Outcome.RIGHT),
        (Credential("secret", "another"), Outcome.WRONG),
        (Credential("secret"), Outcome.UNKNOWN),
    ],
)
def test_checks_a_userhash(credential, outcome):
    attributes = [Userhash(userhash("user", "realm")), Realm("realm")]
    message = Message.request(Method.ALLOCATE, IDENTITY, attributes)
    assert outcomes(message, [credential])[0][0] is outcome


def test_prepares_a_password_in_both_ways():
    names = [key.name for key in keys_of(Credential("I\u00adX"))]  # SASLprep drops the hyphen
    assert names[0] == "short-term"
    values = {key.value for key in keys_of(Credential("I\u00adX"))}
    assert b"IX" in values


def test_refuses_a_password_that_is_none():
    with pytest.raises(Unencodable):
        keys_of(Credential("\x00"))
