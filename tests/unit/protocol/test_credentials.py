import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import Unencodable
from stunkit.protocol.credentials import Credentials, expiry, rest_password
from stunkit.wire.attributes.password import Algorithm, PasswordAlgorithms
from stunkit.wire.attributes.text import Nonce, Realm
from stunkit.wire.integrity import long_term_key, userhash
from stunkit.wire.message import Message
from stunkit.wire.nonce import SecurityFeature, security_features
from stunkit.wire.registry import Method, PasswordAlgorithmNumber

MD5, SHA256 = PasswordAlgorithmNumber.MD5, PasswordAlgorithmNumber.SHA256
CLIENT = Endpoint.parse("192.0.2.1:5000")
REALM = "stun.example"
NONCE_SECRET = bytes(range(16))
NOW = 1_800_000_000.0


def long_term(realm: str = REALM, **settings: object) -> Credentials:
    return Credentials(realm=realm, nonce_secret=NONCE_SECRET, **settings)


def key_of(username: str, password: str, algorithm: PasswordAlgorithmNumber) -> bytes:
    return long_term_key(username, REALM, password, algorithm)


# Usernames that are listed


def test_short_term_key_is_the_password():
    ours = Credentials({"ann": "secret"})
    assert ours.keys_of(b"ann", NOW) == (b"secret",)
    assert ours.keys_of(b"ann", NOW, MD5) == (b"secret",)


def test_long_term_key_is_of_the_algorithm_asked_for():
    ours = long_term(passwords={"ann": "secret", "bob": "other"})
    assert ours.keys_of(b"ann", NOW, MD5) == (key_of("ann", "secret", MD5),)
    assert ours.keys_of(b"ann", NOW, SHA256) == (key_of("ann", "secret", SHA256),)
    assert ours.keys_of(b"bob", NOW, SHA256) == (key_of("bob", "other", SHA256),)


def test_takes_keys_instead_of_passwords():
    keys = [key_of("ann", "secret", MD5), key_of("ann", "secret", SHA256)]
    ours = long_term(keys={"ann": keys})
    theirs = long_term(passwords={"ann": "secret"})
    for algorithm in (MD5, SHA256):
        assert ours.keys_of(b"ann", NOW, algorithm) == theirs.keys_of(b"ann", NOW, algorithm)


@pytest.mark.parametrize("username", [b"", b"eve", b"Ann", b"ann\0", b"\xff", b"1"])
@pytest.mark.parametrize("realm", [None, REALM])
def test_has_no_key_for_others(username: bytes, realm: str | None):
    ours = Credentials({"ann": "x"}, secrets=["s"], realm=realm, nonce_secret=NONCE_SECRET)
    assert ours.keys_of(username, NOW) == ()


def test_finds_a_username_by_its_hash():
    ours = long_term(passwords={"ann": "x", "bob": "y"})
    assert ours.username_of(userhash("bob", REALM)) == b"bob"
    assert ours.username_of(userhash("bob", "other.example")) == b""
    assert ours.username_of(None) == b""


def test_shows_no_secret():
    ours = long_term(passwords={"ann": "hidden"}, keys={"bob": [b"hidden" * 2 + b"hide"]})
    assert "hid" not in repr(ours)
    assert "hid" not in repr(Credentials(secrets=["hidden"]))


# Which algorithm a challenge offers


@pytest.mark.parametrize(
    ("settings", "algorithm"),
    [
        ({}, SHA256),
        ({"secrets": ["s"]}, SHA256),
        ({"passwords": {"ann": "x"}}, SHA256),
        ({"keys": {"ann": [bytes(32)]}}, SHA256),
        ({"keys": {"ann": [bytes(16)]}}, MD5),
        ({"keys": {"ann": [bytes(16), bytes(32)]}}, SHA256),
        ({"passwords": {"ann": "x"}, "keys": {"bob": [bytes(16)]}}, MD5),
        ({"passwords": {"ann": "x"}, "keys": {"bob": [bytes(32)]}}, SHA256),
    ],
)
def test_offers_the_strongest_algorithm_that_all_have(
    settings: dict[str, object], algorithm: PasswordAlgorithmNumber
):
    ours = long_term(**settings)
    assert ours.algorithm is algorithm
    assert ours.algorithms == PasswordAlgorithms((Algorithm(algorithm),))


def test_refuses_usernames_that_have_no_algorithm_in_common():
    with pytest.raises(ValueError, match="MD5"):
        long_term(keys={"ann": [bytes(16)], "bob": [bytes(32)]})


def test_challenges_with_realm_nonce_and_algorithm():
    ours = long_term(passwords={"ann": "x"})
    realm, nonce, algorithms = ours.challenge(CLIENT, NOW)
    assert realm == Realm(REALM)
    assert algorithms == ours.algorithms
    assert isinstance(nonce, Nonce)
    assert ours.nonces.is_valid(nonce.value, CLIENT, NOW + 599)
    assert not ours.nonces.is_valid(nonce.value, CLIENT, NOW + 600)


def test_anonymity_is_announced_only_where_every_username_is_listed():
    def features(**settings: object) -> SecurityFeature | None:
        _, nonce, _ = long_term(**settings).challenge(CLIENT, NOW)
        assert isinstance(nonce, Nonce)
        return security_features(nonce.value)

    algorithms, anonymity = SecurityFeature.PASSWORD_ALGORITHMS, SecurityFeature.USERNAME_ANONYMITY
    assert features(passwords={"ann": "x"}) == algorithms | anonymity
    assert features(passwords={"ann": "x"}, secrets=["s"]) == algorithms


@pytest.mark.parametrize("realm", ["a", "abc", "abcd", REALM, "x" * 127])
def test_knows_how_long_its_challenge_is(realm: str):
    ours = long_term(realm)
    answer = Message.request(Method.BINDING, bytes(12), ours.challenge(CLIENT, NOW))
    assert ours.challenge_size == len(answer.raw) - 20


def test_short_term_credentials_have_no_challenge():
    ours = Credentials({"ann": "x"})
    assert ours.challenge(CLIENT, NOW) == ()
    assert ours.challenge_size == 0


# Shared secrets


def test_password_of_a_shared_secret_is_its_hmac():
    # printf 1800000001:ann | openssl dgst -sha1 -hmac north -binary | base64
    assert rest_password("north", "1800000001:ann") == "g/OT+VG1OwuKZ6nnxJFxokuab4s="


@pytest.mark.parametrize(
    "username", ["1800000001", "1800000001:ann", "ann:1800000001", "1800000001:@ann:example.org"]
)
def test_every_shared_secret_vouches_for_a_username(username: str):
    passwords = [rest_password(secret, username) for secret in ("north", "south")]
    short = Credentials(secrets=["north", "south"])
    assert short.keys_of(username.encode(), NOW) == tuple(p.encode() for p in passwords)
    ours = long_term(secrets=["north", "south"])
    for kind in (MD5, SHA256):
        keys = tuple(key_of(username, password, kind) for password in passwords)
        assert ours.keys_of(username.encode(), NOW, kind) == keys


def test_username_of_a_shared_secret_expires():
    ours = Credentials(secrets=["north"])
    assert ours.keys_of(b"1800000000:ann", NOW - 0.001)
    assert not ours.keys_of(b"1800000000:ann", NOW)
    assert not ours.keys_of(b"ann:1800000000", NOW)


def test_without_a_shared_secret_nobody_is_vouched_for():
    assert Credentials({"ann": "x"}).keys_of(b"1800000001:ann", NOW) == ()


def test_listed_username_does_not_expire():
    ours = Credentials({"5:ann": "x"}, secrets=["north"])
    assert ours.keys_of(b"5:ann", NOW) == (b"x",)


@pytest.mark.parametrize(
    ("username", "time"),
    [
        ("1700000000", 1_700_000_000),
        ("1700000000:ann", 1_700_000_000),
        ("ann:1700000000", 1_700_000_000),
        ("1700000000:", 1_700_000_000),
        (":1700000000", 1_700_000_000),
        ("1700000000:a:b", 1_700_000_000),
        ("a:b:1700000000", 1_700_000_000),
        ("1700000000:42", 1_700_000_000),
        ("42:1700000000", 42),
        ("a:5:b", None),
        ("", None),
        (":", None),
        ("ann", None),
        ("-5", None),
        ("5.0", None),
        ("+5:ann", None),
        ("1_0", None),
        ("٣:ann", None),
        ("²", None),
        ("1" * 12, 111_111_111_111),
        ("1" * 13, None),
        ("1" * 5000, None),
    ],
)
def test_reads_the_expiry_on_either_side(username: str, time: int | None):
    assert expiry(username) == time


# What cannot be


def test_refuses_an_empty_shared_secret():
    with pytest.raises(ValueError, match="empty"):
        Credentials(secrets=["north", ""])


def test_refuses_a_shared_secret_without_utf8():
    with pytest.raises(ValueError, match="surrogates"):
        Credentials(secrets=["\ud800"])


def test_refuses_short_term_keys():
    with pytest.raises(ValueError, match="short-term"):
        Credentials(keys={"ann": [bytes(16)]})


@pytest.mark.parametrize("size", [0, 15, 20, 33])
def test_refuses_keys_of_no_algorithm(size: int):
    with pytest.raises(ValueError, match=f"not {size}"):
        long_term(keys={"ann": [bytes(size)]})


def test_refuses_a_short_secret_for_nonces():
    with pytest.raises(ValueError, match="16 bytes"):
        Credentials({"ann": "x"}, realm=REALM, nonce_secret=b"short")


@pytest.mark.parametrize("realm", ["", 'a"b', "a\\b", "x" * 128])
def test_refuses_a_realm_that_cannot_be_sent(realm: str):
    with pytest.raises(Unencodable):
        long_term(realm)


@pytest.mark.parametrize(("username", "password"), [("", "x"), ("ann", ""), ("x" * 509, "x")])
def test_refuses_names_and_passwords_that_cannot_be_used(username: str, password: str):
    with pytest.raises(Unencodable):
        Credentials({username: password})
