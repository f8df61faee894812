"""``stunkit decode`` of two real Chromiums that reach each other: it sees what tshark sees.

Each is behind a NAT of its own kind. In one call a direct pair works; in the other none does, and
what they say goes through a real coturn, ChannelData included.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from stunkit.lab import Lab, Service, find_kind, start_server
from tests.agreement import BY_CONTENT, assert_agreement, decode
from tests.browser.chromium import Chromium, Page
from tests.integration.certificates import Authority
from tests.lab.calls import PASSWORD, RELAY_PORT, USERNAME, lead_nowhere, start_relay
from tests.tshark import look

pytestmark = pytest.mark.timeout(400)  # two browsers start slowly on a busy machine

GIVE_UP = 45_000  # milliseconds until a page says that nothing has come
# A page's half of the call. What has to be told waits until all candidates are in it.
PREPARE = """
globalThis.connection = new RTCPeerConnection({iceServers: %s})
globalThis.later = (start, what) => new Promise((done, fail) => {
    setTimeout(async () => {
        const stats = [...(await connection.getStats()).values()]
        const said = stats.filter(one => ["data-channel", "transport"].includes(one.type))
        fail(new Error(`nothing came: ${what}; ${connection.sctp?.state}, ${JSON.stringify(said)}, `
            + `${connection.iceConnectionState}, ${connection.localDescription?.sdp}`))
    }, %d)
    start(done)
})
globalThis.described = async make => {
    await later(done => {
        connection.onicecandidate = event => event.candidate || done()
        make().then(words => connection.setLocalDescription(words))
    }, "the end of the candidates")
    return connection.localDescription.toJSON()
}
globalThis.talk = channel => later(done => {
    const greet = () => channel.send("hello")
    channel.readyState === "open" ? greet() : channel.onopen = greet
    channel.onmessage = event => done(event.data)
}, "hello")
undefined
"""
OFFER = """(globalThis.heard = talk(connection.createDataChannel("x")),
described(() => connection.createOffer()))"""
ANSWER = """(globalThis.heard = later(done => {
    connection.ondatachannel = event => done(talk(event.channel))
}, "a channel"),
connection.setRemoteDescription(%s).then(() => described(() => connection.createAnswer())))"""
SELECTED = """connection.getStats().then(stats => {
    const all = [...stats.values()]
    const transport = all.find(one => one.type === "transport")
    const pair = stats.get(transport.selectedCandidatePairId)
    return stats.get(pair.localCandidateId).candidateType
})"""


class Talk(NamedTuple):
    """A capture from outside, and what both browsers said of their call, the caller's first."""

    path: Path
    descriptions: tuple[str, str]
    heard: list[str]
    selected: list[str]

    def values(self, name: str) -> list[str]:
        """Return both values of an attribute of SDP, such as ``ice-ufrag``."""
        lines = [sdp.splitlines() for sdp in self.descriptions]
        start = f"a={name}:"
        return [
            next(line.removeprefix(start) for line in one if line.startswith(start))
            for one in lines
        ]


def talk_between(kind: str, other: str, folder: Path, *, has_relay: bool) -> Talk:
    path = folder / "talk.pcap"
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(find_kind(kind), find_kind(other)))
        lead_nowhere(lab)
        # otherwise it has a second's worth of packets in hand that its end loses
        tcpdump = ["tcpdump", "--immediate-mode", "-U", "-Z", "root", "-n", "-i", "any"]
        tcpdump += ["-s", "4096", "-B", "32768", "-w", str(path)]
        dump = stack.enter_context(Service(lab.outside, tcpdump, ready="listening on"))
        stack.enter_context(start_server(lab, alternate=False))
        server = lab.server_addresses()[0]
        servers: list[dict[str, Any]] = [{"urls": f"stun:{server}"}]
        if has_relay:
            stack.enter_context(start_relay(lab, Authority(folder), folder))
            urls = [f"turn:{server}:{RELAY_PORT}?transport={one}" for one in ("udp", "tcp")]
            servers.append({"urls": urls, "username": USERNAME, "credential": PASSWORD})
        pages = []
        for side in lab.sides:  # with a camera granted, candidates show local addresses
            pages.append(stack.enter_context(Chromium(side.client, media=True)).page())
            pages[-1].evaluate(PREPARE % (json.dumps(servers), GIVE_UP))
        descriptions = connect(*pages)
        heard = [page.evaluate("heard") for page in pages]
        selected = [page.evaluate(SELECTED) for page in pages]
        dump.stop()
    return Talk(path, descriptions, heard, selected)


def connect(caller: Page, callee: Page) -> tuple[str, str]:
    """Carry what the two pages tell each other, and return it."""
    offer = caller.evaluate(OFFER)
    answer = callee.evaluate(ANSWER % json.dumps(offer))
    caller.evaluate(f"connection.setRemoteDescription({json.dumps(answer)})")
    return offer["sdp"], answer["sdp"]


@pytest.fixture(scope="module")
def direct(tmp_path_factory) -> Talk:
    folder = tmp_path_factory.mktemp("direct")
    return talk_between("restricted", "port-restricted", folder, has_relay=False)


@pytest.fixture(scope="module")
def relayed(tmp_path_factory) -> Talk:
    folder = tmp_path_factory.mktemp("relayed")
    return talk_between("port-restricted", "symmetric", folder, has_relay=True)


@pytest.fixture(params=["direct", "relayed"])
def talk(request) -> Talk:
    one: Talk = request.getfixturevalue(request.param)
    return one


def test_the_browsers_reach_each_other(direct, relayed):
    for talk in (direct, relayed):
        assert talk.heard == ["hello", "hello"]
    assert "relay" not in direct.selected
    assert "relay" in relayed.selected


def test_sees_every_message_that_tshark_sees_field_by_field(talk):
    messages = look(talk.path, "-d", f"tcp.port=={RELAY_PORT},stun", *BY_CONTENT)
    assert len(messages) > 20
    assert_agreement(messages, decode(talk.path))


def test_finds_nothing_wrong(talk):
    document = decode(talk.path)
    assert not [one for one in document["messages"] if one["faults"]]
    (capture,) = document["captures"]
    assert (capture["trouble"], capture["faulty"], capture["cut"]) == (None, 0, 0)


def test_checks_the_integrity_of_checks_and_of_turn(talk):
    passwords = [PASSWORD, *talk.values("ice-pwd")]
    document = decode(talk.path, *(word for one in passwords for word in ("--password", one)))
    checks = [check for one in document["messages"] for check in one.get("integrity", ())]
    assert {check["outcome"] for check in checks} == {"right"}
    assert len(checks) > 10


def test_tells_ice_checks_from_queries_and_from_turn(direct, relayed):
    for talk, wanted in (
        (direct, {"ice-check", "query"}),
        (relayed, {"ice-check", "query", "turn"}),
    ):
        document = decode(talk.path)
        assert {one["purpose"] for one in document["transactions"]} == wanted
        ufrags = sorted(talk.values("ice-ufrag"))
        for one in document["transactions"]:
            is_check = one["purpose"] == "ice-check"
            assert (sorted(one["ufrags"]) if is_check else one["ufrags"]) == (
                ufrags if is_check else None
            )
        talks = document["conversations"]
        assert any(one["nominated_by"] for one in talks)
        assert any(one["relay"] and one["answered"] for one in talks) is (talk is relayed)
