import pytest

from stunkit.bench.sources import Source, pick_sources
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size", "first", "shown"),
    [
        ("192.0.2.1", 1, "192.0.2.1:0", "192.0.2.1"),
        ("192.0.2.1:5004", 1, "192.0.2.1:5004", "192.0.2.1:5004"),
        ("2001:db8::1", 1, "[2001:db8::1]:0", "2001:db8::1"),
        ("[2001:db8::1]:5004", 1, "[2001:db8::1]:5004", "[2001:db8::1]:5004"),
        ("127.1.0.0/16", 65534, "127.1.0.1:0", "127.1.0.0/16"),
        ("192.0.2.0/31", 2, "192.0.2.0:0", "192.0.2.0/31"),
        ("192.0.2.9/32", 1, "192.0.2.9:0", "192.0.2.9"),
        ("fd00::/64", 1 << 64, "[fd00::]:0", "fd00::/64"),
    ],
)
def test_reads_addresses_and_networks(text, size, first, shown):
    source = Source.parse(text)
    assert (source.size, str(source.endpoint(0)), str(source)) == (size, first, shown)
    assert source.family is (Family.IPV6 if first.startswith("[") else Family.IPV4)


def test_keeps_the_scope_of_an_address():
    assert str(Source.parse("fe80::1%3").endpoint(0)) == "[fe80::1%3]:0"


@pytest.mark.parametrize("text", ["", "x", "192.0.2.0/99", "192.0.2.1/24", "192.0.2.1:99999"])
def test_refuses_what_names_nothing(text):
    with pytest.raises(UsageError):
        Source.parse(text)


def test_gives_each_socket_an_address_of_the_network():
    picked = pick_sources([Source.parse("127.1.0.0/16")], 600)
    assert len(set(picked)) == 600
    assert [str(one) for one in picked[254:256]] == ["127.1.0.255:0", "127.1.1.0:0"]


def test_starts_again_where_a_network_ends():
    picked = pick_sources([Source.parse("127.1.0.0/30")], 3)
    assert [one.host for one in picked] == ["127.1.0.1", "127.1.0.2", "127.1.0.1"]


def test_lets_several_take_turns():
    sources = [Source.parse("127.0.0.2:7"), Source.parse("127.1.0.0/24"), Source.parse("127.0.0.3")]
    picked = pick_sources(sources[1:], 4)
    assert [one.host for one in picked] == ["127.1.0.1", "127.0.0.3", "127.1.0.2", "127.0.0.3"]
    assert pick_sources(sources, 3)[0] == Endpoint.of("127.0.0.2", 7)


def test_refuses_to_share_a_port():
    with pytest.raises(UsageError, match="2 sockets cannot share it"):
        pick_sources([Source.parse("127.0.0.2:7")], 2)
