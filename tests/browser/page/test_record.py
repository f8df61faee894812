"""What the page makes of a call: figures, the verdict of `stunkit rehearse`, document, report."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from itertools import product
from typing import Any

import pytest

from stunkit.call.rehearsal import Pair, Progress, Rehearsal, Spot, judge, to_document
from stunkit.cli.render.rehearsal_report import VERDICTS
from tests.browser.chromium import Page
from tests.browser.page.module import call

pytestmark = pytest.mark.timeout(240)  # a browser starts slowly on a busy machine

MANUAL = (files("stunkit") / "manual" / "signalling.md").read_text("utf-8")
PROGRAM = re.findall(r"^```javascript\n(.*?)^```", MANUAL, re.DOTALL | re.MULTILINE)[0]
FOLDER = files("stunkit.server.web") / "page"

HOST = Spot("host", "udp", "10.0.0.2", 5000)
SEEN = Spot("srflx", "udp", "198.51.100.7", 6000)
RELAY = Spot("relay", "udp", "203.0.113.9", 49152)
THERE = Spot("srflx", "udp", "192.0.2.7", 7000)
FOUND = Spot("prflx", "udp", "192.0.2.7", 7001)
THEIR_RELAY = Spot("relay", "udp", "192.0.2.9", 49153)
HIDDEN = Spot("host", "udp", "9b2c373c.local", 5000)
ENDS = ((), (HOST, SEEN), (HOST, SEEN, RELAY))
OTHERS = ((), (HIDDEN, THERE), (THERE, THEIR_RELAY), (HIDDEN, SEEN))
PAIRS = (None, Pair(SEEN, THERE), Pair(RELAY, THERE), Pair(SEEN, THEIR_RELAY), Pair(SEEN, FOUND))


def test_call_is_the_manuals_class():
    assert (FOLDER / "call.js").read_text("utf-8").endswith(f"export {PROGRAM}")


def rehearsals() -> list[Rehearsal]:
    """Every combination, of which some cannot be."""
    asked = product(Progress, ENDS, OTHERS, PAIRS, *[(False, True)] * 3)
    return [
        Rehearsal("", 1.0, "browser", "", progress, None, pair, ours, theirs, here, there, gone)
        for progress, ours, theirs, pair, here, there, gone in asked
    ]


def seen(one: Rehearsal) -> dict[str, Any]:
    """The same, as the page has it."""
    spots = {end: [spot._asdict() for spot in getattr(one, end)] for end in ("local", "remote")}
    pair = one.pair and {"local": one.pair.local._asdict(), "remote": one.pair.remote._asdict()}
    knows = {"knowsLocal": one.knows_local, "knowsRemote": one.knows_remote}
    gone = {"isDeserted": one.is_deserted, "mapping": None}
    return {"progress": one.progress, "pair": pair, **spots, **knows, **gone}


def test_verdict_is_that_of_the_terminal_end(bare: Page):
    asked = rehearsals()
    found = call(bare, "verdict", "a[0].map(m.judge)", [seen(one) for one in asked])
    for one, said in zip(asked, found, strict=True):
        wanted = judge(one)
        assert said["outcome"] == wanted.outcome, one
        assert said["reasons"][: len(wanted.reasons)] == list(wanted.reasons), one
        assert said["sentence"]
    assert {said["outcome"] for said in found} == {"direct", "relay", "blocked", "unknown"}


def test_verdicts_are_named_as_on_the_command_line(bare: Page):
    assert call(bare, "verdict", "m.KINDS") == VERDICTS


def failed(**members: Any) -> dict[str, Any]:
    one = Rehearsal("", 1.0, "", "", Progress.FAILED, local=(SEEN,), remote=(THERE,))
    return {**seen(one), "knowsLocal": True, "knowsRemote": True, **members}


def twin(port: int, base: str) -> dict[str, Any]:
    return {**THERE._replace(port=port)._asdict(), "base": base}


def test_failure_is_explained_by_what_was_measured(bare: Page):
    why = {"claim": "mapping", "why": "seen as a and as b"}
    here = {"ipv4": {"udp": "open", "nat": True, "mapping": "depends", "evidence": [why]}}
    remote = [twin(7000, "0 u f"), twin(7001, "0 u f")]
    said = call(bare, "verdict", "m.judge(a[0])", failed(mapping=here, remote=remote))
    assert said["sentence"] == "The call does not connect: a relay is needed."
    assert said["reasons"][2:] == [
        "The NAT here takes another port for each destination (“symmetric”): seen as a and as b.",
        (
            "The NAT of the other end takes another port for each destination (“symmetric”): its"
            " candidates show one socket as 192.0.2.7:7000 and as 192.0.2.7:7001."
        ),
    ]
    assert said["changes"]


@pytest.mark.parametrize("bases", [("0 u f", "1 u f"), ("0 u f", "0 v f"), ("0 u f", "0 u g")])
def test_two_sockets_of_the_other_end_prove_nothing(bare: Page, bases: tuple[str, str]):
    remote = [twin(7000 + number, base) for number, base in enumerate(bases)]
    said = call(bare, "verdict", "m.judge(a[0])", failed(remote=remote))
    assert said["reasons"][2:] == [
        "What the NAT here does was not found out.",
        "What the NAT of the other end does cannot be seen from here.",
    ]


def test_a_path_without_keys_is_unknown(bare: Page):
    said = call(bare, "verdict", "m.judge(a[0])", failed(progress="unkeyed"))
    assert said["outcome"] == "unknown"
    assert "DTLS" in said["sentence"]


@pytest.mark.parametrize(
    ("whole", "ice", "state"),
    [
        ("new", "new", "new"),
        ("connecting", "checking", "checking"),
        ("connecting", "connected", "checking"),
        ("connected", "completed", "connected"),
        ("failed", "disconnected", "failed"),  # Chromium, where there never was a path
        ("failed", "failed", "failed"),
        ("failed", "connected", "unkeyed"),
        ("disconnected", "disconnected", "disconnected"),
        (None, "connected", "connected"),
    ],
)
def test_states_of_browsers_are_understood(bare: Page, whole: str, ice: str, state: str):
    pc = (
        {"connectionState": whole, "iceConnectionState": ice}
        if whole
        else {"iceConnectionState": ice}
    )
    assert call(bare, "caller", "m.stateOf(a[0])", pc) == state


def report(seconds: float, **changes: Any) -> list[list[Any]]:
    """A report of getStats, as the entries of a Map."""
    at = 1000 * seconds
    stats: dict[str, dict[str, Any]] = {
        "T": {"type": "transport", "selectedCandidatePairId": "P"},
        "P": {
            "type": "candidate-pair", "timestamp": at, "state": "succeeded",
            "localCandidateId": "L", "remoteCandidateId": "R", "currentRoundTripTime": 0.02,
            "bytesSent": 1000 * seconds, "bytesReceived": 2000 * seconds,
        },
        "L": {"type": "local-candidate", "candidateType": "relay", "protocol": "udp",
              "address": "203.0.113.9", "port": 49152, "relayProtocol": "tls"},
        "R": {"type": "remote-candidate", "candidateType": "prflx", "protocol": "udp",
              "port": 7000},
        "I": {"type": "inbound-rtp", "kind": "audio", "packetsReceived": 90 * seconds,
              "packetsLost": 10 * seconds, "jitter": 0.003},
        "V": {"type": "inbound-rtp", "kind": "video", "packetsReceived": 0, "packetsLost": 0,
              "framesDecoded": 30, "frameWidth": 640, "frameHeight": 360, "jitter": 0.5},
        "O": {"type": "outbound-rtp", "kind": "audio", "packetsSent": 100 * seconds},
        "S": {"type": "remote-inbound-rtp", "kind": "audio", "packetsLost": 5 * seconds},
    }  # fmt: skip
    for name, change in changes.items():
        stats[name].update(change)
    return [[name, {"id": name, **one}] for name, one in stats.items()]


def test_figures_are_those_of_the_report(bare: Page):
    script = "(f => a[0].map(one => f.add(new Map(one))))(new m.Figures())"
    first, second = call(bare, "figures", script, [report(1), report(2)])
    assert first["kbps"] == {"sent": None, "received": None}
    assert second["kbps"] == {"sent": 8.0, "received": 16.0}
    assert (second["rtt"], second["jitter"], second["lossNow"]) == (0.02, 0.003, 0.1)
    assert second["loss"] == {"sent": 0.05, "received": 0.1}
    assert second["video"] == {"frames_decoded": 30, "width": 640, "height": 360}
    assert second["pair"]["local"] == {**RELAY._asdict(), "relay_protocol": "tls"}
    assert second["pair"]["remote"]["address"] == ""
    assert [one["isSelected"] for one in second["pairs"]] == [True]


def test_what_a_browser_does_not_say_is_unknown(bare: Page):
    empty = call(bare, "figures", "m.sampleOf(new Map())")
    assert empty["pair"] is empty["rtt"] is empty["jitter"] is empty["video"] is None
    assert empty["loss"] == {"sent": None, "received": None}
    assert empty["kbps"] == {"sent": None, "received": None}


def test_figures_firefox_selects_a_pair_by_itself(bare: Page):
    told = [one for one in report(1, P={"selected": True}) if one[0] != "T"]
    assert call(bare, "figures", "m.sampleOf(new Map(a[0])).pair.local.type", told) == "relay"


def test_two_samples_at_once_have_no_rate(bare: Page):
    script = "(f => { for (const one of a[0]) f.add(new Map(one)); return f })(new m.Figures())"
    found = call(bare, "figures", script, [report(1), report(1.01), report(2)])
    assert len(found["samples"]) == 2
    assert found["seconds"] == 1


def test_numbers_in_the_middle(bare: Page):
    assert call(bare, "figures", "a[0].map(m.median)", [[3, 1, 2], [4, 1], []]) == [2, 2.5, None]
    values = list(range(1, 101))
    assert call(bare, "figures", "[m.percentile95(a[0]), m.percentile95([])]", values) == [95, None]


def test_plot_has_a_gap_where_nothing_is_known(bare: Page):
    size = {"width": 30, "height": 18, "points": 4}
    path = call(bare, "plot", "m.pathOf(a[0], 10, a[1])", [0, None, 10, 20], size)
    assert path == "M0.0 14.0L0.0 14.0M20.0 4.0L20.0 4.0L30.0 4.0"
    assert call(bare, "plot", "a[0].map(one => m.topOf(one, 1))", [[], [3, None], [120]]) == [
        1,
        5,
        200,
    ]


@pytest.mark.parametrize(
    ("least", "most", "said"),
    [
        ("1.0 ms", "22 ms", "1.0 to 22 ms"),
        ("900 kbit/s", "1.2 Mbit/s", "900 kbit/s to 1.2 Mbit/s"),
        ("0 %", "0 %", "0 %"),
    ],
)
def test_range_has_its_unit_once(bare: Page, least: str, most: str, said: str):
    assert call(bare, "plot", "m.rangeText(...a)", least, most) == said


DESCRIPTION = (
    "v=0\r\nm=audio 9 X 0\r\na=candidate:1 1 udp 1 10.0.0.2 5000 typ host\r\na=end-of-candidates"
)
RECORD = """(r => {
  r.begin();
  r.message("local", {type: "offer"});
  r.description("local", a[0]);
  r.message("remote", {type: "candidate", candidate: {candidate: a[1], sdpMid: "0"}});
  r.message("remote", {type: "candidate", candidate: {candidate: a[1], sdpMid: "0"}});
  r.message("remote", {type: "end-of-candidates"});
  r.message("remote", {type: "answer"});
  r.state("checking");
  r.state("connected");
  for (const one of a[2]) r.stats(new Map(one));
  r.chat.sent += 1;
  r.problem("odd"); r.problem("odd");
  r.end();
  return THEN
})(new m.Rehearsal({version: "0.1.0"}))"""


def record(page: Page, then: str) -> Any:
    remote = "candidate:1 1 udp 1 192.0.2.7 7000 typ prflx"
    script = RECORD.replace("THEN", then)
    return call(page, "rehearsal", script, DESCRIPTION, remote, [report(1), report(2)])


def test_document_has_the_shape_of_the_terminal_ends(bare: Page):
    found = record(bare, "r.toDocument()")
    wanted = to_document(Rehearsal("", 1.0, "browser", ""), "0.1.0")
    assert list(found) == list(wanted)
    assert found["schema"] == wanted["schema"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["began"])
    assert found["agent"].startswith("Chromium ") or found["agent"].startswith("HeadlessChrome ")
    assert found["outcome"] == "relay"
    assert found["pair"]["local"]["relay_protocol"] == "tls"
    assert found["rtt_ms"] == {"median": 20, "p95": 20}
    assert found["kbps"] == {"sent": 8, "received": 16}
    assert found["jitter_ms"] == 3
    assert found["candidates"] == [
        {"end": "local", "type": "host", "protocol": "udp", "address": "10.0.0.2", "port": 5000},
        {"end": "remote", "type": "prflx", "protocol": "udp", "address": "192.0.2.7", "port": 7000},
    ]
    assert found["chat"] == {"sent": 1, "received": 0}
    assert found["problems"] == ["odd"]


def test_hidden_address_of_a_pair_is_that_of_the_candidate(bare: Page):
    assert record(bare, "r.pair.remote.address") == "192.0.2.7"


def test_a_new_session_forgets_the_candidates_of_the_old_one(bare: Page):
    found = record(bare, "(r.begin(), [r.local, r.remote, r.knowsLocal, r.progress])")
    assert found == [[], [], False, "connected"]


def test_report_is_one_page_that_runs_nothing(bare: Page):
    html = record(bare, "import('/static/rehearsal_report.js').then(x => x.rehearsalHtml(r))")
    style = (FOLDER / "report.css").read_text("utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in html
    assert f"<style>{style}</style>" in html
    assert "<script" not in html
    for words in ("Connected through a relay", "192.0.2.7:7000 (prflx)", "20 ms (median)", "odd"):
        assert words in html
    assert html.count("<svg") == 2


def test_nothing_in_a_report_becomes_markup(bare: Page):
    script = """m.pageOf({title: a[0], outcome: "direct", kind: a[0], sentence: a[0], meta: a[0],
        picture: "", parts: [m.bullets([a[0]]), m.table([a[0]], [[a[0], a[0]]]),
        m.evidence([{claim: a[0], value: a[0], why: a[0]}])], foot: a[0]})"""
    html = call(bare, "report", script, "<img src=x onerror='1'>\"&")
    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=&#x27;1&#x27;&gt;&quot;&amp;") == 13


def test_report_is_drawn_within_its_own_policy(bare: Page):
    html = record(bare, "import('/static/rehearsal_report.js').then(x => x.rehearsalHtml(r))")
    page = bare.context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.set_content(html)
    assert (
        page.get_by_role("heading", level=1).inner_text() == "The call connects, through a relay."
    )
    color = page.evaluate("getComputedStyle(document.querySelector('.verdict')).borderLeftStyle")
    assert (color, said) == ("solid", [])
    page.close()


def test_identity_report_has_a_claim_for_each_family(bare: Page):
    line = "candidate:2 1 udp 1686052607 198.51.100.7 6000 typ srflx raddr 10.0.0.2 rport 5000"
    script = f"""Promise.all(["candidate", "identity"].map(n => import(`/static/${{n}}.js`)))
      .then(([c, i]) => {{
        const gathered = {{servers: ["stun:203.0.113.1:3478"], failures: [], isComplete: true,
          tellsFailures: true, seconds: 0.1, candidates: [c.parseCandidate({json.dumps(line)})]}};
        const all = {{began: new Date(0), gathered, found: i.identify(gathered), version: "0.1.0"}};
        return m.identityHtml(all).then(html => [m.identityDocument(all), html]);
      }})"""
    document, html = call(bare, "identity_report", script)
    assert document["schema"] == "stunkit/page-whoami/1"
    assert document["ipv4"]["seen"] == ["198.51.100.7"]
    assert (document["ipv4"]["mapping"], document["ipv6"]["udp"]) == ("unknown", "unknown")
    assert document["candidates"][0]["sdp"] == line
    assert "198.51.100.7:6000" in html
    assert "there is but one server address to ask" in html
