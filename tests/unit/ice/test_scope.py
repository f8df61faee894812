from __future__ import annotations

import csv
import re
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from stunkit.endpoint import Family
from stunkit.ice.scope import Scope, family_of, is_stand_in, scope_of, stand_in

IANA = Path(__file__).parents[2] / "data/iana"
REGISTRIES = ("iana-ipv4-special-registry-1.csv", "iana-ipv6-special-registry-1.csv")


def registry() -> list[tuple[str, str, str]]:
    """Each block of IANA's registries, its name, and whether it is globally reachable."""
    rows = []
    for name in REGISTRIES:
        with (IANA / name).open(newline="") as file:
            for row in csv.DictReader(file):
                reachable = row["Globally Reachable"].partition(" ")[0]
                blocks = re.findall(r"[0-9a-f.:]+/\d+", row["Address Block"])
                rows += [(block, row["Name"], reachable) for block in blocks]
    return rows


ROWS = registry()
MAPPED = "::ffff:0:0/96"  # here another spelling of an IPv4 address
NAMED = {  # the word in the registry, and ours
    "Private-Use": Scope.PRIVATE,
    "Shared Address Space": Scope.SHARED,
    "Loopback": Scope.LOOPBACK,
    "Link": Scope.LINK_LOCAL,
    "Unique-Local": Scope.UNIQUE_LOCAL,
    "Documentation": Scope.DOCUMENTATION,
    "Benchmarking": Scope.BENCHMARKING,
    "TEREDO": Scope.TEREDO,
    "6to4": Scope.SIX_TO_FOUR,
    "IPv4-IPv6 Translat.": Scope.NAT64,
    "IPv4 Service Continuity": Scope.CLAT,
    "Unspecified": Scope.UNSPECIFIED,
    '"This host': Scope.UNSPECIFIED,
}


def edges(block: str) -> list[str]:
    """Addresses at both ends of a block that no smaller block of the registry has."""
    network = ip_network(block)
    inner = [ip_network(one) for one, _, _ in ROWS if one != block]
    inner = [one for one in inner if one.version == network.version]
    inner = [one for one in inner if one.prefixlen > network.prefixlen and one[0] in network]
    last = network.num_addresses - 1
    numbers = {0, min(1, last), last // 2, last}
    every = [network[number] for number in sorted(numbers)]
    return [str(ip) for ip in every if not any(ip in one for one in inner)]


@pytest.mark.parametrize(("block", "name", "reachable"), ROWS, ids=[row[0] for row in ROWS])
def test_agrees_with_the_registry(block: str, name: str, reachable: str):
    if block == MAPPED:
        assert scope_of("::ffff:10.0.0.1") is scope_of("10.0.0.1")
        return
    wanted = next((scope for word, scope in NAMED.items() if name.startswith(word)), None)
    for address in edges(block):
        scope = scope_of(address)
        if wanted is not None:
            assert scope is wanted, address
        if reachable == "True":
            assert scope in (Scope.PUBLIC, Scope.NAT64)
        elif scope is not Scope.NAT64:  # where the registry has one of each
            assert scope.is_reachable is (None if reachable == "N/A" else False)


def test_registries_are_whole():
    assert len(ROWS) == 26 + 25
    assert {ip_network(block).version for block, _, _ in ROWS} == {4, 6}


@pytest.mark.parametrize(
    ("address", "scope"),
    [
        ("192.31.195.255", Scope.PUBLIC),
        ("2620:4f:8000::1", Scope.PUBLIC),
        ("2000::", Scope.PUBLIC),
        ("3ffe:ffff::1", Scope.PUBLIC),
        ("172.15.255.255", Scope.PUBLIC),
        ("172.32.0.0", Scope.PUBLIC),
        ("100.128.0.0", Scope.PUBLIC),
        ("223.255.255.255", Scope.PUBLIC),
        ("224.0.0.251", Scope.MULTICAST),
        ("239.255.255.250", Scope.MULTICAST),
        ("ff02::fb", Scope.MULTICAST),
        ("240.0.0.1", Scope.RESERVED),
        ("255.255.255.255", Scope.RESERVED),
        ("0.1.2.3", Scope.RESERVED),
        ("1fff::1", Scope.RESERVED),
        ("4000::1", Scope.RESERVED),
        ("::192.0.2.1", Scope.RESERVED),  # IPv4-compatible; RFC 4291 section 2.5.5.1
        ("fec0::1", Scope.SITE_LOCAL),
        ("fd00::1", Scope.UNIQUE_LOCAL),
        ("fe80::1%eth0", Scope.LINK_LOCAL),
        ("::ffff:192.168.0.1", Scope.PRIVATE),
        ("::", Scope.UNSPECIFIED),
        ("8a1f6c1e-5fd0-4e6b-9f0b-2f6f1f1f0b7e.local", Scope.MDNS),
        ("PRINTER.LOCAL.", Scope.MDNS),
        ("local", Scope.NAME),
        ("example.org", Scope.NAME),
        ("192.0.2", Scope.NAME),
        ("", Scope.NAME),
        ("ipv4-private-1.invalid", Scope.PRIVATE),
        ("ipv6-6to4-12.invalid", Scope.SIX_TO_FOUR),
        ("ipv4-nonsense-1.invalid", Scope.NAME),
        ("name-1.invalid", Scope.NAME),
        ("x.invalid", Scope.NAME),
    ],
)
def test_knows_the_scope(address: str, scope: Scope):
    assert scope_of(address) is scope


def test_takes_values_too():
    assert scope_of(ip_address("10.0.0.1")) is Scope.PRIVATE
    assert scope_of(ip_address("fe80::1%3")) is Scope.LINK_LOCAL


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("family", [*Family, None])
def test_stand_in_says_what_it_stands_for(scope: Scope, family: Family | None):
    if family is not None and scope in (Scope.MDNS, Scope.NAME):
        family = None  # names have none
    text = stand_in(scope, family, 7)
    assert scope_of(text) is scope
    assert family_of(text) is family
    assert is_stand_in(text) is (scope is not Scope.MDNS)


@pytest.mark.parametrize(
    ("address", "family"),
    [
        ("192.0.2.1", Family.IPV4),
        ("::ffff:192.0.2.1", Family.IPV4),
        ("2001:db8::1", Family.IPV6),
        ("fe80::1%eth0", Family.IPV6),
        ("x.local", None),
        ("example.org", None),
    ],
)
def test_knows_the_family(address: str, family: Family | None):
    assert family_of(address) is family


def test_says_what_the_internet_reaches():
    assert {scope for scope in Scope if scope.is_reachable} == {Scope.PUBLIC}
    unknown = {scope for scope in Scope if scope.is_reachable is None}
    assert unknown == {Scope.SIX_TO_FOUR, Scope.TEREDO, Scope.NAT64, Scope.NAME}
