from __future__ import annotations

from random import Random

import pytest

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling
from stunkit.endpoint import Endpoint
from stunkit.nat import hairpin
from stunkit.nat.hairpin import HairpinTest
from stunkit.nat.report import Evidence
from stunkit.sim.network import Weather
from stunkit.sim.server import Lie
from stunkit.sim.world import World
from stunkit.wire.message import Message
from tests.truth import examine
from tests.unit.nat.exchange import LOCALS, MAPPED, SERVER, success

OWNER, SENDER = LOCALS[:2]
FREE, BY_ADDRESS, BY_PORT = Filtering


def check(*layers: Behavior, lie: Lie = Lie.NONE, loss: float = 0.0, seed: int = 0) -> Evidence:
    weather = Weather(loss=loss)
    world = World(layers=layers, lies=(lie,), weather=weather, seed=seed)
    (evidence,) = examine(world, hairpin).evidence
    assert evidence.claim == "hairpin"
    return evidence


@pytest.mark.parametrize("mapping", Mapping)
@pytest.mark.parametrize("filtering", Filtering)
@pytest.mark.parametrize("turns_back", [True, False])
def test_hairpin_is_named_right(mapping: Mapping, filtering: Filtering, turns_back: bool):
    evidence = check(Behavior(mapping=mapping, filtering=filtering, hairpin=turns_back))
    assert evidence.value is turns_back


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("turns_back", [True, False])
def test_loss_makes_no_difference(seed: int, turns_back: bool):
    evidence = check(Behavior(hairpin=turns_back), loss=0.2, seed=seed)
    assert evidence.value is turns_back


def test_two_layers_hairpin_as_the_outer_one_does():
    inner = Behavior(filtering=FREE)
    assert check(inner, Behavior(hairpin=True)).value is True
    assert check(Behavior(filtering=BY_ADDRESS), Behavior(hairpin=True)).value is False
    assert check(Behavior(filtering=FREE, hairpin=True), Behavior()).value is False


def test_pool_hairpins_across_its_addresses():
    pool = Behavior(hairpin=True, pool_size=3, pooling=Pooling.ARBITRARY)
    assert [check(pool, seed=seed).value for seed in range(5)] == [True] * 5


def test_without_nat_sending_to_oneself_proves_nothing():
    evidence = check(Behavior(nat=False))
    assert evidence.value is None
    assert evidence.why == "there is no NAT, and who sends to itself learns nothing"


def test_blocked_udp_proves_nothing():
    evidence = check(Behavior(blocks_udp=True))
    assert (evidence.value, evidence.why) == (
        None,
        "no answer from 198.51.100.1:3478 says where it sees us",
    )


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        (Lie.CLASSIC, "there is only MAPPED-ADDRESS, which a gateway may rewrite"),
        (Lie.TRANSLATED, "so it stands behind a proxy of its own"),
    ],
)
def test_doubtful_mapped_endpoint_is_not_sent_to(lie: Lie, why: str):
    evidence = check(Behavior(hairpin=True), lie=lie)
    assert evidence.value is None
    assert why in evidence.why


# --- by hand -------------------------------------------------------------------------------------


class Setting:
    """A test whose questions are answered by hand, every one at once unless told otherwise."""

    def __init__(self, timeout: float = 20.0) -> None:
        self.now = 0.0
        self.test = HairpinTest(SERVER, LOCALS, 0.0, Random(1).randbytes, timeout=timeout)
        self.mapped = MAPPED
        self.owner: list[Message] = []
        self.companion: list[Message] = []
        self.hairpin: list[Message] = []
        self.ask()

    def ask(self) -> None:
        for outgoing in self.test.sends():
            message = Message.decode(outgoing.data)
            if outgoing.destination == SERVER:
                (self.owner if outgoing.local == OWNER else self.companion).append(message)
            else:
                assert (outgoing.local, outgoing.destination) == (SENDER, MAPPED)
                self.hairpin.append(message)

    def answer_owner(self) -> None:
        data = success(self.owner[-1], self.mapped)
        self.test.receive(data, SERVER, OWNER, self.now)
        self.ask()

    def answer_companion(self) -> None:
        data = success(self.companion[-1], MAPPED.with_port(1))
        self.test.receive(data, SERVER, SENDER, self.now)
        self.ask()

    def turn_back(self, source: Endpoint, local: Endpoint = OWNER) -> None:
        self.test.receive(self.hairpin[-1].raw, source, local, self.now)
        self.ask()

    def wait(self, *, is_companion_answered: bool = True, times: int = 40) -> None:
        for _ in range(times):
            self.now += 0.05
            self.test.tick(self.now)
            self.ask()
            if is_companion_answered and self.companion:
                self.answer_companion()

    def wait_for_the_owner(self) -> None:
        """Wait until the owner is asked again."""
        while len(self.owner) < 2:
            self.wait(times=1)

    def verdict(self) -> tuple[object, str]:
        assert self.test.is_done
        (evidence,) = self.test.events()
        return evidence.value, evidence.why


def started() -> Setting:
    setting = Setting()
    setting.now = 0.01
    setting.answer_owner()
    assert setting.hairpin
    assert setting.companion
    return setting


def test_arrival_counts_at_the_owner_alone():
    setting = started()
    setting.turn_back(MAPPED.with_port(2), local=SENDER)
    assert not setting.test.is_done
    setting.turn_back(MAPPED.with_port(2))
    assert setting.verdict() == (
        True,
        "a request to our own mapped endpoint 203.0.113.1:40000 came back to us",
    )


def test_arrival_from_the_unmapped_endpoint_is_no_hairpin_that_helps():
    setting = started()
    setting.turn_back(SENDER)
    value, why = setting.verdict()
    assert value is None
    assert why.startswith("it came back from 10.0.0.2:50001, not from a mapped endpoint")


def test_other_datagrams_are_no_arrival():
    setting = started()
    setting.test.receive(b"hello", MAPPED, OWNER, 0.02)
    assert not setting.test.is_done


def test_silence_counts_when_the_owner_still_has_its_mapped_endpoint():
    setting = started()
    setting.wait_for_the_owner()
    setting.answer_owner()
    value, why = setting.verdict()
    assert value is False
    assert "requests to our own mapped endpoint 203.0.113.1:40000 did not come back" in why


def test_silence_proves_nothing_when_the_mapping_moved():
    setting = started()
    setting.wait_for_the_owner()
    setting.mapped = MAPPED.with_port(7)
    setting.answer_owner()
    value, why = setting.verdict()
    assert value is None
    assert why.startswith("the mapping moved while we looked")


def test_silence_proves_nothing_when_the_mapping_is_not_seen_again():
    setting = started()
    setting.wait(times=100)
    assert setting.verdict() == (
        None,
        "the mapping that was sent to could not be seen again, so it may be gone",
    )


def test_silence_proves_nothing_when_the_sender_hears_nothing_at_all():
    setting = started()
    setting.wait(is_companion_answered=False, times=100)
    assert setting.verdict() == (None, "the sending socket had no answer from the server")


def test_few_tries_prove_nothing():
    setting = Setting(timeout=0.2)
    setting.now = 0.01
    setting.answer_owner()
    setting.wait(times=4)
    assert setting.verdict() == (None, "tries without an arrival may all have been lost")
