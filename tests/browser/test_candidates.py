"""A real Chromium's candidates behind real NATs: read, classified, and nothing false found."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.ice.candidate import Candidate, CandidateType
from stunkit.ice.dump import Dump, read_dump
from stunkit.ice.finding import Code, Severity
from stunkit.ice.lint import lint
from stunkit.ice.redact import Redactor
from stunkit.ice.redundancy import redundancies
from stunkit.ice.scope import Scope, family_of, scope_of
from stunkit.lab import Lab, find_kind, start_server
from tests.browser.chromium import MDNS, Chromium
from tests.lab.connections import connections

pytestmark = pytest.mark.timeout(240)  # a browser starts slowly on a busy machine

PATIENCE = 20.0  # seconds for what a page shows after a while
HOST, REFLEXIVE = CandidateType.HOST, CandidateType.SERVER_REFLEXIVE
GATHER = """new Promise(async done => {
    const connection = new RTCPeerConnection({iceServers: [{urls: %s}]})
    const candidates = []
    connection.onicecandidate = event => {
        if (event.candidate) candidates.push(event.candidate.toJSON())
        else done({sdp: connection.localDescription.sdp, candidates})
    }
    globalThis.connection = connection
    connection.createDataChannel("x")
    if (%s) connection.addTransceiver("audio")
    await connection.setLocalDescription()
})"""
DUMP = """new Promise(done => {
    URL.createObjectURL = blob => { blob.text().then(done); return "#" }
    document.querySelectorAll("input[type=checkbox]").forEach(box => { box.checked = false })
    document.getElementById("dump-click-target").click()
})"""
OPEN = "document.querySelectorAll('details').forEach(one => { one.open = true })"


class Gathered(NamedTuple):
    """What a page says when gathering is complete."""

    sdp: str
    candidates: list[dict[str, Any]]


def gather(lab: Lab, browser: Chromium, *, audio: bool = False) -> Gathered:
    urls = [f"stun:{Endpoint.of(lab.server_addresses(one)[0], 3478)}" for one in lab.families]
    script = GATHER % (json.dumps(urls), json.dumps(audio))
    return Gathered(**browser.page().evaluate(script))


@contextmanager
def behind(name: str) -> Iterator[Lab]:
    with Lab(find_kind(name)) as lab, start_server(lab, alternate=False):
        yield lab


def public(text: str) -> str:
    """The text as if the lab's outside, which is made of documentation addresses, were real."""
    return (
        text.replace("203.0.113.", "192.31.196.")
        .replace("198.51.100.", "192.175.48.")
        .replace("2001:db8:", "2620:4f:8000:")
    )


def told(text: str) -> set[Code]:
    """The codes of what is worth knowing; there must be no warning and no error."""
    findings = lint(read_dump(public(text)))
    assert [one for one in findings if one.severity is not Severity.INFO] == []
    return {one.code for one in findings}


def bare(candidate: Candidate) -> str:
    """A candidate without its ufrag, which Chromium says in JSON alone."""
    return candidate.format().replace(f" ufrag {candidate.extension('ufrag')}", "")


def forms(gathered: Gathered) -> tuple[Dump, Dump]:
    return read_dump(gathered.sdp), read_dump(json.dumps(gathered.candidates, indent=1))


@pytest.mark.parametrize("name", ["port-restricted", "nat66", "ipv6-firewall", "carrier"])
def test_open_candidates_are_what_the_network_is(name: str):
    with behind(name) as lab, Chromium(lab.client, disabled=(MDNS,)) as browser:
        gathered = gather(lab, browser)
        sdp, trickled = forms(gathered)
        tracked = {str(one.mapped) for one in connections(lab.router)}
        local = {lab.sides[0].local_address(family) for family in lab.families}
    assert {bare(one.candidate) for one in sdp.candidates} == {
        bare(one.candidate) for one in trickled.candidates
    }
    for found in (*sdp.candidates, *trickled.candidates):
        candidate = found.candidate
        assert found.mid == "0"
        assert candidate.extension("generation") == "0"
        if candidate.type is HOST:
            assert candidate.address in local
        else:
            assert candidate.type is REFLEXIVE
            assert f"{Endpoint.of(candidate.address, candidate.port)}" in tracked
            assert candidate.related_address in local
    families = {family_of(one.candidate.address) for one in sdp.candidates}
    assert families == set(lab.families)
    assert {one["candidate"] for one in gathered.candidates} == {
        one.candidate.format() for one in trickled.candidates
    }


@pytest.mark.parametrize(
    ("name", "scopes"),
    [
        ("port-restricted", {Scope.PRIVATE, Scope.PUBLIC}),
        ("nat66", {Scope.PRIVATE, Scope.UNIQUE_LOCAL, Scope.PUBLIC}),
        ("carrier", {Scope.PRIVATE, Scope.PUBLIC}),
        ("public", {Scope.PUBLIC}),
    ],
)
def test_nothing_false_is_found(name: str, scopes: set[Scope]):
    with behind(name) as lab, Chromium(lab.client, disabled=(MDNS,)) as browser:
        gathered = gather(lab, browser, audio=True)
    candidates = read_dump(public(gathered.sdp)).candidates
    assert {scope_of(one.candidate.address) for one in candidates} == scopes
    wanted = {Code.HOST_LEAK, Code.MISSING_RELAY}
    if scopes == {Scope.PUBLIC}:  # without a camera, Chromium keeps what is redundant
        wanted = {Code.REDUNDANT}
    assert told(gathered.sdp) == {Code.END_MISSING, *wanted}
    assert told(json.dumps(gathered.candidates)) == wanted
    assert told(Redactor().text(public(gathered.sdp))) == {Code.END_MISSING, *wanted}


def test_chromium_with_a_camera_leaves_redundant_candidates_out():
    with behind("public") as lab, Chromium(lab.client, media=True) as browser:
        sdp, _ = forms(gather(lab, browser))
    assert {one.candidate.type for one in sdp.candidates} == {HOST}
    assert redundancies([one.candidate for one in sdp.candidates]) == []


@pytest.mark.parametrize("name", ["port-restricted", "nat66"])
def test_mdns_hides_local_addresses(name: str):
    with behind(name) as lab, Chromium(lab.client) as browser:
        gathered = gather(lab, browser)
    wanted = {Code.MDNS_HIDDEN, Code.MISSING_RELAY}
    assert told(gathered.sdp) == {Code.END_MISSING, *wanted}
    assert told(json.dumps(gathered.candidates)) == wanted
    for dump in forms(gathered):
        hosts = [one.candidate for one in dump.candidates if one.candidate.type is HOST]
        assert {scope_of(one.address) for one in hosts} == {Scope.MDNS}
        others = [one.candidate for one in dump.candidates if one.candidate not in hosts]
        assert {scope_of(one.related_address or "") for one in others} == {Scope.UNSPECIFIED}


@pytest.mark.parametrize("name", ["udp-blocked"])
def test_a_dead_server_leaves_a_reflexive_candidate_missing(name: str):
    with behind(name) as lab, Chromium(lab.client, disabled=(MDNS,)) as browser:
        gathered = gather(lab, browser)
    wanted = {Code.MISSING_REFLEXIVE, Code.MISSING_RELAY}
    assert told(gathered.sdp) == {Code.END_MISSING, *wanted}


def test_webrtc_internals_can_be_pasted_and_its_file_read():
    with behind("nat66") as lab, Chromium(lab.client, disabled=(MDNS,)) as browser:
        internals = browser.page("chrome://webrtc-internals")
        gathered = gather(lab, browser)
        wanted = {bare(one.candidate) for one in read_dump(gathered.sdp).candidates}
        deadline = time.monotonic() + PATIENCE
        while internals.evaluate("document.body.innerText").count("onicecandidate") < len(wanted):
            assert time.monotonic() < deadline
        internals.evaluate(OPEN)
        page, file = internals.evaluate("document.body.innerText"), internals.evaluate(DUMP)
    for text in (page, file):
        dump = read_dump(text)
        assert {bare(one.candidate) for one in dump.candidates} == wanted
        assert dump.unreadable == ()
        assert told(text) >= {Code.HOST_LEAK, Code.MISSING_RELAY}
        hidden = Redactor().text(text)
        assert not [one for one in wanted if one.split()[4] in hidden]
    assert {one.origin.split()[-1] for one in read_dump(file).candidates} == {"local"}
    assert {one.families for one in lab.kinds} == {tuple(Family)}
