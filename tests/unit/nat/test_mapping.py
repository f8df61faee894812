from __future__ import annotations

from itertools import product

import pytest

from stunkit.behavior import Mapping
from stunkit.endpoint import Endpoint
from stunkit.nat.mapping import MappingProbes, classify_mapping
from stunkit.nat.prober import Prober
from tests.unit.nat.exchange import (
    LOCAL,
    MAPPED,
    OTHER,
    OTHER_ADDRESS,
    OTHER_PORT,
    SERVER,
    prober,
    success,
)

EI, AD, APD = Mapping
FOUR = (SERVER, OTHER_PORT, OTHER_ADDRESS, OTHER)
STRANGER = Endpoint.of("192.0.2.7", 3478)
SEEN_AS = (MAPPED, MAPPED.with_port(40001), MAPPED.with_port(40002), MAPPED.with_port(40003))


def mapping_of(kind: Mapping, server: Endpoint) -> object:
    """What of a destination the mapping of a kind depends on."""
    return {EI: None, AD: server.packed, APD: server}[kind]


@pytest.mark.parametrize("answers", list(product((None, 0, 1, 2, 3), repeat=4)))
def test_classification_is_the_only_kind_that_fits_or_none(answers: tuple[int | None, ...]):
    """Every way in which four server endpoints can see one socket, or be silent.

    A kind fits where equal destinations (of what it depends on) see equal endpoints, and others
    others. Two addresses are needed for any verdict but one: that two ports of an address differ.
    """
    seen = {
        server: SEEN_AS[answer]
        for server, answer in zip(FOUR, answers, strict=True)
        if answer is not None
    }
    fitting = [
        kind
        for kind in Mapping
        if all(
            (seen[a] == seen[b]) == (mapping_of(kind, a) == mapping_of(kind, b))
            for a, b in product(seen, repeat=2)
        )
    ]
    verdict, why = classify_mapping(seen)
    assert why
    assert verdict == (fitting[0] if len(fitting) == 1 else None)


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        ({}, "only one server endpoint answered, and it takes two to compare"),
        ({SERVER: 0}, "only one server endpoint answered, and it takes two to compare"),
        (
            {SERVER: 0, OTHER_PORT: 0},
            "only one server address answered, and it takes two to compare",
        ),
        (
            {SERVER: 0, OTHER: 1},
            "it depends on the destination, but no two ports of one address could be compared",
        ),
        ({SERVER: 0, OTHER: 0}, "2 server endpoints saw the same mapped endpoint"),
        (
            {SERVER: 0, OTHER_PORT: 1},
            "two ports of one server address saw different mapped endpoints",
        ),
        (
            {SERVER: 0, OTHER_PORT: 0, OTHER: 1},
            "ports of one server address saw the same mapped endpoint, another address another",
        ),
        (
            {SERVER: 0, OTHER_PORT: 1, OTHER: 0},
            "mapped endpoints differ by the server's port, but not always",
        ),
        (
            {SERVER: 0, OTHER_PORT: 0, OTHER_ADDRESS: 1, OTHER: 2},
            "some ports of one server address saw the same mapped endpoint, some another",
        ),
        (
            {SERVER: 0, OTHER: 0, STRANGER: 1},
            "some server addresses saw the same mapped endpoint, some another",
        ),
    ],
)
def test_classification_says_why(seen: dict[Endpoint, int], why: str):
    assert classify_mapping({server: SEEN_AS[one] for server, one in seen.items()})[1] == why


class Setting:
    """The probes of one mapping socket, answered by hand."""

    def __init__(self, *others: Endpoint, other: Endpoint | None = OTHER) -> None:
        self.prober: Prober = prober()
        self.probes = MappingProbes(self.prober, LOCAL, (SERVER, *others), 0.0)
        self.other = other

    def answer(self, server: Endpoint, mapped: Endpoint | None, **more: Endpoint) -> None:
        probe = self.probes.probes[server]
        if probe.answer is not None:
            assert self.probes.again is not None
            probe = self.probes.again
        self.prober.receive(success(probe.request, mapped, **more), server, LOCAL, 0.01)
        if probe is self.probes.first:
            self.probes.aim(self.other)

    def advance(self, now: float = 0.01) -> bool:
        return self.probes.advance(now)

    def be_silent(self, until: float = 3.0) -> bool:
        now, is_done = 0.01, False
        while now < until:
            now += 0.05
            self.prober.tick(now)
            is_done = self.advance(now)
        return is_done


def test_one_socket_asks_three_endpoints_and_the_first_again():
    setting = Setting()
    assert not setting.advance()
    setting.answer(SERVER, MAPPED)
    assert not setting.advance()
    assert list(setting.probes.probes) == [SERVER, OTHER_PORT, OTHER]
    setting.answer(OTHER_PORT, MAPPED)
    setting.answer(OTHER, MAPPED)
    assert not setting.advance()
    assert setting.probes.judge() == (
        None,
        "the first mapping could not be seen again, so it may have moved",
    )
    setting.answer(SERVER, MAPPED)
    assert setting.advance()
    assert setting.probes.judge()[0] is EI
    assert setting.probes.names == (
        "mapping A1:P1",
        "mapping A1:P2",
        "mapping A2:P2",
        "mapping A1:P1 again",
    )
    locals_ = {outgoing.local for outgoing in setting.prober.sends()}
    assert locals_ == {LOCAL}  # one socket: another one has another mapping by definition


def test_fourth_endpoint_is_asked_where_one_is_silent():
    setting = Setting()
    setting.answer(SERVER, MAPPED)
    setting.advance()
    setting.answer(OTHER, MAPPED.with_port(1))
    assert not setting.be_silent(1.0)
    assert OTHER_ADDRESS in setting.probes.probes
    setting.answer(OTHER_ADDRESS, MAPPED.with_port(1))
    setting.advance(1.0)
    setting.answer(SERVER, MAPPED)
    assert setting.advance(1.0)
    assert setting.probes.judge()[0] is AD


def test_a_mapping_that_moves_proves_nothing():
    setting = Setting()
    setting.answer(SERVER, MAPPED)
    setting.advance()
    setting.answer(OTHER_PORT, MAPPED)
    setting.answer(OTHER, MAPPED)
    setting.advance()
    setting.answer(SERVER, MAPPED.with_port(9))
    assert setting.probes.judge() == (
        None,
        "the mapping moved while we looked: from 203.0.113.1:40000 to 203.0.113.1:9",
    )


@pytest.mark.parametrize("seen", [(MAPPED, MAPPED, LOCAL), (LOCAL, LOCAL, MAPPED)])
def test_servers_on_two_sides_of_the_nat_decide_no_mapping(seen: tuple[Endpoint, ...]):
    setting = Setting()
    for server, mapped in zip((SERVER, OTHER_PORT, OTHER), seen, strict=True):
        setting.answer(server, mapped)
        setting.advance()
    setting.be_silent(2.0)
    setting.answer(SERVER, seen[0])
    verdict, why = setting.probes.judge()
    assert verdict is None
    assert why.startswith("some servers see our own endpoint, some another")


def test_other_address_that_is_the_same_takes_fewer_questions():
    setting = Setting(other=OTHER_PORT)
    setting.answer(SERVER, MAPPED)
    setting.advance()
    assert list(setting.probes.probes) == [SERVER, OTHER_PORT]
    setting.answer(OTHER_PORT, MAPPED)
    setting.advance()
    setting.answer(SERVER, MAPPED)
    assert setting.advance()
    assert setting.probes.judge()[0] is None


@pytest.mark.parametrize(
    ("server", "mapped", "mapping", "why"),
    [
        (STRANGER, MAPPED, EI, "2 server endpoints saw the same mapped endpoint"),
        (STRANGER, SEEN_AS[1], None, "no two ports of one address could be compared"),
        (OTHER_PORT, MAPPED, None, "only one server address answered, and it takes two"),
        (OTHER_PORT, SEEN_AS[1], APD, "two ports of one server address saw different"),
    ],
)
def test_mapping_of_two_servers_without_rfc5780(
    server: Endpoint, mapped: Endpoint, mapping: Mapping | None, why: str
):
    setting = Setting(server, other=None)
    setting.answer(SERVER, MAPPED)
    setting.advance()
    setting.answer(server, mapped)
    setting.advance()
    setting.answer(SERVER, MAPPED)
    assert setting.advance()
    verdict, said = setting.probes.judge()
    assert verdict is mapping
    assert why in said


def test_address_dependent_is_decided_by_servers_of_which_two_share_an_address():
    setting = Setting(OTHER_PORT, STRANGER, other=None)
    setting.answer(SERVER, MAPPED)
    setting.advance()
    setting.answer(OTHER_PORT, MAPPED)
    setting.answer(STRANGER, SEEN_AS[1])
    setting.advance()
    setting.answer(SERVER, MAPPED)
    assert setting.advance()
    assert setting.probes.judge()[0] is AD


def test_other_servers_help_where_the_first_has_no_good_other_address():
    setting = Setting(STRANGER, other=OTHER)
    setting.answer(SERVER, MAPPED)
    setting.advance()
    setting.answer(OTHER_PORT, MAPPED)
    assert not setting.be_silent(1.9)
    assert list(setting.probes.probes)[3:] == [OTHER_ADDRESS, STRANGER]
    setting.answer(STRANGER, MAPPED)
    setting.advance(2.0)
    setting.answer(SERVER, MAPPED)
    assert setting.advance(2.0)
    assert setting.probes.judge()[0] is EI


def test_silent_endpoints_are_named():
    setting = Setting(STRANGER, other=OTHER)
    setting.answer(SERVER, MAPPED)
    setting.advance()
    setting.answer(OTHER_PORT, MAPPED)
    setting.be_silent(3.0)
    setting.answer(SERVER, MAPPED)
    assert setting.advance(3.0)
    assert setting.probes.judge()[1] == (
        "only one server address answered, and it takes two to compare; no answer from "
        "198.51.100.2:3479, 198.51.100.2:3478, 192.0.2.7:3478"
    )


def test_single_server_without_rfc5780_decides_nothing():
    setting = Setting(other=None)
    setting.answer(SERVER, MAPPED)
    setting.advance()
    setting.answer(SERVER, MAPPED)
    assert setting.advance()
    assert setting.probes.judge() == (
        None,
        "only one server endpoint answered, and it takes two to compare",
    )


def test_silent_first_server_ends_it():
    setting = Setting()
    setting.prober.receive(b"", SERVER, LOCAL, 0.0)
    setting.prober.unreachable(SERVER, LOCAL, "port unreachable")
    assert setting.advance()
    assert setting.probes.judge()[0] is None


def test_equal_mapped_addresses_that_a_gateway_may_rewrite_prove_nothing():
    setting = Setting()
    for server in (SERVER, OTHER_PORT, OTHER, OTHER_ADDRESS, SERVER):
        setting.answer(server, None, plain=MAPPED)
        setting.advance()
    assert setting.probes.judge()[0] is None
    assert "MAPPED-ADDRESS, which a gateway may rewrite" in setting.probes.judge()[1]


def test_different_mapped_addresses_prove_something_all_the_same():
    setting = Setting()
    setting.answer(SERVER, None, plain=SEEN_AS[0])
    setting.advance()
    setting.answer(OTHER_PORT, None, plain=SEEN_AS[1])
    setting.answer(OTHER, None, plain=SEEN_AS[2])
    setting.advance()
    setting.answer(SERVER, None, plain=SEEN_AS[0])
    assert setting.advance()
    assert setting.probes.judge()[0] is APD


def test_what_a_server_behind_a_proxy_says_is_left_out():
    bridge = Endpoint.of("172.17.0.1", 1)
    setting = Setting(STRANGER, other=None)
    setting.answer(SERVER, MAPPED)
    setting.advance()
    setting.answer(STRANGER, bridge)
    setting.advance()
    setting.answer(SERVER, MAPPED)
    assert setting.advance()
    mapping, why = setting.probes.judge()
    assert mapping is None
    assert why.endswith("sees 172.17.0.1:1, so it stands behind a proxy of its own")
    assert setting.probes.doubt
