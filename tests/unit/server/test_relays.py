import pickle
from pathlib import Path

import pytest

from stunkit.errors import SettingsError
from stunkit.protocol.credentials import rest_password
from stunkit.server import relays
from stunkit.server.relays import Relays
from stunkit.server.settings.web import WebSettings

TURN = ("turn:turn.example.org", "turns:turn.example.org?transport=tcp")
SECRET = "north wind"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    path.chmod(0o600)
    return path


def test_makes_credentials_that_last_as_long_as_they_have_to(file: Path):
    known = relays.load(WebSettings(turn=TURN, turn_secret_file=file))
    server = known.for_seat(1_800_000_000.9, 59.2)
    assert server.urls == TURN
    assert server.username == "1800000060"
    assert server.credential == rest_password(SECRET, "1800000060")


def test_hands_out_what_is_fixed(file: Path):
    known = relays.load(WebSettings(turn=TURN, turn_user="ann", turn_password_file=file))
    server = known.for_seat(0.0, 1.0)
    assert (server.username, server.credential) == ("ann", SECRET)


def test_shows_no_secret_and_can_go_to_another_process(file: Path):
    for known in (
        relays.load(WebSettings(turn=TURN, turn_secret_file=file)),
        relays.load(WebSettings(turn=TURN, turn_user="ann", turn_password_file=file)),
    ):
        assert SECRET not in repr(known)
        assert pickle.loads(pickle.dumps(known)) == known


def test_are_none_where_none_is_named():
    assert relays.load(WebSettings()) is None


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"turn_secret_file": "file"}, "web.turn_secret_file: it needs web.turn"),
        ({"turn_user": "ann"}, "web.turn_user: it needs web.turn"),
        ({"turn_password_file": "file"}, "web.turn_password_file: it needs web.turn"),
        ({"turn": TURN}, "web.turn: it needs one of"),
        ({"turn": TURN, "turn_secret_file": "file", "turn_user": "a"}, "web.turn: it needs one of"),
        ({"turn": TURN, "turn_user": "a"}, "web.turn_user: it goes together"),
        (
            {"turn": TURN, "turn_secret_file": "file", "turn_password_file": "file"},
            "web.turn_user: it goes together",
        ),
    ],
)
def test_says_what_does_not_go_together(settings: dict, reason: str, file: Path):
    given = {key: file if value == "file" else value for key, value in settings.items()}
    with pytest.raises(SettingsError, match=reason):
        relays.load(WebSettings(**given))


def test_refuses_a_username_that_is_none(file: Path):
    settings = WebSettings(turn=TURN, turn_user="a" * 600, turn_password_file=file)
    with pytest.raises(SettingsError, match=r"web\.turn_user") as caught:
        relays.load(settings)
    assert SECRET not in str(caught.value)


def test_are_values():
    assert Relays(TURN, "a") != Relays(TURN, "b")
