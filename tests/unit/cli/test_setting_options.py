from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from stunkit.cli.setting_options import SettingsCommand, chosen, setting_options
from stunkit.endpoint import Endpoint
from stunkit.errors import UsageError
from stunkit.server.settings.kinds import Flag, Many
from stunkit.server.settings.tree import SETTINGS


def choose(*arguments: str) -> dict:
    """Return what the settings' options choose."""
    values: dict = {}

    @click.command(cls=SettingsCommand)
    @setting_options
    def verb(**options):
        values.update(chosen(options))

    result = CliRunner().invoke(verb, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return values


def test_chooses_nothing_without_options():
    assert choose() == {}


@pytest.mark.parametrize("one", SETTINGS, ids=lambda one: one.key)
def test_has_an_option_for_every_setting(one):
    if isinstance(one.kind, Flag):
        assert choose(one.option) == {one.key: True}
        assert choose(one.option.replace("--", "--no-", 1)) == {one.key: False}
        return
    if isinstance(one.kind, Many):
        texts = [text.strip('"') for text in one.kind.write(one.default)[1:-1].split(", ") if text]
        arguments = [part for text in texts or ["none"] for part in (one.option, text)]
    else:
        arguments = [one.option, one.kind.write(one.default).strip('"')]
    assert choose(*arguments) == {one.key: one.default}


def test_takes_lists_with_commas_and_again():
    assert choose("--listen", "192.0.2.1,[::1]:1", "--listen", "192.0.2.2:5") == {
        "listen": (
            Endpoint.parse("192.0.2.1:3478"),
            Endpoint.parse("[::1]:1"),
            Endpoint.parse("192.0.2.2:5"),
        )
    }
    assert choose("--refused-ports", "none") == {"refused_ports": ()}


def test_sees_paths_from_here():
    assert choose("--authentication-credentials-file", "x") == {
        "authentication.credentials_file": Path.cwd() / "x"
    }


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["--limit-rate", "5"],
            "--limit-rate: '5' is not a rate: give 10 or more, or 0 for no limit",
        ),
        (["--workers", "0"], "--workers: '0' is not a number of workers"),
        (["--lane", "fast"], "--lane: 'fast' is not a lane: it is none of"),
        (["--tcp-idle-timeout", "nan"], "--tcp-idle-timeout: 'nan' is not a time"),
        (["--limit-allow", "192.0.2.1/24"], "--limit-allow: '192.0.2.1/24' is not a network"),
        (["--refused-ports", "1,x"], "--refused-ports: 'x' is not a port: give 0 to 65535"),
    ],
)
def test_says_what_a_wrong_text_should_be(arguments, sentence: str):
    with pytest.raises(UsageError) as caught:
        choose(*arguments)
    assert str(caught.value).startswith(sentence)


def test_help_shows_each_section_with_defaults_and_units():
    verb = click.command("verb", cls=SettingsCommand)(setting_options(lambda **_: None))
    text = CliRunner().invoke(verb, ["--help"], terminal_width=200).output
    for section in dict.fromkeys(one.section for one in SETTINGS):
        assert (f"Options [{section}]:" if section else "Options:") in text
    words = " ".join(text.split())
    for one in SETTINGS:
        assert one.option in words
        assert one.help in words
        assert one.unit in words
    assert "[default: 1000]" in words
    assert 'may be given several times, or "none"' in words.lower()
