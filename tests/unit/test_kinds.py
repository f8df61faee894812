from __future__ import annotations

import pytest

from stunkit.behavior import Filtering, Mapping
from stunkit.endpoint import Family
from stunkit.errors import UsageError
from stunkit.kinds import find_kind


@pytest.mark.parametrize(
    ("name", "legacy"),
    [
        ("public", "open internet"),
        ("firewall", "symmetric UDP firewall"),
        ("full-cone", "full cone"),
        ("restricted", "restricted cone"),
        ("port-restricted", "port restricted cone"),
        ("random-ports", "port restricted cone"),
        ("address-dependent", None),
        ("symmetric", "symmetric"),
        ("symmetric-unfiltered", None),
        ("udp-blocked", "UDP blocked"),
        ("carrier", "port restricted cone"),
    ],
)
def test_kind_is_what_rfc_3489_calls_so(name: str, legacy: str | None):
    assert find_kind(name).behavior().legacy == legacy


def test_kinds_tell_families_apart():
    assert find_kind("symmetric").families == (Family.IPV4,)
    assert find_kind("symmetric").varied(ipv6=True).families == tuple(Family)
    home = find_kind("ipv6-firewall").varied(ipv6=True)
    assert home.behavior(Family.IPV4).nat
    assert not home.behavior(Family.IPV6).nat


def test_varied_changes_what_is_named_and_nothing_else():
    kind = find_kind("carrier")
    assert kind.varied() == kind
    varied = kind.varied(hairpin=True, lifetime=30, fragments=False)
    assert {(one.hairpin, one.lifetime, one.fragments) for one in varied.ipv4} == {
        (True, 30, False)
    }
    assert varied.behavior().mapping is Mapping.ENDPOINT_INDEPENDENT


def test_varied_leaves_a_firewall_without_hairpin():
    kind = find_kind("firewall").varied(hairpin=True, lifetime=30)
    assert kind.ipv4[0].lifetime == 30
    assert not kind.ipv4[0].hairpin
    assert kind.behavior().filtering is Filtering.ADDRESS_AND_PORT_DEPENDENT


def test_find_lists_the_kinds_when_there_is_no_such():
    with pytest.raises(UsageError, match="'moebius' is not a kind of network: there are public, "):
        find_kind("moebius")
