import tomllib

import pytest
from click.testing import CliRunner

from stunkit.cli.serve import command
from stunkit.errors import UsageError
from stunkit.server.settings import Settings


def check(*arguments: str):
    return CliRunner().invoke(command, [*arguments, "--check"], catch_exceptions=False)


def test_check_prints_every_setting_as_toml():
    result = check()
    assert result.exit_code == 0
    settings = tomllib.loads(result.stdout)
    assert list(settings) == list(Settings.__dataclass_fields__)
    assert settings["max_connections"] == Settings().max_connections
    assert settings["idle_timeout"] == Settings().idle_timeout


def test_check_prints_what_was_chosen():
    settings = tomllib.loads(
        check("--listen", "192.0.2.1", "--listen", "[::1]:1", "--software", 'a "b" \\').stdout
    )
    assert settings["listen"] == ["192.0.2.1:3478", "[::1]:1"]
    assert settings["software"] == 'a "b" \\'


@pytest.mark.parametrize("listen", ["localhost", "192.0.2.1:65536", "192.0.2.1:http", "[::1", ""])
def test_listens_on_nothing_but_an_address(listen):
    with pytest.raises(UsageError):
        check("--listen", listen)


def test_sends_no_software_that_does_not_fit():
    with pytest.raises(UsageError, match="SOFTWARE"):
        check("--software", "x" * 128)
    assert check("--software", "x" * 127).exit_code == 0
