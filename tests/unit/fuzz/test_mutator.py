from random import Random

from stunkit.errors import Malformed, NotStun
from stunkit.fuzz.mutator import MAX_SIZE, Mutator, split
from stunkit.wire.message import Message

REQUEST = bytes.fromhex("000100042112a442000102030405060708090a0b00240000")


def fate(data: bytes) -> str:
    try:
        Message.decode(data)
    except NotStun:
        return "not STUN"
    except Malformed:
        return "malformed"
    return "decoded"


def test_the_same_source_makes_the_same_datagrams():
    one, other = Mutator(Random(1)), Mutator(Random(1))
    assert [one.datagram() for _ in range(99)] == [other.datagram() for _ in range(99)]
    assert one.stream() == other.stream()
    assert one.mutate(REQUEST) == other.mutate(REQUEST)


def test_datagrams_get_past_each_check_and_fail_at_the_next():
    mutator = Mutator(Random(2))
    fates = [fate(mutator.datagram()) for _ in range(2000)]
    for one in ("not STUN", "malformed", "decoded"):
        assert fates.count(one) > 200


def test_mutating_changes_a_message_and_keeps_its_size_within_the_limit():
    mutator = Mutator(Random(3))
    made = [mutator.mutate(REQUEST, 40) for _ in range(500)]
    assert len(set(made)) > 300
    assert max(map(len, made)) == 40
    assert any(fate(one) == "decoded" for one in made)


def test_mutating_makes_a_message_of_what_is_none():
    mutator = Mutator(Random(4))
    assert any(fate(mutator.mutate(b"x")) == "decoded" for _ in range(50))


def test_every_spoiler_takes_any_bytes():
    mutator = Mutator(Random(5))
    for spoil in mutator.spoilers:
        for size in (*range(30), MAX_SIZE):
            spoil(bytearray(size))


def test_a_stream_is_whole_datagrams_cut_anywhere():
    mutator = Mutator(Random(6))
    sizes = {len(mutator.stream()) for _ in range(50)}
    assert min(sizes) == 1
    assert max(sizes) > 3


def test_splitting_goes_as_far_as_can_be_read():
    assert split(b"short") is None
    head, pieces = split(REQUEST + b"\x80\x22\xff\xff!") or (b"", ())
    assert head == REQUEST[:2] + REQUEST[4:20]
    assert pieces == (b"\0\x24\0\0", b"\x80\x22\xff\xff!")
