"""``stunkit decode`` of what really went over a network: it sees what tshark sees, and more.

One capture holds our own tools, two ICE agents (aioice) behind NATs that let no direct pair
through, and their allocations at a real coturn, one over UDP and one over TCP.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from stunkit.lab import Lab, Service, find_kind, start_server
from tests.integration.certificates import Authority
from tests.lab.calls import (
    PASSWORD,
    RELAY_PORT,
    Order,
    Program,
    Transport,
    Way,
    connect,
    gather,
    lead_nowhere,
    result,
    start_relay,
)
from tests.tshark import SharkMessage, look

STUNKIT = [sys.executable, "-m", "stunkit"]
PATIENCE = 40.0  # seconds for each step that takes a while
SENDS = 3  # of an ICE check that nobody answers
ADDRESSES = {0x0001, 0x0012, 0x0016, 0x0020, 0x802B, 0x802C}


@pytest.fixture(scope="module")
def talk(tmp_path_factory) -> tuple[Path, list[dict[str, Any]]]:
    """A capture, and what the two ICE agents told each other."""
    folder = tmp_path_factory.mktemp("talk")
    path = folder / "talk.pcap"
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(find_kind("port-restricted"), find_kind("symmetric")))
        authority = Authority(folder)
        lead_nowhere(lab)
        # otherwise it has a second's worth of packets in hand that its end loses
        tcpdump = ["tcpdump", "--immediate-mode", "-U", "-Z", "root", "-n", "-i", "any"]
        tcpdump += ["-s", "4096", "-B", "32768", "-w", str(path)]  # small frames, room for many
        dump = stack.enter_context(Service(lab.outside, tcpdump, ready="listening on"))
        stack.enter_context(start_server(lab))
        stack.enter_context(start_relay(lab, authority, folder))
        server = lab.server_addresses()[0]
        for words in (["whoami", server, f"stun:{server}?transport=tcp"], ["nat", server]):
            done = lab.client.run([*STUNKIT, *words], timeout=PATIENCE)
            assert done.returncode == 0, done.stderr
        programs = []
        for side in lab.sides:
            programs.append(Program(side.client, authority.file, 1, SENDS))
            stack.callback(programs[-1].stop)
        ways = [Way((Transport.UDP, Transport.TCP), Order.TOGETHER)]
        told = gather(programs, ways, server)
        connect(programs, ways, told)
        end = time.monotonic() + PATIENCE
        assert all(result(program, 0, end).connected for program in programs)
        dump.stop()
    return path, told[0]


def decode(path: Path, *options: str) -> dict[str, Any]:
    command = [*STUNKIT, "decode", "--json", *options, str(path)]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False, text=True)
    assert done.returncode in (0, 5), done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def whole(messages: list[SharkMessage], document: dict[str, Any]) -> list[tuple[Any, Any]]:
    """Pair tshark's messages with ours, leaving out those inside others, which it does not see."""
    ours = [one for one in document["messages"] if one["relay"] is None]
    assert len(ours) == len(messages)
    return list(zip(messages, ours, strict=True))


def test_sees_every_message_that_tshark_sees_field_by_field(talk):
    path, _ = talk
    options = ["-d", f"tcp.port=={RELAY_PORT},stun"]
    pairs = whole(look(path, *options), decode(path))
    assert len(pairs) > 50
    for theirs, ours in pairs:
        assert theirs.frame == ours["frame"]
        raw = bytes.fromhex(ours["hex"])
        if theirs.type is None:
            assert ours["form"] == "channel-data"
            assert theirs.length == int.from_bytes(raw[2:4], "big")
            continue
        assert not theirs.is_malformed
        assert ours["accepted"]
        assert theirs.type == int.from_bytes(raw[:2], "big")
        assert theirs.length == len(raw) - 20
        assert theirs.identity == ours["transaction_id"]
        attributes = [field for field in ours["fields"] if "type" in field]
        assert len(attributes) == len(theirs.attributes)
        for shark, field in zip(theirs.attributes, attributes, strict=True):
            assert (shark.offset, shark.type) == (field["offset"], field["type"])
            assert shark.length == int.from_bytes(raw[field["offset"] + 2 :][:2], "big")
            assert_same_value(shark.said, field)


def assert_same_value(said: dict[str, str], field: dict[str, Any]) -> None:
    """Compare what both say of a value that both understand."""
    kind, value = field["type"], field["value"]
    if kind in ADDRESSES:
        assert value == f"{said['stun.att.ipv4']}:{said['stun.att.port']}"
    elif kind == 0x0009:
        code = 100 * int(said["stun.att.error.class"]) + int(said["stun.att.error"])
        assert value == f"{code} {said['stun.att.error.reason']}"
    elif kind in (0x0006, 0x0014, 0x8022):
        names = {0x0006: "username", 0x0014: "realm", 0x8022: "software"}
        assert value == said[f"stun.att.{names[kind]}"]
    elif kind == 0x0024:
        assert value.startswith(f"{said['stun.att.priority']} ")
    elif kind == 0x000D:
        assert value == f"{said['stun.att.lifetime']} s"
    elif kind == 0x000C:
        assert int(value, 16) == int(said["stun.att.channelnum"], 16)
    elif kind == 0x8028:
        assert int(value, 16) == int(said["stun.att.crc32"], 16)
        assert (field["note"] == "right") is (said["stun.att.crc32.status"] == "1")


def test_fingerprints_and_lengths_of_the_talk_are_right(talk):
    document = decode(talk[0])
    assert not [one for one in document["messages"] if one["faults"]]
    (capture,) = document["captures"]
    assert (capture["trouble"], capture["faulty"], capture["cut"]) == (None, 0, 0)


def test_checks_the_integrity_of_checks_and_of_turn(talk):
    path, told = talk
    passwords = [PASSWORD, *(one["password"] for one in told)]
    options = [word for password in passwords for word in ("--password", password)]
    document = decode(path, *options)
    outcomes = Counter(
        check["outcome"] for one in document["messages"] for check in one.get("integrity", ())
    )
    assert set(outcomes) == {"right"}
    assert outcomes["right"] > 20
    ways = {check["why"] for one in document["messages"] for check in one.get("integrity", ())}
    assert ways == {"right (short-term)", "right (long-term, MD5, caller in lab)"}


def test_tells_ice_checks_from_queries_and_from_turn(talk):
    path, told = talk
    document = decode(path)
    purposes = Counter(one["purpose"] for one in document["transactions"])
    assert set(purposes) == {"ice-check", "behavior-discovery", "turn", "query"}
    ufrags = sorted(one["username"] for one in told)
    for one in document["transactions"]:
        if one["purpose"] == "ice-check":
            assert sorted(one["ufrags"]) == ufrags
        else:
            assert one["ufrags"] is None
            assert one["relay"] is None
    talks = document["conversations"]
    assert any(one["nominated_by"] for one in talks)
    assert {one["transport"] for one in talks if one["purpose"] == "turn"} == {"udp", "tcp"}
    turn = [one for one in talks if one["purpose"] == "turn"]
    assert all(one["errors"] == {"401 Unauthorized": 1} and one["relayed"] for one in turn)
    assert any(one["relay"] and one["answered"] for one in talks)


def test_pairs_answers_and_knows_round_trips(talk):
    document = decode(talk[0])
    (capture,) = document["captures"]
    assert capture["answers_without_request"] == 0
    queries = [one for one in document["transactions"] if one["purpose"] == "query"]
    assert all(one["outcome"] == "success" for one in queries)
    assert all(one["mapped"] == one["asker"] for one in queries)
    assert all(0 < one["rtt_ms"] < 5000 for one in queries if not one["retransmissions"])
    moved = [one for one in document["transactions"] if one["answerer"] not in (None, one["asked"])]
    assert {one["purpose"] for one in moved} == {"behavior-discovery"}


def test_sees_the_same_in_either_format(talk, tmp_path):
    again = tmp_path / "talk.pcapng"
    command = ["tshark", "-r", str(talk[0]), "-F", "pcapng", "-w", str(again)]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
    before, after = decode(talk[0]), decode(again)
    assert before["messages"] == after["messages"]
    assert before["transactions"] == after["transactions"]
