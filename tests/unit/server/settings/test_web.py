import pytest

from stunkit.errors import UsageError
from stunkit.server.settings.tree import SETTINGS
from stunkit.server.settings.web import WebSettings

KINDS = {one.key: one.kind for one in SETTINGS}


@pytest.mark.parametrize("text", ["https://a.example", "http://localhost:8000", "*"])
def test_takes_origins(text: str):
    assert KINDS["web.origins"].parse(text) == (text,)


@pytest.mark.parametrize("text", ["a.example", "https://a.example/", "ftp://a", "https://", ""])
def test_refuses_what_is_no_origin(text: str):
    with pytest.raises(UsageError, match="it looks like https://HOST"):
        KINDS["web.origins"].parse(text)


def test_takes_stores():
    kind = KINDS["web.store"]
    assert kind.parse("redis://127.0.0.1:6379/1") == "redis://127.0.0.1:6379/1"
    assert kind.parse("") is None
    assert kind.write(None) == '""'
    with pytest.raises(UsageError, match="it begins with none of redis://"):
        kind.parse("memcached://x")


@pytest.mark.parametrize(
    "text",
    [
        "redis://:hush@host:1/0",
        "redis://ann:hush@host",
        "rediss://host?password=hush",
        "memcached://:hush@host",
        "redis://:hush@[host",
    ],
)
def test_takes_no_password_in_a_store_and_repeats_none(text: str):
    with pytest.raises(UsageError) as caught:
        KINDS["web.store"].parse(text)
    assert "hush" not in str(caught.value)


def test_takes_a_stores_user():
    assert KINDS["web.store"].parse("redis://ann@host") == "redis://ann@host"


def test_takes_relays_and_stun_servers():
    assert KINDS["web.turn"].parse("TURN:a?transport=tcp,turns:b:1") == (
        "turn:a?transport=tcp",
        "turns:b:1",
    )
    assert KINDS["web.stun"].parse("stun:a:3478") == ("stun:a:3478",)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("web.turn", "stun:a"),
        ("web.turn", "a"),
        ("web.turn", "turn:"),
        ("web.stun", "turn:a"),
        ("web.stun", "stun:a?transport=tcp"),
    ],
)
def test_refuses_other_uris(key: str, text: str):
    with pytest.raises(UsageError):
        KINDS[key].parse(text)


def test_a_room_lives_as_long_as_it_says():
    assert WebSettings(room_lifetime=60.0).limits.lifetime == 60.0
