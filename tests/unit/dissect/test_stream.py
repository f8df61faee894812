import random

import pytest

from stunkit.dissect.packet import Segment
from stunkit.dissect.stream import MOST_WAITING, Framer, Streams
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message
from tests.packets import ALICE, SERVER

FIRST = Message.request(1, bytes(range(12)), [Software("one")]).raw
SECOND = Message.request(1, bytes(range(1, 13)), [Software("two more")]).raw
CHANNEL = b"\x40\x00\x00\x05abcde\0\0\0"
STREAM = FIRST + CHANNEL + SECOND


def segment(payload: bytes, sequence: int, **flags: int) -> Segment:
    given = {"is_cut": False, "is_start": False, "is_end": False} | flags
    return Segment(ALICE, SERVER, payload, offset=54, hops=64, sequence=sequence, **given)


def pieces(data: bytes, size: int, start: int = 1) -> list[Segment]:
    return [
        segment(data[place : place + size], (start + place) % (1 << 32))
        for place in range(0, len(data), size)
    ]


def receive(segments: list[Segment], streams: Streams | None = None) -> list[bytes]:
    streams = streams or Streams()
    return [message for one in segments for message in streams.receive(one)]


@pytest.mark.parametrize("size", [20, 21, 33, 1000])
def test_cuts_messages_and_channel_data_out_of_segments(size):
    assert receive(pieces(STREAM, size)) == [FIRST, CHANNEL, SECOND]


def test_puts_segments_in_order_and_drops_what_came_twice():
    start = segment(b"", 0, is_start=True)
    segments = pieces(STREAM, 10)
    shuffled = segments + segments[:3]
    random.Random(7).shuffle(shuffled)
    assert receive([start, *shuffled]) == [FIRST, CHANNEL, SECOND]


def test_takes_overlapping_segments():
    parts = [segment(STREAM[:40], 1), segment(STREAM[30:], 31)]
    assert receive(parts) == [FIRST, CHANNEL, SECOND]


def test_counts_on_past_the_last_sequence_number():
    assert receive(pieces(STREAM, 24, (1 << 32) - 30)) == [FIRST, CHANNEL, SECOND]


def test_reads_ice_over_tcp():
    framed = b"".join(len(raw).to_bytes(2, "big") + raw for raw in (FIRST, b"\x80rtp", SECOND))
    assert receive(pieces(framed, 30)) == [FIRST, b"\x80rtp", SECOND]


def test_reads_nothing_of_anything_else():
    assert receive(pieces(b"\x16\x03\x01" + bytes(300), 100)) == []


def test_finds_its_place_again_where_a_segment_starts_with_a_message():
    middle = segment(STREAM[5:], 6)
    assert receive([middle, segment(SECOND, 6 + len(STREAM) - 5)]) == [SECOND]


def test_gives_a_gap_up_after_a_while():
    streams = Streams()
    later = pieces(SECOND * (MOST_WAITING + 1), len(SECOND), 1000)
    assert receive([segment(FIRST, 1), *later], streams)[0] == FIRST
    assert receive([segment(SECOND, 1000 + len(SECOND) * (MOST_WAITING + 1))], streams) == [SECOND]


def test_gives_a_gap_up_that_the_other_side_has_not():
    streams = Streams()
    assert receive([segment(b"", 0, is_start=True)], streams) == []
    assert receive([segment(SECOND, 81)], streams) == []
    acknowledgement = segment(b"", 500, received=81)._replace(source=SERVER, destination=ALICE)
    assert receive([acknowledgement], streams) == []
    more = segment(FIRST, 81 + len(SECOND))
    assert receive([more], streams) == [SECOND, FIRST]


def test_loses_its_place_where_a_segment_is_cut():
    streams = Streams()
    assert receive([segment(FIRST[:10], 1, is_cut=True)], streams) == []
    assert receive([segment(SECOND, 900)], streams) == [SECOND]


def test_starts_again_with_a_new_connection():
    streams = Streams()
    assert receive([segment(FIRST, 5), segment(b"", 20, is_end=True)], streams) == [FIRST]
    assert receive([segment(b"", 8, is_start=True), segment(FIRST, 9)], streams) == [FIRST]


def test_framer_loses_its_place_behind_what_is_no_message():
    framer = Framer()
    assert framer.receive(FIRST + b"garbage!") == [FIRST]
    assert framer.receive(SECOND) == [SECOND]
