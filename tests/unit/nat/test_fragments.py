from __future__ import annotations

from random import Random

import pytest

from stunkit.behavior import Behavior
from stunkit.endpoint import Family
from stunkit.nat import fragments
from stunkit.nat.fragments import FragmentsTest
from stunkit.nat.report import Evidence
from stunkit.sim.network import Weather
from stunkit.sim.server import Lie
from stunkit.sim.world import World
from stunkit.wire.attributes.behavior import Padding
from stunkit.wire.message import Message
from tests.truth import examine
from tests.unit.nat.exchange import LOCAL, MAPPED, SERVER, refusal, success


def check(
    *layers: Behavior,
    lie: Lie = Lie.NONE,
    loss: float = 0.0,
    seed: int = 0,
    family: Family = Family.IPV4,
) -> Evidence:
    world = World(layers=layers, lies=(lie,), weather=Weather(loss=loss), seed=seed, family=family)
    (evidence,) = examine(world, fragments).evidence
    assert evidence.claim == "fragments"
    return evidence


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("passes", [True, False])
def test_fragments_are_named_right(passes: bool, family: Family):
    assert check(Behavior(fragments=passes), family=family).value is passes


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("passes", [True, False])
def test_loss_makes_no_difference(passes: bool, seed: int):
    assert check(Behavior(fragments=passes), loss=0.15, seed=seed).value is passes


def test_each_of_two_layers_may_drop_them():
    assert check(Behavior(fragments=False), Behavior()).value is False
    assert check(Behavior(), Behavior(fragments=False)).value is False


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (Lie.NO_PADDING, "the server does not know PADDING (420)"),
        (Lie.CLASSIC, "the server does not know PADDING (420)"),
        (Lie.IGNORES_PADDING, "the server does not answer with PADDING"),
    ],
)
@pytest.mark.parametrize("passes", [True, False])
def test_server_without_padding_proves_nothing(lie: Lie, why: str, passes: bool):
    evidence = check(Behavior(fragments=passes), lie=lie)
    assert (evidence.value, evidence.why) == (None, why)


def test_blocked_udp_proves_nothing():
    evidence = check(Behavior(blocks_udp=True))
    assert (evidence.value, evidence.why) == (None, "no answer even to a request of 1200 bytes")


# --- by hand -------------------------------------------------------------------------------------


class Setting:
    """A test whose questions are answered by hand; ``sizes`` are those that are answered."""

    def __init__(self, timeout: float = 20.0) -> None:
        self.now = 0.0
        self.test = FragmentsTest(SERVER, [LOCAL], 0.0, Random(1).randbytes, timeout=timeout)
        self.requests = {
            len(outgoing.data): Message.decode(outgoing.data) for outgoing in self.test.sends()
        }

    def answer(self, size: int, answer_size: int | None = None) -> None:
        padding = Padding(bytes((answer_size or size) - 36))
        data = success(self.requests[size], MAPPED, padding)
        assert len(data) == (answer_size or size)
        self.test.receive(data, SERVER, LOCAL, self.now)

    def wait(self, *sizes: int, times: int = 100) -> None:
        for _ in range(times):
            self.now += 0.05
            self.test.tick(self.now)
            for size in sizes:
                self.answer(size)

    def verdict(self) -> tuple[object, str]:
        assert self.test.is_done
        (evidence,) = self.test.events()
        return evidence.value, evidence.why


def test_requests_are_of_three_lengths_from_one_socket():
    assert list(Setting().requests) == [1200, 1500, 3000]


@pytest.mark.parametrize("size", [1500, 3000])
def test_any_answer_in_fragments_shows_that_they_pass(size: int):
    setting = Setting()
    setting.answer(size)
    assert setting.verdict() == (
        True,
        f"a request of {size} bytes had an answer of {size} bytes",
    )


def test_silence_beside_an_answered_small_request_shows_that_they_do_not():
    setting = Setting()
    setting.wait(1200)
    value, why = setting.verdict()
    assert value is False
    assert "requests of more than 1500 bytes had no answer, while one of 1200 bytes had" in why


def test_silence_takes_more_tries_than_for_whole_datagrams():
    setting = Setting()
    setting.wait(1200, times=10)
    assert not setting.test.is_done


def test_short_answer_shows_nothing_of_the_way_back():
    setting = Setting()
    setting.answer(1500, 1480)
    setting.wait(1200)
    assert setting.verdict() == (
        None,
        "a request of 1500 bytes had an answer of only 1480, which needs no fragments",
    )


def test_short_answers_to_both_end_it_soon():
    setting = Setting()
    setting.answer(1200)
    setting.answer(3000, 1480)
    assert not setting.test.is_done
    setting.answer(1500, 1480)
    assert setting.verdict()[0] is None


@pytest.mark.parametrize("size", [1200, 3000])
@pytest.mark.parametrize(
    ("code", "why"),
    [
        (420, "the server does not know PADDING (420)"),
        (500, "the server refuses PADDING (code 500)"),
    ],
)
def test_refusal_proves_nothing(size: int, code: int, why: str):
    setting = Setting()
    data = refusal(setting.requests[size], code)
    setting.test.receive(data, SERVER, LOCAL, 0.01)
    assert setting.verdict() == (None, why)


def test_small_answer_without_padding_proves_nothing():
    setting = Setting()
    setting.test.receive(success(setting.requests[1200]), SERVER, LOCAL, 0.01)
    assert setting.verdict() == (None, "the server does not answer with PADDING")


def test_unreachable_server_proves_nothing():
    setting = Setting()
    setting.test.receive(success(setting.requests[3000]), SERVER.with_port(1), LOCAL, 0.01)
    setting.test.unreachable(SERVER, LOCAL, "port unreachable", 0.02)
    assert setting.verdict() == (None, "no answer even to a request of 1200 bytes")


def test_few_tries_prove_nothing():
    setting = Setting(timeout=0.3)
    setting.wait(1200, times=8)
    assert setting.verdict() == (None, "tries without an answer may all have been lost")
