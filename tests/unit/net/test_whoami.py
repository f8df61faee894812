import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import NoAnswer
from stunkit.net.whoami import PUBLIC_SERVERS, Answer, Whoami
from stunkit.wire.uri import Transport, Uri

NAME = Uri.parse("stun.example.org")


def seen(*hosts: str | None) -> Whoami:
    return Whoami(tuple(answer(host) for host in hosts))


def answer(host: str | None) -> Answer:
    if host is None:
        return Answer(NAME, Transport.UDP, error=NoAnswer(7, 39.5))
    mapped = Endpoint.of(host, 4000)
    return Answer(NAME, Transport.UDP, family=mapped.family, mapped=mapped)


@pytest.mark.parametrize(
    ("hosts", "ipv4", "consensus"),
    [
        ([], None, None),
        ([None], None, None),
        (["192.0.2.1"], "192.0.2.1", True),
        (["192.0.2.1", None], "192.0.2.1", True),
        (["192.0.2.1", "192.0.2.1"], "192.0.2.1", True),
        (["192.0.2.1", "192.0.2.2"], None, False),
        (["192.0.2.1", "192.0.2.2", "192.0.2.1"], "192.0.2.1", False),
        (["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.2"], None, False),
        (["192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"], None, False),
        (["192.0.2.1", "2001:db8::1"], "192.0.2.1", True),
        (["192.0.2.1", "2001:db8::1", "2001:db8::2"], "192.0.2.1", False),
    ],
)
def test_says_the_address_that_most_servers_saw(hosts, ipv4, consensus):
    result = seen(*hosts)
    assert result.public(Family.IPV4) == ipv4
    assert result.consensus is consensus


def test_keeps_the_families_apart():
    result = seen("192.0.2.1", "2001:db8::1", "2001:db8::1")
    assert result.public(Family.IPV6) == "2001:db8::1"
    assert result.seen(Family.IPV6) == {"2001:db8::1": 2}
    assert result.seen(Family.IPV4) == {"192.0.2.1": 1}


def test_counts_addresses_and_not_ports():
    one = Answer(NAME, Transport.UDP, mapped=Endpoint.of("192.0.2.1", 1))
    two = Answer(NAME, Transport.UDP, mapped=Endpoint.of("192.0.2.1", 2))
    assert Whoami((one, two)).consensus is True


@pytest.mark.parametrize(
    ("server", "local", "mapped", "public"),
    [
        ("198.51.100.1", "10.0.0.2", "172.17.0.1", None),
        ("198.51.100.1", "10.0.0.2", "203.0.113.1", "203.0.113.1"),
        ("198.51.100.1", "10.0.0.2", "10.0.0.2", "10.0.0.2"),
        ("192.168.1.5", "10.0.0.2", "192.168.1.1", "192.168.1.1"),
    ],
    ids=["proxy", "NAT", "own address", "server inside"],
)
def test_does_not_believe_a_server_behind_a_proxy(server, local, mapped, public):
    ends = [Endpoint.of(host, 4000) for host in (server, local, mapped)]
    result = Whoami((Answer(NAME, Transport.UDP, Family.IPV4, *ends),))
    assert result.public(Family.IPV4) == public
    assert result.consensus is (None if public is None else True)


def test_names_public_servers_of_different_operators():
    assert len({uri.host for uri in PUBLIC_SERVERS}) == len(PUBLIC_SERVERS) >= 2
    assert all(uri.port is not None for uri in PUBLIC_SERVERS)
