from __future__ import annotations

from random import Random

from stunkit.endpoint import Endpoint
from stunkit.nat.inquiry import SILENT_AFTER, Inquiry
from tests.unit.nat.exchange import LOCAL, LOCALS, SERVER, success


class One(Inquiry[str]):
    """An inquiry that asks one question, twice if told to."""

    def __init__(self, timeout: float = 20.0, alarm: float | None = None) -> None:
        super().__init__(0.0, Random(1).randbytes, timeout)
        self.probe = self._prober.ask("question", LOCAL, SERVER, 0.0)
        self.alarm = alarm
        self.advanced: list[float] = []

    def _alarm(self) -> float | None:
        return self.alarm

    def _advance(self, now: float) -> bool:
        self.advanced.append(now)
        return self.probe.answer is not None

    def _find(self) -> str:
        return "answered" if self.probe.answer else "silent"


class Plain(One):
    def _alarm(self) -> float | None:
        return Inquiry._alarm(self)


def answer(one: One, now: float, source: Endpoint = SERVER) -> None:
    one.receive(success(one.probe.request), source, LOCAL, now)


def test_finding_is_told_once():
    one = One()
    assert (one.is_done, one.events()) == (False, [])
    answer(one, 0.01)
    assert one.is_done
    assert one.events() == ["answered"]
    assert one.events() == []


def test_nothing_is_sent_or_awaited_after_the_end():
    one = One()
    assert len(one.sends()) == 1
    answer(one, 0.01)
    one.tick(5.0)
    assert one.sends() == []
    assert one.deadline() is None
    assert one.advanced == [0.01]


def test_datagrams_of_strangers_advance_nothing():
    one = One()
    one.receive(b"hello", SERVER, LOCAL, 1.0)
    assert one.advanced == []


def test_unreachable_server_is_noted():
    one = One()
    one.unreachable(SERVER, LOCALS[1], "port unreachable", 1.0)
    assert one.probe.unreachable == ""
    one.unreachable(SERVER, LOCAL, "port unreachable", 1.0)
    assert one.probe.unreachable == "port unreachable"
    assert one.advanced == [1.0, 1.0]


def test_total_silence_ends_it():
    one = One()
    one.tick(SILENT_AFTER - 0.1)
    assert not one.is_done
    one.tick(SILENT_AFTER)
    assert one.events() == ["silent"]


def test_time_ends_it():
    one = One(timeout=2.0)
    answer(one, 0.01, source=SERVER.with_port(1))  # so it is not silent
    one.tick(1.98)
    assert not one.is_done
    assert one.deadline() == 2.0
    one.tick(2.0)
    assert one.events() == ["silent"]


def test_deadline_is_the_next_send_the_end_of_patience_or_an_alarm():
    assert One().deadline() == 0.5
    assert One(alarm=0.2).deadline() == 0.2
    one = Plain(timeout=20.0)
    one._prober.stop(one.probe)
    assert one.deadline() == 2.0  # an answer may come until then
    one.tick(2.0)
    assert one.deadline() == 20.0
