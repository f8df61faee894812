import logging
import pickle
from pathlib import Path

import pytest

from stunkit.errors import SettingsError
from stunkit.protocol.credentials import MD5, SHA256, rest_password
from stunkit.server.settings import credentials_file
from stunkit.server.settings.authentication import AuthenticationSettings
from stunkit.wire.integrity import long_term_key, short_term_key

SECRET = bytes(range(32))  # of nonces
REALM = "example.org"
NOW = 1_800_000_000.0
KEYS = {kind: long_term_key("ann", REALM, "pw", kind) for kind in (MD5, SHA256)}


@pytest.fixture
def load(tmp_path: Path):
    """Load a file of credentials with this text."""

    def load(text: str | bytes, realm: str | None = None, mode: int = 0o600, **more):
        path = tmp_path / "credentials"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        settings = AuthenticationSettings(credentials_file=path, realm=realm, **more)
        return credentials_file.load(settings, SECRET)

    return load


def test_is_an_open_server_without_a_file():
    assert credentials_file.load(AuthenticationSettings(), SECRET) is None


def test_a_realm_needs_a_file():
    with pytest.raises(SettingsError) as caught:
        credentials_file.load(AuthenticationSettings(realm=REALM), SECRET)
    assert str(caught.value) == "authentication.realm: it needs authentication.credentials_file"


def test_reads_passwords(load):
    text = "\n# who may ask\n  password ann  two words #1 \r\npassword bob x\n"
    short = load(text)
    assert short.keys_of(b"ann", NOW) == (short_term_key("two words #1"),)
    assert short.keys_of(b"bob", NOW) == (short_term_key("x"),)
    assert short.keys_of(b"eve", NOW) == ()
    assert short.nonces is None
    assert load(text, REALM).keys_of(b"bob", NOW) == (long_term_key("bob", REALM, "x", SHA256),)


def test_reads_keys_made_beforehand(load):
    text = "".join(f"key ann {key.hex()}\n" for key in KEYS.values())
    credentials = load(text, REALM)
    for kind, key in KEYS.items():
        assert credentials.keys_of(b"ann", NOW, kind) == (key,)


def test_reads_secrets(load):
    credentials = load("secret one\nsecret two words\n", REALM)
    name = f"{NOW + 1:.0f}:ann"
    assert credentials.keys_of(name.encode(), NOW) == tuple(
        long_term_key(name, REALM, rest_password(secret, name), SHA256)
        for secret in ("one", "two words")
    )


def test_nonces_are_good_for_as_long_as_the_settings_say(load):
    from tests.signing import CLIENT

    nonces = load("password ann pw", REALM, nonce_lifetime=30).nonces
    nonce = nonces.issue(CLIENT, NOW)
    assert nonces.is_valid(nonce, CLIENT, NOW + 29)
    assert not nonces.is_valid(nonce, CLIENT, NOW + 30)


def test_servers_with_one_nonce_secret_accept_each_others_nonces(load, tmp_path: Path):
    from tests.signing import CLIENT

    secret = tmp_path / "nonces"
    secret.write_text("0123456789abcdef\n")
    secret.chmod(0o600)
    one = load("password ann pw", REALM, nonce_secret_file=secret).nonces
    secret.write_text("  0123456789abcdef")
    two = load("password ann pw", REALM, nonce_secret_file=secret).nonces
    own = load("password ann pw", REALM).nonces
    nonce = one.issue(CLIENT, NOW)
    assert two.is_valid(nonce, CLIENT, NOW)
    assert not own.is_valid(nonce, CLIENT, NOW)


def test_a_nonce_secret_is_long(load, tmp_path: Path):
    secret = tmp_path / "nonces"
    secret.write_text("0123456789abcde\n")
    with pytest.raises(SettingsError) as caught:
        load("password ann pw", REALM, nonce_secret_file=secret)
    assert str(caught.value) == f"{secret}: it has fewer than 16 bytes"


MD5_KEY, SHA256_KEY = KEYS[MD5].hex(), KEYS[SHA256].hex()
PRIVATE = "hush" + MD5_KEY[:12]  # what no error may say


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f"{PRIVATE}", ", line 1: it begins with none of password, key, secret"),
        (f"ann {PRIVATE}", ", line 1: it begins with none of password, key, secret"),
        (f"\n\npasword ann {PRIVATE}", ", line 3: it begins with none of password, key, secret"),
        (f"password {PRIVATE}", ", line 1: after password belongs a username and something more"),
        ("key", ", line 1: after key belongs a username and something more"),
        ("secret ", ", line 1: after secret belongs a text"),
        (f"key ann {PRIVATE}", ", line 1: the key is not in hexadecimal digits"),
        ("key ann 0102", ", line 1: a key has 16 or 32 bytes, not 2"),
        (f"key ann {MD5_KEY}\nkey ann {MD5_KEY}", ", line 2: there is another key of this length"),
        (f"password ann x\npassword ann {PRIVATE}", ", line 2: there is another entry for ann"),
        (f"password ann {PRIVATE}\nkey ann {MD5_KEY}", ", line 2: there is another entry for ann"),
        (f"key ann {MD5_KEY}\npassword ann {PRIVATE}", ", line 2: there is another entry for ann"),
        (f"password ann {PRIVATE}\a", ", line 1: "),
        (f"password ann\a {PRIVATE}", ", line 1: "),
        (f"password {'n' * 509} {PRIVATE}", ", line 1: "),
        (f"key ann {MD5_KEY}\nkey bob {SHA256_KEY}", ": some usernames have only an MD5 key"),
        ("", ": it has no entry, so nobody could ask"),
        ("# nothing\n\n", ": it has no entry, so nobody could ask"),
        (b"password ann \xff", ": it is not UTF-8"),
    ],
)
def test_errors_name_the_place_and_no_secret(text, sentence: str, load, tmp_path: Path):
    with pytest.raises(SettingsError) as caught:
        load(text, REALM)
    said = str(caught.value)
    assert said.startswith(f"{tmp_path}/credentials{sentence}")
    assert PRIVATE not in said
    assert MD5_KEY not in said
    assert "\n" not in said


def test_short_term_credentials_have_no_keys(load):
    with pytest.raises(SettingsError, match="a short-term credential has no other key"):
        load(f"key ann {MD5_KEY}")


def test_names_a_file_that_cannot_be_read(tmp_path: Path):
    absent = tmp_path / "absent"
    with pytest.raises(SettingsError) as caught:
        credentials_file.load(AuthenticationSettings(credentials_file=absent), SECRET)
    assert str(caught.value) == f"{absent}: cannot be read: no such file or directory"


@pytest.mark.parametrize(("mode", "warnings"), [(0o600, 0), (0o640, 0), (0o644, 1), (0o604, 1)])
def test_warns_of_a_file_that_everybody_can_read(mode: int, warnings: int, load, caplog):
    with caplog.at_level(logging.WARNING):
        load("password ann pw", mode=mode)
    assert len(caplog.records) == warnings


def test_what_it_returns_can_go_to_another_process(load):
    credentials = load(f"key ann {SHA256_KEY}\nsecret s", REALM)
    other = pickle.loads(pickle.dumps(credentials))
    assert other.keys_of(b"ann", NOW) == credentials.keys_of(b"ann", NOW)
    assert other.algorithms == credentials.algorithms
