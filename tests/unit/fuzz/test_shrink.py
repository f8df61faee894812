from collections.abc import Sequence
from random import Random

from stunkit.fuzz.mutator import Mutator
from stunkit.fuzz.shrink import shrink, shrink_sequence

BAD = b"\0\x24\0\0"


def has_bad_attribute(data: bytes) -> bool:
    """Fail like a parser that checks the header, and stumbles over an empty PRIORITY."""
    if len(data) < 20 or int.from_bytes(data[2:4], "big") != len(data) - 20:
        return False
    offset = 20
    while offset + 4 <= len(data):
        if data[offset : offset + 4] == BAD:
            return True
        size = int.from_bytes(data[offset + 2 : offset + 4], "big")
        offset += 4 + size + -size % 4
    return False


def test_what_fails_becomes_one_attribute_behind_a_blank_header():
    mutator = Mutator(Random(1))
    found = 0
    while found < 5:
        head, body = mutator.datagram()[:20], b"\x80\x22\0\5hello\0\0\0" * 20 + BAD + bytes(40)
        data = head[:2] + len(body).to_bytes(2, "big") + head[4:] + body
        if has_bad_attribute(data):
            found += 1
            assert shrink(data, has_bad_attribute) == b"\0\0\0\4" + bytes(16) + BAD


def test_any_bytes_are_made_small():
    assert shrink(b"abcXdefYghi" * 9, lambda data: b"X" in data and b"Y" in data) == b"XY"
    assert shrink(b"abc", lambda _: True) == b""


def test_nothing_is_asked_twice_and_the_result_failed():
    asked: list[bytes] = []

    def fails(data: bytes) -> bool:
        asked.append(data)
        return data.count(b"A") >= 3

    small = shrink(b"xAyAzAw", fails)
    assert small == b"AAA"
    assert len(asked) == len(set(asked))


def test_a_used_up_budget_leaves_what_was_found():
    left = [3]

    def fails(data: bytes) -> bool:
        left[0] -= 1
        return left[0] >= 0 and b"X" in data

    assert b"X" in shrink(b"XX" * 50, fails)


def test_one_of_a_sequence_is_found_by_halves():
    asked = 0

    def fails(items: Sequence[int]) -> bool:
        nonlocal asked
        asked += 1
        return 617 in items

    assert shrink_sequence(range(1000), fails) == [617]
    assert asked < 15


def test_what_belongs_together_stays_together():
    def fails(items: Sequence[int]) -> bool:
        return 10 in items and 70 in items

    assert shrink_sequence(list(range(100)), fails) == [10, 70]


def test_the_last_alone_is_tried_first():
    assert shrink_sequence([1, 2, 3], lambda items: 3 in items) == [3]
