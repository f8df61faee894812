import logging
import os

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import SettingsError, UsageError
from stunkit.server.reload import Reload
from stunkit.server.settings.tree import SETTINGS, Settings

PRESENT = Settings(software="old")
REASON = "no such file or directory"


@pytest.fixture
def heard():
    """What a supervisor hears."""
    return []


@pytest.fixture
def make(heard):
    """Make a reload that reads these settings, or fails to."""

    def make(result: Settings | Exception) -> Reload:
        def read() -> Settings:
            heard.append("read")
            if isinstance(result, Exception):
                raise result
            return result

        return Reload(read, lambda: heard.append("begin"), lambda: heard.append("end"))

    return make


@pytest.fixture(autouse=True)
def messages(caplog):
    caplog.set_level(logging.INFO)
    return lambda: [(record.levelname, record.getMessage()) for record in caplog.records]


def test_prepares_what_is_to_be_adopted_and_says_when_it_is(make, heard, messages):
    new = PRESENT.with_values({"software": "new", "limit.rate": 50.0})
    reload = make(new)
    settings, material = reload.prepare(PRESENT)
    assert (settings, material.credentials) == (new, None)
    assert heard == ["begin", "read"]
    assert messages() == []
    reload.finish(PRESENT, new)
    assert heard == ["begin", "read", "end"]
    assert messages() == [("INFO", "reloaded: software, limit.rate")]


def test_says_when_nothing_has_changed(make, messages):
    make(PRESENT).finish(PRESENT, PRESENT)
    assert messages() == [("INFO", "reloaded: the settings are the same")]


@pytest.mark.parametrize(
    "error",
    [SettingsError("a.toml", "lane", "it is no lane", 3), UsageError("a lane", "x", "it is none")],
)
def test_refuses_what_is_broken_and_says_why(error, make, heard, messages):
    assert make(error).prepare(PRESENT) is None
    assert heard == ["begin", "read", "end"]
    assert messages() == [("ERROR", f"not reloaded, the old settings stay: {error}")]


def test_says_as_whom_a_file_could_not_be_read(make, messages):
    make(SettingsError("key", "", "cannot be read: permission denied")).prepare(PRESENT)
    ((_, message),) = messages()
    assert message.endswith(f"permission denied to user {os.geteuid()}, as whom this process runs")


def test_survives_its_own_bugs(make, heard, messages):
    assert make(ZeroDivisionError()).prepare(PRESENT) is None
    assert heard == ["begin", "read", "end"]
    assert messages() == [("ERROR", "not reloaded, the old settings stay: an error of ours")]


def test_refuses_a_broken_file_that_good_settings_name(make, heard, messages, tmp_path):
    path = tmp_path / "absent"
    new = PRESENT.with_values({"authentication.credentials_file": path})
    assert make(new).prepare(PRESENT) is None
    assert heard == ["begin", "read", "end"]
    assert messages() == [
        ("ERROR", f"not reloaded, the old settings stay: {path}: cannot be read: {REASON}"),
    ]


def test_refuses_what_needs_a_restart_by_name(make, messages):
    values = {"listen": (Endpoint.parse("192.0.2.1:1"),), "software": "new", "workers": 2}
    assert make(PRESENT.with_values(values)).prepare(PRESENT) is None
    assert messages() == [
        (
            "ERROR",
            "not reloaded, the old settings stay: listen, workers: a change needs a restart",
        )
    ]


def test_what_needs_a_restart_is_what_sockets_and_processes_are_made_of():
    needing = {one.key for one in SETTINGS if one.needs_restart}
    assert needing >= {"listen", "alternate", "advertise", "workers", "lane"}
    assert not needing & {"software", "limit.rate", "refused_ports", "tcp.idle_timeout"}


def test_nonces_stay_good(make):
    reload = make(PRESENT)
    assert reload.nonce_secret == reload.nonce_secret
    assert len(reload.nonce_secret) == 32
    assert reload.nonce_secret != make(PRESENT).nonce_secret
    assert reload.nonce_secret.hex() not in repr(reload)
    assert str(reload.nonce_secret) not in repr(reload)


def test_nobody_has_to_listen():
    reload = Reload(lambda: PRESENT)
    assert reload.load() == reload.prepare(PRESENT)
    reload.finish(PRESENT, PRESENT)
