import pytest

from stunkit.endpoint import Endpoint
from stunkit.protocol.site import Quartet
from stunkit.server.relays import Relays
from stunkit.server.web.directory import Directory, Own, own_servers, parse_host

FOUR = tuple(
    map(Endpoint.parse, ["192.0.2.1:3478", "192.0.2.1:3479", "192.0.2.2:3478", "192.0.2.2:3479"])
)
SIX = Endpoint.parse("[2001:db8::1]:3478")


def directory(*own: Own, **more) -> Directory:
    return Directory(lambda: own, **more)


def test_a_server_on_every_address_is_where_the_page_came_from():
    found = directory(Own(Endpoint.parse("0.0.0.0:3478")), Own(Endpoint.parse("[::]:3478")))
    assert found.stun_uris("stun.example.org") == ["stun:stun.example.org:3478"]
    assert found.stun_uris("[2001:db8::9]") == ["stun:[2001:db8::9]:3478"]
    assert found.stun_uris(None) == []
    assert found.for_everybody(None) == []


def test_a_server_with_two_addresses_is_named_by_both():
    found = directory(Own(FOUR[0], FOUR[3]), Own(SIX))
    assert found.stun_uris("x") == ["stun:192.0.2.1:3478", "stun:[2001:db8::1]:3478"]
    assert found.mapping_uris("x") == [
        "stun:192.0.2.1:3478",
        "stun:192.0.2.2:3479",
        "stun:[2001:db8::1]:3478",
    ]


def test_others_are_named_instead_where_an_operator_says_so():
    found = directory(Own(FOUR[0], FOUR[3]), stun=("stun:a", "stun:b:1"))
    assert found.stun_uris("x") == found.mapping_uris("x") == ["stun:a", "stun:b:1"]


def test_only_who_has_a_seat_is_told_of_relays():
    found = directory(Own(FOUR[0]), relays=Relays(("turn:a",), "secret"))
    (stun,) = found.for_everybody("x")
    assert stun.members() == {"urls": ["stun:192.0.2.1:3478"]}
    first, relay = found.for_seat("x", 1_800_000_000.0, 60.0)
    assert first == stun
    assert relay.username == "1800000060"


def test_the_other_address_is_named_while_it_is_proven():
    proven, broken = Quartet(FOUR, FOUR, proven=True), Quartet(FOUR, FOUR)
    assert own_servers([(one, proven) for one in FOUR]) == [Own(FOUR[0], FOUR[3])]
    assert own_servers([(one, broken) for one in FOUR]) == [Own(FOUR[0])]
    assert own_servers([(SIX, None)]) == [Own(SIX)]


@pytest.mark.parametrize(
    ("header", "host"),
    [
        ("stun.example.org", "stun.example.org"),
        ("localhost:8080", "localhost"),
        ("192.0.2.1:443", "192.0.2.1"),
        ("[2001:DB8::1]:443", "[2001:db8::1]"),
        ("[2001:db8::1]", "[2001:db8::1]"),
        ("a_b.example", "a_b.example"),
    ],
)
def test_knows_a_host(header: str, host: str):
    assert parse_host(header) == host


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        ":80",
        "a b",
        "a;script-src *",
        "a'",
        "x/y",
        "a@b",
        "-a",
        "[x]",
        "[::1",
        "a:b",
        "[fe80::1%eth0]",
        "é.example",
        "a" * 300,
    ],
)
def test_takes_nothing_else_for_one(header: str | None):
    assert parse_host(header) is None
