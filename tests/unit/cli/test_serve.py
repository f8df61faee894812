import tomllib

import pytest
from click.testing import CliRunner

from stunkit.cli.serve import command
from stunkit.errors import SettingsError, UsageError
from stunkit.server import settings_file
from stunkit.server.settings import Settings


def check(*arguments: str):
    return CliRunner().invoke(command, [*arguments, "--check"], catch_exceptions=False)


def test_check_prints_every_setting_as_toml():
    result = check()
    assert result.exit_code == 0
    assert result.stdout == settings_file.dump(Settings())


def test_check_prints_what_was_chosen():
    settings = tomllib.loads(
        check("--listen", "192.0.2.1", "--listen", "[::1]:1", "--software", 'a "b" \\').stdout
    )
    assert settings["listen"] == ["192.0.2.1:3478", "[::1]:1"]
    assert settings["software"] == 'a "b" \\'


def test_what_check_prints_gives_the_same_settings_again(tmp_path):
    chosen = ["--workers", "auto", "--limit-rate", "0", "--refused-ports", "none"]
    printed = check(*chosen, "--software", "x", "--tcp-idle-timeout", "0.5").stdout
    assert printed != check().stdout
    path = tmp_path / "stunkit.toml"
    path.write_text(printed)
    assert check("--config", str(path)).stdout == printed


def test_the_command_line_goes_before_the_file_and_that_before_defaults(tmp_path):
    path = tmp_path / "stunkit.toml"
    path.write_text('listen = ["192.0.2.1"]\nsoftware = "x"\n[limit]\nrate = 20\n')
    chosen = ["--listen", "192.0.2.9", "--limit-rate", "30"]
    settings = tomllib.loads(check("--config", str(path), *chosen).stdout)
    assert settings["listen"] == ["192.0.2.9:3478"]
    assert settings["software"] == "x"
    assert (settings["limit"]["rate"], settings["limit"]["burst"]) == (30, 200)


def test_check_reads_the_files_that_settings_name(tmp_path):
    path = tmp_path / "credentials"
    path.write_text("pasword ann x")
    with pytest.raises(SettingsError, match="credentials, line 1: it begins with none of"):
        check("--authentication-credentials-file", str(path))


def test_sample_is_a_file_that_changes_nothing(tmp_path):
    path = tmp_path / "stunkit.toml"
    path.write_text(CliRunner().invoke(command, ["--sample"]).stdout)
    assert check("--config", str(path)).stdout == check().stdout


@pytest.mark.parametrize("listen", ["localhost", "192.0.2.1:65536", "192.0.2.1:http", "[::1", ""])
def test_listens_on_nothing_but_an_address(listen):
    with pytest.raises(UsageError):
        check("--listen", listen)


def test_sends_no_software_that_does_not_fit():
    with pytest.raises(UsageError, match="SOFTWARE"):
        check("--software", "x" * 128)
    assert check("--software", "x" * 127).exit_code == 0
