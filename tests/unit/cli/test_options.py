from ast import literal_eval

import click
import pytest
from click.testing import CliRunner

from stunkit.cli.options import (
    SERVER_VARIABLE,
    client_options,
    parse_bind,
    pick_family,
    pick_servers,
)
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import UsageError
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


@pytest.mark.parametrize("seconds", ["0.5", "1", "86400"])
def test_takes_a_timeout_in_seconds(seconds):
    result = CliRunner().invoke(options, ["--timeout", seconds])
    assert f"'timeout': {float(seconds)}" in result.stdout


def test_has_the_options_that_client_verbs_share():
    result = CliRunner().invoke(options, ["-4", "-6", "--bind", "::1", "--json"])
    assert literal_eval(result.stdout) == {
        "only_ipv4": True,
        "only_ipv6": True,
        "bind": "::1",
        "timeout": 10.0,
        "as_json": True,
    }
