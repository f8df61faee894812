import json

import pytest
from click.testing import CliRunner

from stunkit.cli import credentials as verb
from stunkit.cli.credentials import command
from stunkit.errors import UsageError
from stunkit.protocol.credentials import MD5, SHA256, expiry, rest_password
from stunkit.wire.integrity import long_term_key

KEYS = {kind: long_term_key("ann", "example.org", "a word", kind).hex() for kind in (SHA256, MD5)}
NOW = 1_800_000_000.5


@pytest.fixture(autouse=True)
def _clock(monkeypatch):
    monkeypatch.setattr(verb.time, "time", lambda: NOW)


def run(*arguments: str, stdin: str = ""):
    return CliRunner().invoke(command, arguments, input=stdin, catch_exceptions=False)


def test_prints_the_keys_of_a_username_as_lines_of_a_file():
    result = run("ann", "--realm", "example.org", stdin="a word\r\nmore\n")
    assert result.stdout == f"key ann {KEYS[SHA256]}\nkey ann {KEYS[MD5]}\n"
    assert result.stderr == ""


def test_prints_keys_as_json():
    result = run("ann", "--realm", "example.org", "--json", stdin="a word")
    assert json.loads(result.stdout) == {
        "schema": "stunkit/credentials/1",
        "username": "ann",
        "realm": "example.org",
        "keys": {"sha-256": KEYS[SHA256], "md5": KEYS[MD5]},
    }


@pytest.mark.parametrize(
    ("arguments", "username", "lifetime"),
    [
        (["ann"], "1800086400:ann", 86400),
        (["ann", "--lifetime", "60"], "1800000060:ann", 60),
        ([], "1800086400", 86400),
        (["a:b"], "1800086400:a:b", 86400),
        (["42"], "1800086400:42", 86400),
    ],
)
def test_makes_a_username_that_expires(arguments, username: str, lifetime: int, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("shared word\nnot this\n")
    password = rest_password("shared word", username)
    result = run(*arguments, "--secret-file", str(secret))
    assert result.stdout == f"username {username}\npassword {password}\n"
    result = run(*arguments, "--secret-file", "-", "--json", stdin="shared word\n")
    assert json.loads(result.stdout) == {
        "schema": "stunkit/credentials/1",
        "username": username,
        "password": password,
        "expires": 1_800_000_000 + lifetime,
        "ttl": lifetime,
    }
    assert expiry(username) == 1_800_000_000 + lifetime


@pytest.mark.parametrize(
    ("arguments", "stdin", "sentence"),
    [
        (
            ["--realm", "example.org"],
            "pw",
            "'' is not a username for a file: it has to be one word",
        ),
        (["a b", "--realm", "example.org"], "pw", "'a b' is not a username for a file"),
        (["a\a", "--realm", "example.org"], "pw", "is not a username and realm"),
        (["x" * 509, "--realm", "example.org"], "pw", "is not a username and realm"),
        (["ann", "--realm", 'a"b'], "pw", "is not a username and realm"),
        (["ann", "--realm", ""], "pw", "is not a username and realm"),
        (["ann", "--realm", "example.org"], "", "'-' is not a source of the password"),
        (["ann", "--realm", "example.org"], "hush\a\n", "'what was given' is not a password"),
        (["ann", "--secret-file", "-"], "\n", "'-' is not a file with a secret: its first line is"),
        (["x" * 509, "--secret-file", "-"], "s\n", "is not a username"),
        (["ann", "--secret-file", "/absent"], "", "'/absent' is not a file with a secret: no such"),
    ],
)
def test_says_in_a_sentence_what_is_wrong(arguments, stdin: str, sentence: str):
    with pytest.raises(UsageError) as caught:
        run(*arguments, stdin=stdin)
    assert sentence in str(caught.value)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        ["ann"],
        ["ann", "--realm", "r", "--secret-file", "-"],
        ["ann", "--realm", "r", "--lifetime", "5"],
        ["ann", "--secret-file", "-", "--lifetime", "0"],
    ],
)
def test_options_have_to_make_sense(arguments):
    result = run(*arguments, stdin="s\n")
    assert result.exit_code == 2
    assert result.stdout == ""
