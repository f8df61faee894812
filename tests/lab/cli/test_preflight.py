"""``stunkit preflight`` behind kernel NATs: the verdict for a pair, from the tokens of both."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stunkit.call.forecast import COMMON
from stunkit.lab import Kind, Lab, Namespace, find_kind, start_server
from tests.integration.certificates import Authority
from tests.lab.calls import PASSWORD, RELAY_PORT, SECURE_RELAY_PORT, USERNAME, start_relay
from tests.lab.home_router import home, renumber, start_miniupnpd

STUNKIT = (sys.executable, "-m", "stunkit", "preflight")
DIRECT, RELAY, BLOCKED, UNKNOWN = "direct", "relay", "blocked", "unknown"
STATUSES = {DIRECT: 0, UNKNOWN: 6, RELAY: 7, BLOCKED: 8}
LABS = 4  # at once
LIMIT = 8.0  # seconds by its own account: of ten, two are for starting and for computing


class Answer(NamedTuple):
    status: int
    document: dict[str, Any]


def servers(lab: Lab) -> list[str]:
    return [
        f"[{address}]" if ":" in address else address
        for family in lab.families
        for address in lab.server_addresses(family)[:1]
    ]


def token(lab: Lab, client: Namespace, *options: str) -> str:
    done = client.run([*STUNKIT, "--token", *options, *servers(lab)], timeout=50)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    return done.stdout.strip()


def ask(lab: Lab, client: Namespace, *options: str) -> Answer:
    done = client.run([*STUNKIT, "--json", *options, *servers(lab)], timeout=50)
    assert done.returncode in STATUSES.values(), done.stderr
    document = json.loads(done.stdout)
    assert done.returncode == STATUSES[document["verdict"]], done.stderr
    return Answer(done.returncode, document)


@contextmanager
def relaying(lab: Lab, folder: Path) -> Iterator[list[str]]:
    """Yield the options for a relay outside, over TLS alone."""
    authority = Authority(folder)
    with start_relay(lab, authority, folder):
        uri = f"turns:{lab.server_addresses()[0]}:{SECURE_RELAY_PORT}"
        login = ["--turn-user", USERNAME, "--turn-password", PASSWORD]
        yield ["--turn", uri, *login, "--ca", str(authority.file)]


def expected(one: str, other: str) -> str:
    """Two who cannot foresee each other's port, or have no UDP, find no direct way."""
    both = {one, other}
    if "udp-blocked" in both:
        return BLOCKED
    is_hard = "symmetric" in both and both <= {"symmetric", "port-restricted"}
    return BLOCKED if is_hard else DIRECT


def exchange(kinds: tuple[str, str]) -> list[Answer]:
    """Let two people exchange tokens, and return what each is told."""
    with Lab(*map(find_kind, kinds)) as lab, start_server(lab):
        clients = [side.client for side in lab.sides]
        with ThreadPoolExecutor(2) as pool:
            tokens = list(pool.map(partial(token, lab), clients))
            return list(
                pool.map(
                    lambda client, other: ask(lab, client, "--peer", other), clients, tokens[::-1]
                )
            )


@pytest.mark.timeout(600)
def test_two_who_exchange_tokens_are_told_the_same_and_the_truth():
    pairs = list(combinations_with_replacement(COMMON, 2))
    with ThreadPoolExecutor(LABS) as pool:
        answers = dict(zip(pairs, pool.map(exchange, pairs), strict=True))
    told = {pair: {one.document["verdict"] for one in both} for pair, both in answers.items()}
    assert told == {pair: {expected(*pair)} for pair in pairs}


@pytest.mark.parametrize("name", COMMON)
def test_kinds_as_peers_are_as_their_tokens(name: str):
    with Lab(find_kind(name)) as lab, start_server(lab):
        document = ask(lab, lab.client).document
    assert document["peers"] == {other: expected(name, other) for other in COMMON}
    assert document["verdict"] == expected(name, "port-restricted")
    assert document["facts"]["elapsed"] < LIMIT


@pytest.mark.alone
def test_blocked_udp_is_answered_with_the_relay_over_tls(tmp_path: Path):
    with (
        Lab(find_kind("udp-blocked")) as lab,
        start_server(lab),
        relaying(lab, tmp_path) as options,
    ):
        status, document = ask(lab, lab.client, *options)
    assert status == 7
    assert document["facts"]["sentence"].endswith("works, but only through a relay over TLS.")
    assert [one["outcome"] for one in document["turn"]] == ["works"]
    assert document["facts"]["elapsed"] < LIMIT


@pytest.mark.alone
def test_blocked_udp_without_relay_will_not_work():
    with Lab(find_kind("udp-blocked")) as lab, start_server(lab):
        status, document = ask(lab, lab.client)
    assert status == 8
    assert "will not work" in document["facts"]["sentence"]
    assert any("Give this end a relay" in one for one in document["facts"]["changes"])
    assert document["facts"]["elapsed"] < LIMIT


@pytest.mark.alone
def test_relay_that_nobody_reaches_is_no_relay(tmp_path: Path):
    with Lab(find_kind("udp-blocked")) as lab, start_server(lab):
        uri = f"turn:{lab.server_addresses()[0]}:{RELAY_PORT}"  # where nothing listens
        status, document = ask(lab, lab.client, "--turn", uri)
    assert status == 8
    assert {one["usable"] for one in document["turn"]} == {False}
    assert document["facts"]["elapsed"] < LIMIT


def test_ipv6_counts():
    kind = find_kind("ipv6-firewall")
    symmetric = Kind("drawn", "", find_kind("symmetric").ipv4, kind.ipv6)
    with Lab(symmetric, kind) as lab, start_server(lab):
        peer = token(lab, lab.sides[1].client)
        document = ask(lab, lab.client, "--peer", peer, "--peer", "port-restricted").document
        with_peer = ask(lab, lab.client, "--peer", peer).document
        over_ipv4 = ask(lab, lab.client, "-4", "--peer", peer).document
    assert document["peers"][peer] == DIRECT
    assert document["verdict"] == BLOCKED
    assert (with_peer["verdict"], with_peer["facts"]["family"]) == (DIRECT, "ipv6")
    assert over_ipv4["verdict"] == BLOCKED


def test_second_nat_is_among_the_reasons():
    with Lab(find_kind("carrier")) as lab, start_server(lab):
        document = ask(lab, lab.client).document
    assert document["facts"]["router"]["double_nat"] == "likely"
    assert any("probably a second NAT" in one for one in document["reasons"])


def test_router_that_has_a_private_address_proves_a_second_nat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    renumber(monkeypatch, {"100.64.0.0/24": "10.77.0.0/24"})
    with Lab(find_kind("carrier")) as lab, start_miniupnpd(home(lab), tmp_path), start_server(lab):
        document = ask(lab, lab.client, "--peer", "symmetric").document
    assert document["facts"]["router"]["double_nat"] in ("proven", "likely")
    assert any("second NAT" in one for one in document["reasons"])
    assert not any("router of this end" in one for one in document["facts"]["changes"])
