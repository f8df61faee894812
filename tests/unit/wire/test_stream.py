import pytest

from stunkit.errors import NotStun
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message
from stunkit.wire.registry import Method
from stunkit.wire.stream import StreamDecoder

EMPTY = bytes.fromhex("000100002112a442") + bytes(12)
LONGER = Message.request(Method.BINDING, bytes(12), [Software("stunkit")]).raw
LARGEST = b"\0\1\xff\xfc" + bytes(16 + 0xFFFC)


def test_gives_out_messages_in_order() -> None:
    assert StreamDecoder().receive(EMPTY + LONGER + EMPTY) == [EMPTY, LONGER, EMPTY]


def test_gives_out_each_message_with_its_last_byte_when_bytes_come_one_at_a_time() -> None:
    decoder = StreamDecoder()
    stream = LONGER + EMPTY + LONGER
    found = {}
    for end, byte in enumerate(stream, 1):
        for message in decoder.receive(bytes((byte,))):
            found[end] = message
    assert found == {
        len(LONGER): LONGER,
        len(LONGER + EMPTY): EMPTY,
        len(stream): LONGER,
    }


def test_says_how_much_of_a_message_it_holds() -> None:
    decoder = StreamDecoder()
    assert decoder.pending == 0
    decoder.receive(EMPTY + LONGER[:25])
    assert decoder.pending == 25
    decoder.receive(LONGER[25:])
    assert decoder.pending == 0


def test_takes_no_bytes_for_an_answer() -> None:
    assert StreamDecoder().receive(b"") == []


def test_gives_out_the_largest_message() -> None:
    assert StreamDecoder().receive(LARGEST) == [LARGEST]


def test_reads_one_header_once_when_its_body_comes_in_pieces(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The work for a byte does not depend on how many came before: time is linear."""
    decoder = StreamDecoder()
    read = []
    whole_size = decoder._whole_size

    def counted(buffer: bytearray, start: int) -> int:
        read.append(start)
        return whole_size(buffer, start)

    monkeypatch.setattr(decoder, "_whole_size", counted)
    for byte in LARGEST[:2000]:
        decoder.receive(bytes((byte,)))
    assert read == [0]


@pytest.mark.parametrize(
    ("header", "offset", "reason"),
    [
        (b"GET / HTTP/1.1\r\nHost: a", 0, "most significant bits"),
        (b"\x40" + EMPTY[1:], 0, "most significant bits"),
        (b"\x80" + EMPTY[1:], 0, "most significant bits"),
        (b"\0\1\0\2" + EMPTY[4:], 2, "multiple of four"),
    ],
)
def test_ends_at_a_header_that_is_not_stun(header: bytes, offset: int, reason: str) -> None:
    decoder = StreamDecoder()
    assert decoder.receive(EMPTY) == [EMPTY]
    with pytest.raises(NotStun, match=reason) as caught:
        decoder.receive(header)
    assert caught.value.place == "header"
    assert caught.value.offset == offset


def test_stays_ended() -> None:
    decoder = StreamDecoder()
    with pytest.raises(NotStun, match="most significant bits"):
        decoder.receive(LONGER + b"\xff" * 20)
    with pytest.raises(NotStun, match="most significant bits"):
        decoder.receive(EMPTY)


def test_refuses_a_message_over_its_limit_by_the_header_alone() -> None:
    decoder = StreamDecoder(max_size=len(LONGER))
    assert decoder.receive(LONGER) == [LONGER]
    with pytest.raises(NotStun, match="a message of 36 bytes is over 32") as caught:
        decoder.receive(b"\0\1\0\x10" + EMPTY[4:])
    assert caught.value.offset == 2


def test_says_so_when_it_is_http() -> None:
    with pytest.raises(NotStun, match="it is HTTP"):
        StreamDecoder().receive(b"HTTP/1.1 400 Bad Request\r\n\r\n")
