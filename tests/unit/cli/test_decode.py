import json
import tomllib
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from stunkit.cli.decode import command
from stunkit.errors import UsageError
from stunkit.wire.integrity import add_integrity, long_term_key
from stunkit.wire.message import Message
from tests.packets import ALICE, SERVER, datagram, pcap
from tests.unit.dissect.conversing import answer, request

VECTORS = tomllib.loads((Path(__file__).parents[2] / "data/rfc5769.toml").read_text())
REQUEST, PASSWORD = VECTORS["request"]["hex"], VECTORS["request"]["password"]


def decode(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(command, arguments, input=stdin, catch_exceptions=False)


def told(*arguments: str) -> dict:
    document = json.loads(decode("--json", *arguments).stdout)
    assert document["schema"] == "stunkit/decode/1"
    return document


@pytest.fixture
def capture(tmp_path) -> str:
    sightings = [request(1), answer(1), request(2, at=0.5), request(2, at=1.0)]
    frames = [datagram(one.source, one.destination, one.data, one.time) for one in sightings]
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(frames))
    return str(path)


def test_shows_a_message_and_ends_well():
    result = decode(REQUEST)
    assert result.exit_code == 0
    assert result.stdout.startswith("Binding request, 108 bytes\n")
    assert "\x1b" not in result.stdout


def test_reads_stdin():
    assert decode(stdin=REQUEST).stdout == decode(REQUEST).stdout


def test_ends_with_5_where_something_is_broken_or_wrong():
    assert decode(REQUEST[:100]).exit_code == 5
    assert decode(REQUEST, "--password", "another").exit_code == 5
    assert decode(REQUEST, "--password", PASSWORD).exit_code == 0


def test_checks_with_each_password(tmp_path):
    file = tmp_path / "password"
    file.write_text(PASSWORD)
    for options in (
        ["--password", "another", "--password", PASSWORD],
        ["--password-file", str(file)],
    ):
        (message,) = told(REQUEST, *options)["messages"]
        assert message["integrity"][0]["outcome"] == "right"


def test_takes_username_and_realm_where_the_message_has_none():
    message = add_integrity(Message.request(3, bytes(12)), long_term_key("u", "r", "p"))
    options = ["--password", "p", "--username", "u", "--realm", "r"]
    assert decode(message.raw.hex(), *options).exit_code == 0


def test_refuses_a_password_that_is_none():
    with pytest.raises(UsageError, match="a password to check with"):
        decode(REQUEST, "--password", "")


def test_says_where_a_message_was_found(tmp_path):
    path = tmp_path / "packet"
    path.write_text(datagram(ALICE, SERVER, bytes.fromhex(REQUEST)).data.hex())
    (message,) = told(str(path))["messages"]
    assert message["packet"] == {
        "source": str(ALICE),
        "destination": str(SERVER),
        "offset": 42,
    }
    assert decode(str(path)).stdout.startswith(f"in a packet from {ALICE} to {SERVER}, from its")


def test_compares_two_messages():
    other = REQUEST.replace("53", "54", 1)
    result = decode("--diff", REQUEST, other)
    assert result.exit_code == 5  # the fingerprint is no longer right
    assert "!  SOFTWARE" in result.stdout
    document = told("--diff", REQUEST, other)
    assert len(document["messages"]) == 2
    assert [row["name"] for row in document["rows"] if row["change"] == "changed"] == ["SOFTWARE"]


@pytest.mark.parametrize("inputs", [(), (REQUEST,), (REQUEST, REQUEST, REQUEST)])
def test_compares_nothing_but_two(inputs):
    result = CliRunner().invoke(command, ["--diff", *inputs], input=REQUEST)
    assert result.exit_code == 2


def test_adds_a_capture_up(capture):
    result = decode(capture)
    assert result.exit_code == 0
    assert f"{capture}: 4 STUN messages in 4 frames, over 1.000 s." in result.stdout
    assert "server query" in result.stdout
    assert "transaction id" not in result.stdout


def test_shows_transactions_and_messages_of_a_capture(capture):
    assert "unanswered" in decode("--flows", capture).stdout
    tree = decode("--tree", capture).stdout
    assert tree.count("transaction id") == 4
    assert "0.500000" in decode("--flows", capture).stdout


def test_tells_scripts_of_a_capture(capture):
    document = told(capture)
    assert [one["pair"] for one in document["messages"]] == [
        "request",
        "answer",
        "request",
        "retransmission",
    ]
    assert [one["outcome"] for one in document["transactions"]] == ["success", "unanswered"]
    assert len(document["conversations"]) == len(document["captures"]) == 1
    lines = [json.loads(line) for line in decode("--json-lines", capture).stdout.splitlines()]
    assert [line["kind"] for line in lines] == [
        *["message"] * 4,
        *["transaction"] * 2,
        "conversation",
        "capture",
    ]
    assert {line["schema"] for line in lines} == {"stunkit/decode/1"}


def test_checks_the_answers_of_a_capture_with_what_the_requests_name(tmp_path):
    key = long_term_key("user", "realm", "secret")
    asked = add_integrity(
        Message.request(3, bytes(12)).append(6, b"user").append(0x14, b"realm"), key
    )
    answered = add_integrity(Message(b"\x01\x03\0\0" + asked.raw[4:20], ()), key)
    path = tmp_path / "turn.pcap"
    frames = [datagram(ALICE, SERVER, asked.raw), datagram(SERVER, ALICE, answered.raw, 0.1)]
    path.write_bytes(pcap(frames))
    messages = told(str(path), "--password", "secret")["messages"]
    assert [one["integrity"][0]["outcome"] for one in messages] == ["right", "right"]


def test_ends_with_6_where_a_capture_has_no_stun(tmp_path):
    path = tmp_path / "empty.pcap"
    path.write_bytes(pcap([datagram(ALICE, SERVER, b"hello")]))
    result = decode(str(path))
    assert result.exit_code == 6
    assert "no STUN in 1 frame" in result.stdout


def test_finds_classic_stun_in_a_capture_where_asked(tmp_path):
    path = tmp_path / "classic.pcap"
    path.write_bytes(pcap([datagram(ALICE, SERVER, Message.request(1, bytes(16)).raw)]))
    assert decode(str(path)).exit_code == 6
    assert decode("--classic", str(path)).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("--json", "--json-lines", REQUEST),
        ("--count", "1", REQUEST),
        ("--timeout", "1", REQUEST),
        ("--listen", "127.0.0.1:0", REQUEST),
        ("--listen", "127.0.0.1:0", "--diff"),
        ("--username", "u", REQUEST),
        ("--format", "morse", REQUEST),
    ],
)
def test_refuses_options_that_do_not_go_together(arguments):
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    assert isinstance(result.exception, click.UsageError)


def test_listens_until_its_time_is_over():
    result = decode("--listen", "127.0.0.1:0", "--timeout", "0.01")
    assert result.exit_code == 6
    assert result.stderr.startswith("listening on udp 127.0.0.1:")
