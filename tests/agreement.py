"""``stunkit decode`` of a capture beside tshark: both have to see the same, field by field."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.tshark import SharkAttribute, SharkMessage

STUNKIT = [sys.executable, "-m", "stunkit"]
PATIENCE = 60.0  # seconds for a run of it on a busy machine
ADDRESSES = {0x0001, 0x0012, 0x0016, 0x0020, 0x802B, 0x802C}
# For tshark: NATs assign any port, and one that is known for another protocol must not count.
BY_CONTENT = ("-o", "udp.try_heuristic_first:TRUE")
TEXTS = {0x0006: "username", 0x0014: "realm", 0x8022: "software"}


def decode(path: Path, *options: str) -> dict[str, Any]:
    """Return what it says of a capture."""
    command = [*STUNKIT, "decode", "--json", *options, str(path)]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False, text=True)
    assert done.returncode in (0, 5), done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def assert_agreement(messages: list[SharkMessage], document: dict[str, Any]) -> None:
    """Compare all messages but those inside others, which tshark does not see."""
    ours = [one for one in document["messages"] if one["relay"] is None]
    assert [one["frame"] for one in ours] == [one.frame for one in messages]
    for theirs, one in zip(messages, ours, strict=True):
        raw = bytes.fromhex(one["hex"])
        if theirs.type is None:
            assert one["form"] == "channel-data"
            assert theirs.length == int.from_bytes(raw[2:4], "big")
        else:
            _assert_same_message(theirs, one, raw)


def _assert_same_message(theirs: SharkMessage, ours: dict[str, Any], raw: bytes) -> None:
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
        _assert_same_value(shark, field)


def _assert_same_value(shark: SharkAttribute, field: dict[str, Any]) -> None:
    """Compare what both say of a value that both understand."""
    said, value = shark.said, field["value"]
    if shark.type in ADDRESSES:
        assert value == f"{said['stun.att.ipv4']}:{said['stun.att.port']}"
    elif shark.type in TEXTS:
        assert value == said[f"stun.att.{TEXTS[shark.type]}"]
    elif shark.type == 0x0009:
        code = 100 * int(said["stun.att.error.class"]) + int(said["stun.att.error"])
        assert value == f"{code} {said['stun.att.error.reason']}"
    elif shark.type == 0x0024:
        assert value.startswith(f"{said['stun.att.priority']} ")
    elif shark.type == 0x000D:
        assert value == f"{said['stun.att.lifetime']} s"
    elif shark.type == 0x000C:
        assert int(value, 16) == int(said["stun.att.channelnum"], 16)
    elif shark.type == 0x8028:
        assert int(value, 16) == int(said["stun.att.crc32"], 16)
        assert (field["note"] == "right") is (said["stun.att.crc32.status"] == "1")
