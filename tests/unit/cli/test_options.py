from ast import literal_eval

import click
import pytest
from click.testing import CliRunner

from stunkit.cli.options import (
    SERVER_VARIABLE,
    client_options,
    login_options,
    parse_bind,
    pick_family,
    pick_login,
    pick_servers,
    read_line,
)
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import UsageError
from stunkit.wire.registry import AttributeType
from stunkit.wire.uri import Uri

DEFAULT = [Uri.parse("stun.example.org")]


@click.command()
@client_options(timeout=10)
def options(**values: object) -> None:
    click.echo(values)


@pytest.mark.parametrize(
    ("only_ipv4", "only_ipv6", "family"),
    [(False, False, None), (True, False, Family.IPV4), (False, True, Family.IPV6)],
)
def test_picks_the_family_that_is_left(only_ipv4, only_ipv6, family):
    assert pick_family(only_ipv4=only_ipv4, only_ipv6=only_ipv6) is family


def test_picks_no_family_when_both_are_excluded():
    with pytest.raises(click.UsageError, match="exclude each other"):
        pick_family(only_ipv4=True, only_ipv6=True)


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        (None, None),
        ("192.0.2.1", Endpoint.of("192.0.2.1", 0)),
        ("192.0.2.1:4000", Endpoint.of("192.0.2.1", 4000)),
        ("2001:db8::1", Endpoint.of("2001:db8::1", 0)),
        ("[2001:db8::1]:4000", Endpoint.of("2001:db8::1", 4000)),
    ],
)
def test_binds_to_any_port_unless_one_is_named(text, endpoint):
    assert parse_bind(text, None) == endpoint


@pytest.mark.parametrize("text", ["localhost", "192.0.2.1:x", "192.0.2.256", "[::1", ""])
def test_binds_to_nothing_but_an_address(text):
    with pytest.raises(UsageError):
        parse_bind(text, None)


@pytest.mark.parametrize(
    ("text", "family"), [("192.0.2.1", Family.IPV6), ("2001:db8::1", Family.IPV4)]
)
def test_binds_to_no_address_of_the_other_family(text, family):
    with pytest.raises(UsageError, match="-4 or -6 says otherwise"):
        parse_bind(text, family)


def test_asks_the_servers_of_the_arguments(monkeypatch):
    monkeypatch.setenv(SERVER_VARIABLE, "stun.example.net")
    assert pick_servers(["192.0.2.1:1"], DEFAULT) == [Uri.parse("192.0.2.1:1")]


@pytest.mark.parametrize(
    ("variable", "servers"),
    [
        ("stun.example.net", ["stun.example.net"]),
        ("a.example, [2001:db8::1]:3478 ,", ["a.example", "[2001:db8::1]:3478"]),
    ],
)
def test_asks_the_servers_of_the_environment_when_there_is_no_argument(
    monkeypatch, variable, servers
):
    monkeypatch.setenv(SERVER_VARIABLE, variable)
    assert pick_servers([], DEFAULT) == [Uri.parse(server) for server in servers]


@pytest.mark.parametrize("variable", [None, "", " , "])
def test_asks_the_default_when_nobody_names_a_server(monkeypatch, variable):
    monkeypatch.delenv(SERVER_VARIABLE, raising=False)
    if variable is not None:
        monkeypatch.setenv(SERVER_VARIABLE, variable)
    assert pick_servers([], DEFAULT) == DEFAULT


def test_names_a_bad_server_of_the_environment(monkeypatch):
    monkeypatch.setenv(SERVER_VARIABLE, "a.example,http://b.example/")
    with pytest.raises(UsageError, match=r"http://b\.example/"):
        pick_servers([], DEFAULT)


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "1e999", "soon"])
def test_takes_no_timeout_that_is_no_time(seconds):
    result = CliRunner().invoke(options, [f"--timeout={seconds}"])
    assert result.exit_code == 2
    assert "--timeout" in result.stderr


def test_says_what_a_timeout_is():
    result = CliRunner().invoke(options, ["--timeout=soon"])
    assert "'soon' is not a valid number of seconds." in result.stderr


@pytest.mark.parametrize("seconds", ["0.5", "1", "86400"])
def test_takes_a_timeout_in_seconds(seconds):
    result = CliRunner().invoke(options, ["--timeout", seconds])
    assert f"'timeout': {float(seconds)}" in result.stdout


def test_has_the_options_that_client_verbs_share():
    result = CliRunner().invoke(options, ["-4", "-6", "--bind", "::1", "--ca", "x.pem", "--json"])
    assert literal_eval(result.stdout) == {
        "only_ipv4": True,
        "only_ipv6": True,
        "bind": "::1",
        "timeout": 10.0,
        "ca_file": "x.pem",
        "as_json": True,
    }


def test_has_the_options_of_a_login():
    @click.command()
    @login_options
    def login(**values: object) -> None:
        click.echo(values)

    result = CliRunner().invoke(login, ["--username", "ann", "--password-file", "-"])
    assert literal_eval(result.stdout) == {
        "username": "ann",
        "password_file": "-",
        "short_term": False,
    }


@pytest.fixture
def password(tmp_path):
    """A function that writes a file and returns its path."""

    def password(text: str | bytes) -> str:
        path = tmp_path / "password"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return password


def test_asks_without_a_login_unless_it_is_told_to():
    assert pick_login(None, None, short_term=False) is None


def test_makes_a_login_of_its_own_for_each_server(password):
    login = pick_login("ann", password("pw\nnot this"), short_term=True)
    assert login is not None
    assert login() is not login()
    request, signature = login().request(bytes(12))
    assert signature is not None
    assert signature.key == b"pw"
    assert request.value(AttributeType.USERNAME) == b"ann"


@pytest.mark.parametrize(
    ("username", "has_password", "short_term"),
    [("ann", False, False), (None, True, False), (None, False, True), (None, True, True)],
)
def test_a_login_needs_username_and_password(username, has_password, short_term, password):
    path = password("pw") if has_password else None
    with pytest.raises(click.UsageError, match="go together"):
        pick_login(username, path, short_term=short_term)


@pytest.mark.parametrize(
    ("username", "text", "sentence"),
    [
        ("", "pw", "'' is not a username and password to log in with"),
        ("x" * 509, "pw", "is not a username and password to log in with"),
        ("ann", "hush\a", "'ann' is not a username and password to log in with"),
        ("ann", "", "is not a file with a password: its first line is empty"),
        ("ann", "\npw", "is not a file with a password: its first line is empty"),
        ("ann", "x" * 70_000, "its first line has over 65536 characters"),
        ("ann", b"\xff", "is not a file with a password: it is not UTF-8"),
    ],
)
def test_says_what_is_wrong_with_a_login(username, text, sentence: str, password):
    path = password(text)
    with pytest.raises(UsageError) as caught:
        pick_login(username, path, short_term=False)
    assert sentence in str(caught.value)
    assert "hush" not in str(caught.value)


def test_names_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(UsageError, match="is not a file: no such file or directory"):
        read_line(str(tmp_path / "absent"), "a file")
