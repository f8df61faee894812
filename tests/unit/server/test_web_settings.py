import pytest

from stunkit.errors import UsageError
from stunkit.server.settings import SETTINGS
from stunkit.server.web_settings import WebSettings

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


def test_a_room_lives_as_long_as_it_says():
    assert WebSettings(room_lifetime=60.0).limits.lifetime == 60.0
