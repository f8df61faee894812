"""``stunkit decode`` of what really went over a network: it sees what tshark sees, and more.

One capture holds our own tools, two ICE agents (aioice) behind NATs that let no direct pair
through, and their allocations at a real coturn, one over UDP and one over TCP.
"""

from __future__ import annotations

import subprocess
import time
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from stunkit.lab import Lab, Service, find_kind, start_server
from tests.agreement import BY_CONTENT, STUNKIT, assert_agreement, decode
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
from tests.tshark import look

PATIENCE = 40.0  # seconds for each step that takes a while
SENDS = 3  # of an ICE check that nobody answers


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


def test_sees_every_message_that_tshark_sees_field_by_field(talk):
    path, _ = talk
    options = ["-d", f"tcp.port=={RELAY_PORT},stun", *BY_CONTENT]
    messages = look(path, *options)
    assert len(messages) > 50
    assert_agreement(messages, decode(path))


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
