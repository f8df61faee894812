import pytest
from click.testing import CliRunner

from stunkit.cli.main import cli
from stunkit.errors import UsageError


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--short", "--json"], "--json"),
        (["--exec", "true"], "--watch"),
        (["-4", "-6"], "-4 and -6"),
        (["--watch", "--interval", "0.1"], "--interval"),
        (["--watch", "--interval", "nan"], "--interval"),
        (["--timeout", "0"], "--timeout"),
    ],
)
def test_refuses_options_that_make_no_sense(arguments, named):
    result = CliRunner().invoke(cli, ["whoami", *arguments, "127.0.0.1:9"])
    assert result.exit_code == 2
    assert named in result.stderr


@pytest.mark.parametrize(
    "server",
    [
        "127.0.0.1:99999",
        "http://stun.example.org/",
        "[::1",
        "stun:127.0.0.1?transport=sctp",
        "turn:127.0.0.1",
        "stuns:127.0.0.1?transport=udp",
        "a b",
        "",
    ],
)
def test_names_a_server_that_is_none(server):
    with pytest.raises(UsageError) as caught:
        CliRunner().invoke(cli, ["whoami", server], catch_exceptions=False)
    assert repr(server) in str(caught.value) or repr(f"stun:{server}") in str(caught.value)
