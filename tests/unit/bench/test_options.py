import pytest

from stunkit.bench.options import SOCKETS, Options
from stunkit.bench.sources import Source
from stunkit.endpoint import Family
from stunkit.errors import UsageError
from stunkit.wire.uri import Uri


def options(*binds: str, server: str = "127.0.0.1", **more) -> Options:
    sources = tuple(map(Source.parse, binds))
    return Options(server=Uri.parse(server), sources=sources, **more)


@pytest.mark.parametrize(
    ("binds", "sockets", "count"),
    [
        ((), None, SOCKETS),
        ((), 3, 3),
        (("127.0.0.2",), None, SOCKETS),
        (("127.0.0.2:7",), None, 1),
        (("127.0.0.2:7", "127.0.0.2:8"), None, 2),
        (("127.1.0.0/16",), None, SOCKETS),
        (("127.1.0.0/16",), 1000, 1000),
    ],
)
def test_counts_its_sockets(binds, sockets, count):
    assert options(*binds, sockets=sockets).socket_count == count


def test_the_sources_decide_the_family():
    assert options().any_family is None
    assert options(family=Family.IPV6).any_family is Family.IPV6
    assert options("::1").any_family is Family.IPV6


@pytest.mark.parametrize("binds", [("127.0.0.2", "::1"), ("fd00::/64", "10.0.0.0/8")])
def test_families_do_not_mix(binds):
    with pytest.raises(UsageError, match="do not mix"):
        options(*binds)


def test_minus_6_contradicts_an_ipv4_source():
    with pytest.raises(UsageError, match="do not mix"):
        options("127.0.0.2", family=Family.IPV6)


@pytest.mark.parametrize("server", ["turns:127.0.0.1", "turn:127.0.0.1"])
def test_refuses_what_it_cannot_speak(server):
    with pytest.raises(UsageError, match="not supported"):
        options(server=server)


@pytest.mark.parametrize("rate", [0.0, -1.0, 1e7, float("nan"), float("inf")])
def test_refuses_a_rate_that_is_none(rate):
    with pytest.raises(UsageError, match="not a rate"):
        options(rate=rate)
