import sys
import tomllib

import pytest
from click.testing import CliRunner

from stunkit.cli.serve import command
from stunkit.errors import SettingsError, UsageError
from stunkit.extra import installation
from stunkit.net.transport import batch
from stunkit.server.settings import settings_file
from stunkit.server.settings.tree import Settings


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


@pytest.mark.parametrize(
    ("module", "options", "sentence", "extra"),
    [
        ("numpy", ["--lane", "batch"], "batches of datagrams need NumPy; ", "fast"),
        (
            "aiohttp.web",
            ["--metrics-listen", "127.0.0.1"],
            "metrics need aiohttp.web, which is not installed; ",
            "metrics",
        ),
    ],
)
def test_check_says_which_extra_is_missing(module, options, sentence, extra, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(batch, "is_available", lambda: module != "numpy")
    result = check(*options)
    assert result.exit_code == 3
    assert result.stderr.startswith(f"stunkit: {sentence}{installation(extra)}")
    assert result.stderr.count("\n") == 1
    assert result.stdout.startswith("listen = ")


def test_check_says_everything_that_is_missing(monkeypatch):
    monkeypatch.setattr(batch, "is_available", lambda: False)
    monkeypatch.setitem(sys.modules, "aiohttp.web", None)
    result = check("--lane", "batch", "--metrics-listen", "127.0.0.1", "--user", "nobody-such")
    assert result.exit_code == 3
    assert [line.split()[1] for line in result.stderr.splitlines()] == [
        "batches",
        "metrics",
        "there",
    ]


def test_check_needs_no_extra_that_the_settings_do_not(monkeypatch):
    monkeypatch.setattr(batch, "is_available", lambda: False)
    for module in ("aiohttp.web", "scramp"):
        monkeypatch.setitem(sys.modules, module, None)
    result = check()
    assert (result.exit_code, result.stderr) == (0, "")


def test_check_says_what_a_closed_server_could_not_read(monkeypatch, tmp_path):
    path = tmp_path / "credentials"
    path.write_text("password ann x\n")
    path.chmod(0o600)
    options = ["--authentication-credentials-file", str(path)]
    assert check(*options).stderr == ""
    monkeypatch.setitem(sys.modules, "scramp", None)
    result = check(*options)
    assert result.exit_code == 0
    assert result.stderr == (
        f"stunkit: names beyond printable ASCII would need: {installation('auth')}\n"
    )


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
