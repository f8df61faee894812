from stunkit.signal.ice_server import IceServer, no_ice_servers


def test_is_what_a_browser_takes():
    assert IceServer(("stun:a",)).members() == {"urls": ["stun:a"]}
    relay = IceServer(("turn:a", "turns:a"), "ann", "pw")
    assert relay.members() == {
        "urls": ["turn:a", "turns:a"],
        "username": "ann",
        "credential": "pw",
    }


def test_shows_no_credential():
    assert "pw" not in repr(IceServer(("turn:a",), "ann", "pw"))


def test_there_may_be_none():
    assert no_ice_servers(1.0) == ()
