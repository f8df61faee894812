import re
from dataclasses import FrozenInstanceError
from importlib.resources import files
from ipaddress import ip_network

import pytest

from stunkit.protocol.template import LONGEST
from stunkit.protocol.throttle import BUCKETS_BITS, LEAST_RATE, LOOK_SIZE, TABLE_SIZE, Limit
from stunkit.server.settings.tree import (
    ANY_IPV4,
    ANY_IPV6,
    LOOPBACK,
    SETTINGS,
    AuthenticationSettings,
    LimitSettings,
    Settings,
    TcpSettings,
)

each_setting = pytest.mark.parametrize("one", SETTINGS, ids=lambda one: one.key)


def test_sends_no_software_by_default():
    assert Settings().software is None


def test_listens_everywhere_by_default():
    assert Settings().listen == ()
    assert [str(any_address) for any_address in (ANY_IPV4, ANY_IPV6)] == [
        "0.0.0.0:3478",
        "[::]:3478",
    ]


def test_bounds_what_tcp_clients_can_take():
    tcp = Settings().tcp
    bounds = (tcp.max_connections, tcp.idle_timeout, tcp.max_message, tcp.max_unsent)
    assert all(0 < bound < float("inf") for bound in bounds)


def test_answers_everybody_by_default():
    assert Settings().authentication == AuthenticationSettings(credentials_file=None, realm=None)


def test_cannot_be_changed_behind_the_servers_back():
    with pytest.raises(FrozenInstanceError):
        Settings().software = "other"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        Settings().tcp.max_message = 1  # type: ignore[misc]


@each_setting
def test_default_is_a_value_of_its_kind(one):
    import tomllib

    written = tomllib.loads(f"key = {one.kind.write(one.default)}")["key"]
    assert one.kind.read(written) == one.default
    assert one.of(Settings()) == one.default


@each_setting
def test_help_is_whole_sentences(one):
    assert re.fullmatch(r"[A-Z0-9].*[.]", one.help)
    assert "  " not in one.help


def test_keys_and_options_are_unlike_each_other():
    assert len({one.key for one in SETTINGS}) == len(SETTINGS)
    assert len({one.option for one in SETTINGS}) == len(SETTINGS)


@pytest.mark.parametrize("name", ["listen", "alternate", "advertise"])
def test_has_the_options_that_scripts_rely_on(name: str):
    assert f"--{name}" in [one.option for one in SETTINGS]


def test_makes_the_limit_of_a_throttle():
    assert LimitSettings().limit == Limit(allow=LOOPBACK)
    chosen = LimitSettings(rate=20, burst=30, prefix_ipv4=24, prefix_ipv6=56, allow=())
    assert chosen.limit == Limit(20, 30, 24, 56)
    assert LimitSettings(rate=0).limit is None


def test_takes_values_by_key():
    network = ip_network("192.0.2.0/24")
    values = {
        "software": "x",
        "tcp.max_message": 100,
        "tcp.max_unsent": 7,
        "limit.allow": (network,),
    }
    assert Settings().with_values(values) == Settings(
        software="x",
        tcp=TcpSettings(max_message=100, max_unsent=7),
        limit=LimitSettings(allow=(network,)),
    )
    assert Settings().with_values({}) == Settings()


def test_keeps_what_it_is_not_given():
    before = Settings(workers=3, tcp=TcpSettings(max_message=100))
    after = before.with_values({"tcp.max_unsent": 7})
    assert after == Settings(workers=3, tcp=TcpSettings(max_message=100, max_unsent=7))


def test_names_what_differs():
    other = Settings().with_values({"limit.rate": 50.0, "workers": 2})
    assert [one.key for one in Settings().changes(other)] == ["workers", "limit.rate"]
    assert Settings().changes(Settings()) == []


def test_manual_says_which_limits_there_are():
    page = " ".join((files("stunkit") / "manual/limits.md").read_text().split())
    settings = Settings()
    limit = settings.limit
    for said in (
        f"gets {limit.rate:g} answers a second, and {limit.burst} at once",
        f"an IPv4 address, or the /{limit.prefix_ipv6} of an IPv6 one",
        f"cannot be set below {LEAST_RATE:g}",
        f"{1 << BUCKETS_BITS:,} counters, {TABLE_SIZE >> 20} MiB",
        f"at most {LONGEST} bytes",
        f"takes {settings.closer_looks} of these a second",
        f"one for each {LOOK_SIZE} bytes",
    ):
        assert said in page
    assert limit.prefix_ipv4 == 32
    assert {7, 19, 53, 1900} <= set(settings.refused_ports)
