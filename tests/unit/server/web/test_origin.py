import pytest

from stunkit.server.web.origin import is_allowed

HOST = "stun.example.org:8080"
FRIEND = "https://app.example.org"


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (None, HOST, ()),
        (f"http://{HOST}", HOST, ()),
        (f"https://{HOST.upper()}", HOST, ()),
        (FRIEND, HOST, (FRIEND,)),
        (FRIEND.upper(), HOST, (FRIEND,)),
        ("null", HOST, ("*",)),
    ],
)
def test_lets_in(origin, host, allowed):
    assert is_allowed(origin, host, allowed)


@pytest.mark.parametrize(
    ("origin", "host", "allowed"),
    [
        (FRIEND, HOST, ()),
        (f"{FRIEND}.evil.example", HOST, (FRIEND,)),
        (f"{FRIEND}:444", HOST, (FRIEND,)),
        ("http://stun.example.org", HOST, ()),
        (f"ftp://{HOST}", HOST, ()),
        ("null", HOST, (FRIEND,)),
        ("", HOST, ()),
        ("http://", "", ()),
        ("http://", None, ()),
    ],
)
def test_keeps_out(origin, host, allowed):
    assert not is_allowed(origin, host, allowed)
