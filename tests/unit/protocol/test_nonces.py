import pytest

from stunkit.endpoint import Endpoint
from stunkit.protocol.nonces import SIZE, Nonces
from stunkit.wire.nonce import SecurityFeature, security_features

ALGORITHMS = SecurityFeature.PASSWORD_ALGORITHMS
ANONYMITY = SecurityFeature.USERNAME_ANONYMITY
SECRET = b"sixteen bytes or"
CLIENT = Endpoint.parse("192.0.2.1:5000")
NOW = 1_800_000_000.75


def nonces(
    secret: bytes = SECRET,
    realm: str = "stun.example",
    features: SecurityFeature = ALGORITHMS,
    lifetime: int = 600,
) -> Nonces:
    return Nonces(secret, realm, features, lifetime)


OURS = nonces()
NONCE = OURS.issue(CLIENT, NOW)


def test_issues_what_can_stand_in_quotes_and_announces_the_features():
    assert len(NONCE) == SIZE == 28
    assert NONCE.isascii()
    assert NONCE.decode().isprintable()
    assert not {b'"', b"\\", b"="} & {bytes((byte,)) for byte in NONCE}
    assert security_features(NONCE) is ALGORITHMS
    both = nonces(features=ALGORITHMS | ANONYMITY).issue(CLIENT, NOW)
    assert security_features(both) == ALGORITHMS | ANONYMITY


@pytest.mark.parametrize("age", [0, 0.25, 1, 300, 599.2])
def test_knows_its_own(age: float):
    assert OURS.is_valid(NONCE, CLIENT, NOW + age)
    assert nonces().is_valid(NONCE, CLIENT, NOW + age)  # as another process, or after a restart


@pytest.mark.parametrize("age", [600, 601, 86_400, 1 << 24, (1 << 24) + 1, -1, -600])
def test_refuses_nonces_that_are_old_or_from_the_future(age: float):
    assert not OURS.is_valid(NONCE, CLIENT, NOW + age)


def test_lives_as_long_as_it_is_set_to():
    brief = nonces(lifetime=1)
    nonce = brief.issue(CLIENT, 100.9)
    assert brief.is_valid(nonce, CLIENT, 100.99)
    assert not brief.is_valid(nonce, CLIENT, 101.0)


@pytest.mark.parametrize(
    "other",
    [
        CLIENT.with_port(5001),
        Endpoint.parse("192.0.2.2:5000"),
        Endpoint.parse("[2001:db8::1]:5000"),
    ],
    ids=str,
)
def test_nonce_is_for_one_source_alone(other: Endpoint):
    assert OURS.issue(other, NOW) != NONCE
    assert not OURS.is_valid(NONCE, other, NOW)


@pytest.mark.parametrize(
    "theirs",
    [
        nonces(secret=b"another 16 bytes"),
        nonces(realm="other.example"),
        nonces(features=ALGORITHMS | ANONYMITY),
    ],
    ids=["secret", "realm", "features"],
)
def test_refuses_nonces_of_others(theirs: Nonces):
    assert not OURS.is_valid(theirs.issue(CLIENT, NOW), CLIENT, NOW)


@pytest.mark.parametrize("place", range(SIZE))
def test_refuses_a_nonce_with_any_byte_changed(place: int):
    for byte in b"A/=\0\xff":
        changed = NONCE[:place] + bytes((byte,)) + NONCE[place + 1 :]
        assert OURS.is_valid(changed, CLIENT, NOW) == (changed == NONCE)


@pytest.mark.parametrize("nonce", [b"", NONCE[:-1], NONCE + b"A", NONCE[:13], b"\0" * 28])
def test_refuses_what_is_no_nonce(nonce: bytes):
    assert not OURS.is_valid(nonce, CLIENT, NOW)


def test_works_at_any_time():
    for now in (0.0, -5.5, 1e12):
        assert OURS.is_valid(OURS.issue(CLIENT, now), CLIENT, now)


def test_wants_a_secret_that_cannot_be_tried_out():
    with pytest.raises(ValueError, match="16 bytes"):
        nonces(secret=b"fifteen bytes..")


@pytest.mark.parametrize("lifetime", [0, -1, 1 << 24])
def test_wants_a_lifetime_that_it_can_tell(lifetime: int):
    with pytest.raises(ValueError, match="seconds"):
        nonces(lifetime=lifetime)
