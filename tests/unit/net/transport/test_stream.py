import asyncio
import errno

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.transport.stream import READ_SIZE, Connection
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message
from stunkit.wire.registry import Method

BLANK = Message.request(Method.BINDING, bytes(12)).raw
LONGER = Message.request(Method.BINDING, bytes(12), [Software("stunkit")]).raw


class Wire(asyncio.Transport):
    """A transport without a socket: keeps what is written, and what was asked of it."""

    def __init__(self, peername=("192.0.2.9", 5000)) -> None:
        super().__init__({"sockname": ("192.0.2.1", 3478), "peername": peername})
        self.written: list[bytes] = []
        self.calls: list[str] = []
        self.high: int | None = None

    def set_write_buffer_limits(self, high=None, low=None) -> None:
        del low
        self.high = high

    def write(self, data) -> None:
        self.written.append(bytes(data))

    def pause_reading(self) -> None:
        self.calls.append("pause")

    def resume_reading(self) -> None:
        self.calls.append("resume")

    def is_closing(self) -> bool:
        return "close" in self.calls or "abort" in self.calls

    def close(self) -> None:
        self.calls.append("close")

    def abort(self) -> None:
        self.calls.append("abort")


class Ends:
    """What a connection reports."""

    def __init__(self) -> None:
        self.messages: list[tuple[bytes, Endpoint, Endpoint]] = []
        self.reasons: list[str] = []

    def connect(self, wire: Wire, **limits: int) -> Connection:
        connection = Connection(
            lambda *message: self.messages.append(message),
            lambda _, reason: self.reasons.append(reason),
            **limits,
        )
        connection.connection_made(wire)
        return connection


def feed(connection: Connection, data: bytes) -> None:
    buffer = connection.get_buffer(-1)
    buffer[: len(data)] = data
    connection.buffer_updated(len(data))


@pytest.mark.parametrize("cut", range(1, len(LONGER + BLANK + LONGER)))
def test_finds_the_messages_wherever_the_stream_is_cut(cut: int):
    ends, stream = Ends(), LONGER + BLANK + LONGER
    connection = ends.connect(Wire())
    feed(connection, stream[:cut])
    feed(connection, stream[cut:])
    assert [data for data, _, _ in ends.messages] == [LONGER, BLANK, LONGER]


def test_says_both_ends_of_the_path_with_each_message():
    ends = Ends()
    feed(ends.connect(Wire()), BLANK)
    here, there = Endpoint.of("192.0.2.1", 3478), Endpoint.of("192.0.2.9", 5000)
    assert ends.messages == [(BLANK, there, here)]


def test_copies_messages_out_of_its_buffer():
    ends = Ends()
    connection = ends.connect(Wire())
    feed(connection, LONGER)
    feed(connection, BLANK)
    assert ends.messages[0][0] == LONGER


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.1\r\n\r\n\0\0", b"\xff" * 20, BLANK[:3] + b"\1" + BLANK[4:]]
)
def test_ends_at_a_header_that_is_not_stun(garbage: bytes):
    ends, wire = Ends(), Wire()
    connection = ends.connect(wire)
    feed(connection, garbage)
    assert wire.calls == ["abort"]
    connection.connection_lost(None)
    assert ends.messages == []
    assert ends.reasons[0].startswith("not STUN: ")


def test_ends_at_the_header_of_a_message_that_is_too_long():
    ends, wire = Ends(), Wire()
    connection = ends.connect(wire, max_message=len(LONGER) - 4)
    feed(connection, LONGER[:20])
    connection.connection_lost(None)
    assert wire.calls == ["abort"]
    assert ends.reasons == [f"not STUN: a message of {len(LONGER)} bytes is over {len(LONGER) - 4}"]


def test_takes_a_message_of_just_the_limit():
    ends = Ends()
    feed(ends.connect(Wire(), max_message=len(LONGER)), LONGER)
    assert len(ends.messages) == 1


def test_reads_a_bounded_number_of_bytes_at_a_time():
    assert len(Ends().connect(Wire()).get_buffer(1 << 20)) == READ_SIZE


def test_reads_nothing_more_while_its_answers_are_not_read():
    wire = Wire()
    connection = Ends().connect(wire, max_unsent=1000)
    connection.pause_writing()
    connection.resume_writing()
    assert wire.high == 1000
    assert wire.calls == ["pause", "resume"]


def test_drops_what_is_sent_after_the_end():
    wire = Wire()
    connection = Ends().connect(wire)
    connection.send(BLANK)
    connection.connection_lost(None)
    connection.send(LONGER)
    assert wire.written == [BLANK]


def test_hands_over_nothing_more_once_it_is_ended():
    wire, got = Wire(), []
    connection = Connection(
        lambda data, *_: (got.append(data), connection.abort("enough")), lambda *_: None
    )
    connection.connection_made(wire)
    feed(connection, BLANK + LONGER)
    connection.send(BLANK)
    assert got == [BLANK]
    assert wire.written == []


def test_does_nothing_after_the_end():
    wire = Wire()
    connection = Ends().connect(wire)
    connection.connection_lost(None)
    connection.pause_writing()
    connection.resume_writing()
    connection.close()
    connection.abort("again")
    assert wire.calls == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (None, "the connection was closed"),
        (ConnectionResetError(errno.ECONNRESET, "whatever"), "connection reset by peer"),
        (OSError("without a number"), "the connection was closed"),
    ],
)
def test_says_why_it_ended(error: OSError | None, reason: str):
    ends = Ends()
    ends.connect(Wire()).connection_lost(error)
    assert ends.reasons == [reason]


def test_says_its_own_reason_when_it_ended_itself():
    ends = Ends()
    connection = ends.connect(Wire())
    connection.abort("it made room for another")
    connection.connection_lost(None)
    assert ends.reasons == ["it made room for another"]


def test_ends_when_the_peer_is_gone_before_it_begins():
    ends, wire = Ends(), Wire(peername=None)  # getpeername(2) fails after a reset
    connection = ends.connect(wire)
    assert wire.calls == ["abort"]
    assert connection.remote == Endpoint.of("0.0.0.0", 0)
    connection.connection_lost(None)
    assert not connection.is_open
    assert ends.reasons == ["connection reset by peer"]
