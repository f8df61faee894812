import time

import pytest

from stunkit.errors import UsageError
from stunkit.fuzz.child import Hunt, Order
from stunkit.fuzz.crash import Kind
from stunkit.fuzz.sandbox import Found, Kept, Over, Sandbox

BAD = bytes.fromhex("0001000c2112a442") + bytes(12)
GOOD = bytes.fromhex("000100002112a442") + bytes(12)


def order(name: str, *expected: str, timeout: float = 0.3) -> Order:
    return Order(f"tests.integration.fuzz.broken:{name}", expected, timeout, 256, "random", "")


@pytest.mark.parametrize(
    ("name", "kind", "what"),
    [
        ("raises", Kind.EXCEPTION, "KeyError"),
        ("falls", Kind.EXCEPTION, "RecursionError"),
        ("hangs", Kind.HANG, "hang"),
        ("eats", Kind.MEMORY, "MemoryError"),
        ("exits", Kind.DEATH, "exit status 3"),
        ("crashes", Kind.DEATH, "signal 11"),
        ("sleeps", Kind.HANG, "hang"),
    ],
)
def test_each_failure_is_seen_and_the_next_input_tried(name: str, kind: Kind, what: str):
    with Sandbox(order(name)) as sandbox:
        for _ in range(2 if kind is not Kind.HANG else 1):
            crash = sandbox.probe(BAD)
            assert crash is not None
            assert (crash.kind, crash.what) == (kind, what)
            assert sandbox.probe(GOOD) is None


def test_what_is_expected_is_no_failure():
    with Sandbox(order("raises", "LookupError")) as sandbox:
        assert sandbox.probe(BAD) is None


def test_what_a_parser_prints_is_not_seen(capfd: pytest.CaptureFixture[str]):
    with Sandbox(order("prints")) as sandbox:
        assert sandbox.probe(GOOD) is None
    assert capfd.readouterr() == ("", "")


def test_a_hunt_tells_each_class_once_and_keeps_each_way_to_end():
    with Sandbox(order("strict", "ValueError")) as sandbox:
        news = list(sandbox.hunt(Hunt(1, 3000, time.monotonic() + 20)))
    assert [one for one in news if isinstance(one, Found)] == []
    assert len([one for one in news if isinstance(one, Kept)]) == 2  # a result, and a ValueError
    assert news[-1] == Over(3000, is_done=True)


@pytest.mark.parametrize("name", ["exits", "sleeps"])
def test_the_input_of_a_lost_child_is_known(name: str):
    with Sandbox(order(name)) as sandbox:
        news = list(sandbox.hunt(Hunt(1, None, time.monotonic() + 20)))
        (found,) = (one for one in news if isinstance(one, Found))
        again = sandbox.probe(found.data)
    assert again is not None
    assert again.signature == found.crash.signature
    assert isinstance(news[-1], Over)
    assert not news[-1].is_done


def test_what_is_no_parser_is_refused():
    with pytest.raises(UsageError, match="is not a parser"), Sandbox(order("number")):
        pass


def test_a_parser_may_bring_a_mutation_of_its_own():
    with Sandbox(order("measured")) as sandbox:
        news = list(sandbox.hunt(Hunt(1, 5, time.monotonic() + 20, (b"seed",))))
    (found,) = (one for one in news if isinstance(one, Found))
    assert found.data.startswith(b"own")
