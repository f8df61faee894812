import re
import tomllib
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import SettingsError
from stunkit.server.settings import settings_file
from stunkit.server.settings.kinds import Choice, File, Flag, Many, Number, Text, Whole
from stunkit.server.settings.tree import SETTINGS, Settings

OTHER = {  # a value for settings whose kind does not say one
    "listen": (Endpoint.parse("192.0.2.1:3479"), Endpoint.parse("[2001:db8::1]:1")),
    "alternate": (Endpoint.parse("192.0.2.2:0"),),
    "advertise": (("10.0.0.1", "192.0.2.1"), ("fd00::1", "2001:db8::1")),
}


def other_value(one):
    """Return a value that is not the default."""
    if one.key in OTHER:
        return OTHER[one.key]
    if isinstance(one.kind, Many):
        return one.default[:1] if len(one.default) > 1 else ()
    if isinstance(one.kind, Whole | Number):
        return one.default - 1 if one.default > 1 else one.default + 1
    if isinstance(one.kind, Flag):
        return not one.default
    if isinstance(one.kind, Choice):
        return next(word for word in one.kind.metavar.split("|") if word != one.default)
    if isinstance(one.kind, File):
        return Path("/etc/other")
    if isinstance(one.kind, Text):
        return "other"
    return one.default  # of some other kind, and not in OTHER


ALL_OTHER = Settings().with_values({one.key: other_value(one) for one in SETTINGS})


@pytest.fixture
def write(tmp_path: Path):
    def write(text: str | bytes) -> Path:
        path = tmp_path / "stunkit.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def loaded(path: Path) -> Settings:
    return Settings().with_values(settings_file.load(path))


@pytest.mark.parametrize("settings", [Settings(), ALL_OTHER], ids=["defaults", "others"])
def test_reads_what_it_writes(settings: Settings, write):
    assert loaded(write(settings_file.dump(settings))) == settings


def test_writes_every_setting():
    document = tomllib.loads(settings_file.dump(Settings()))
    for one in SETTINGS:
        assert one.name in (document[one.section] if one.section else document)


def test_chooses_only_what_stands_there(write):
    path = write('software = "x"\n[limit]\nrate = 0\n')
    assert settings_file.load(path) == {"software": "x", "limit.rate": 0.0}
    assert settings_file.load(write("")) == {}


def test_takes_dotted_and_inline_tables(write):
    assert settings_file.load(write("limit.rate = 20\ntcp = { max_message = 100 }")) == {
        "limit.rate": 20.0,
        "tcp.max_message": 100,
    }


def test_sees_paths_from_its_folder(write, tmp_path: Path):
    path = write('[authentication]\ncredentials_file = "a/b"\nnonce_secret_file = "/c"')
    assert settings_file.load(path) == {
        "authentication.credentials_file": tmp_path / "a/b",
        "authentication.nonce_secret_file": Path("/c"),
    }
    assert settings_file.load(write('[authentication]\ncredentials_file = ""')) == {
        "authentication.credentials_file": None
    }


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('sofware = "x"', "line 1: sofware: there is no such key; the nearest is software"),
        (
            "\n\n[limit]\nrat = 5",
            "line 4: limit.rat: there is no such key; the nearest is limit.rate",
        ),
        (
            "max_conections = 5",
            "line 1: max_conections: there is no such key; the nearest is tcp.max_connections",
        ),
        ("rate = 5", "line 1: rate: there is no such key; the nearest is limit.rate"),
        ("[tcp]\nrate = 5", "line 2: tcp.rate: there is no such key; the nearest is limit.rate"),
        ("[limits]\nrate = 5", "line 1: limits: there is no such section; the nearest is [limit]"),
        ("[[limit]]\nrate = 5", "line 1: limit: it is a section: write [limit]"),
        ("tcp = 5", "line 1: tcp: it is a section: write [tcp]"),
        (
            "[software]\na = 1",
            "line 1: software: \"{'a': 1}\" is not a text for SOFTWARE: it has to be text",
        ),
        (
            'workers = "two"',
            "line 1: workers: 'two' is not a number of workers: give 1 to 512 or \"auto\"",
        ),
        (
            '[tcp]\nmax_connections = "100"',
            "line 2: tcp.max_connections: '100' is not a number of connections: write it without",
        ),
        (
            "listen = 3478",
            "line 1: listen: '3478' is not a list, each of it an address and port: write",
        ),
        ('listen = ["localhost"]', "line 1: listen: 'localhost:3478' is not an address and port:"),
        (
            'advertise = ["10.0.0.1"]',
            "line 1: advertise: '10.0.0.1' is not LOCAL=PUBLIC: it has no =",
        ),
        (
            'advertise = ["10.0.0.1=::1"]',
            "line 1: advertise: '10.0.0.1=::1' is not LOCAL=PUBLIC: the two are of",
        ),
        (
            "refused_ports = [1,\n70000]",
            "line 1: refused_ports: '70000' is not a port: give 0 to 65535",
        ),
        (
            '[limit]\nrate = "fast"  # [x]',
            "line 2: limit.rate: 'fast' is not a rate: give 10 or more, or 0 for",
        ),
        (
            'limit.rate = "fast"',
            "limit.rate: 'fast' is not a rate: give 10 or more, or 0 for no limit",
        ),
        ("[limit]\nburst = 5", "line 2: limit.burst: '5' is not a burst: give 10 to 1000000"),
        (
            '[limit]\n"allow" = ["192.0.2.1/24"]',
            "line 2: limit.allow: '192.0.2.1/24' is not a network: 192.0.2.1/24 has host",
        ),
        ("a = ", "it is not TOML: "),
        ("lane = 1\nlane = 2", "it is not TOML: "),
        (b"\xff", "it is not UTF-8"),
    ],
)
def test_names_the_place_and_what_should_stand_there(text, sentence: str, write):
    path = write(text)
    with pytest.raises(SettingsError) as caught:
        settings_file.load(path)
    said = str(caught.value)
    assert said.startswith(
        f"{path}, {sentence}" if sentence.startswith("line") else f"{path}: {sentence}"
    )
    assert "\n" not in said


def test_names_a_file_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(SettingsError) as caught:
        settings_file.load(tmp_path / "absent")
    assert str(caught.value) == f"{tmp_path}/absent: cannot be read: no such file or directory"
    with pytest.raises(SettingsError, match="cannot be read: is a directory"):
        settings_file.load(tmp_path)


def test_sample_chooses_nothing(write):
    assert settings_file.load(write(settings_file.sample())) == {}


def test_sample_shows_every_default(write):
    chosen = re.sub(r"^#(?=\w+ = )", "", settings_file.sample(), flags=re.MULTILINE)
    assert settings_file.load(write(chosen)) == {one.key: one.default for one in SETTINGS}


def test_sample_explains_every_setting():
    words = " ".join(settings_file.sample().replace("#", " ").split())
    for one in SETTINGS:
        assert " ".join(one.help.split()) in words
        assert one.unit in words
    assert words.count("Needs a restart.") == sum(one.needs_restart for one in SETTINGS)
    assert max(map(len, settings_file.sample().splitlines())) <= 100


def test_does_not_import_toml_before_there_is_a_file():
    import subprocess
    import sys

    program = "import sys, stunkit.cli.serve; print('tomllib' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", program]) == b"False\n"
