from __future__ import annotations

import pytest

from stunkit.behavior import Mapping
from stunkit.endpoint import Endpoint
from stunkit.nat.callback import CallbackProbes
from stunkit.nat.filtering import FilteringProbes, Outcome
from stunkit.nat.probe import Probe
from stunkit.wire.attributes.behavior import ChangeRequest
from tests.unit.nat.exchange import LOCALS, MAPPED, OTHER, OTHER_PORT, SERVER, prober, success

CHANGE = ChangeRequest(change_ip=True, change_port=True)
ANOTHER = Endpoint.of("203.0.113.1", 41000)
EIM, ADM, APDM = Mapping


class Setting:
    """Two tests of filtering with made-up outcomes, and the callback after them."""

    def __init__(self, *, both: bool | None, port: bool | None) -> None:
        self.now = 1.0
        self.prober = prober()
        self.tests = [
            self._test(LOCALS[1], OTHER, both),
            self._test(LOCALS[2], OTHER_PORT, port),
        ]
        self.callback = CallbackProbes(self.prober)

    def _test(self, local: Endpoint, target: Endpoint, let_in: bool | None) -> FilteringProbes:
        plain = self.prober.ask(f"plain {local}", local, SERVER, 0.0)
        test = self.prober.ask(f"test {local}", local, SERVER, 0.0, CHANGE, expected=target)
        self.answer(plain, MAPPED)
        if let_in:
            self.answer(test, MAPPED)
        made = FilteringProbes(self.prober, test, CHANGE, plain)
        made.judge = lambda: Outcome(let_in, "as drawn")  # type: ignore[method-assign]
        return made

    def answer(self, probe: Probe | None, mapped: Endpoint | None) -> None:
        assert probe is not None
        self.prober.receive(success(probe.request, mapped), probe.expected, probe.local, 1.0)

    def advance(self, mapping: Mapping | None) -> bool:
        self.now += 0.1
        return self.callback.advance(mapping, *self.tests, self.now)


@pytest.mark.parametrize(
    ("mapping", "both", "port", "asked"),
    [
        (EIM, True, True, OTHER),
        (EIM, False, True, OTHER),
        (EIM, False, False, OTHER),
        (EIM, None, True, OTHER_PORT),
        (EIM, None, False, OTHER_PORT),
        (APDM, True, True, OTHER),
        (ADM, False, True, OTHER_PORT),
    ],
)
def test_asks_back_who_had_sent_unasked(
    mapping: Mapping, both: bool | None, port: bool | None, asked: Endpoint
):
    setting = Setting(both=both, port=port)
    assert not setting.advance(mapping)
    probe = setting.callback.probe
    assert probe is not None
    assert probe.server == asked
    assert probe.local == (LOCALS[1] if asked == OTHER else LOCALS[2])


@pytest.mark.parametrize(
    ("mapping", "both", "port"),
    [(None, True, True), (EIM, None, None), (APDM, False, False), (ADM, None, False)],
)
def test_asks_nobody_where_it_would_tell_nothing(
    mapping: Mapping | None, both: bool | None, port: bool | None
):
    setting = Setting(both=both, port=port)
    assert setting.advance(mapping)
    assert setting.callback.judge()[0] is None
    assert setting.callback.names == ()


@pytest.mark.parametrize(("mapping", "let_in"), [(EIM, False), (APDM, True)])
def test_the_same_mapping_is_answered_through(mapping: Mapping, let_in: bool):
    setting = Setting(both=let_in, port=let_in)
    setting.advance(mapping)
    setting.answer(setting.callback.probe, MAPPED)
    assert setting.advance(mapping)
    value, why = setting.callback.judge()
    assert value is True
    assert str(OTHER) in why
    assert len(setting.callback.names) == 1


@pytest.mark.parametrize(("mapping", "let_in"), [(EIM, False), (APDM, True)])
def test_another_mapping_counts_once_the_first_was_seen_again(mapping: Mapping, let_in: bool):
    setting = Setting(both=let_in, port=let_in)
    setting.advance(mapping)
    setting.answer(setting.callback.probe, ANOTHER)
    assert not setting.advance(mapping)
    assert setting.callback.judge()[0] is None
    setting.answer(setting.callback.again, MAPPED)
    assert setting.advance(mapping)
    value, why = setting.callback.judge()
    assert value is False
    assert str(ANOTHER) in why
    assert len(setting.callback.names) == 2


def test_a_mapping_that_moved_proves_nothing():
    setting = Setting(both=False, port=False)
    setting.advance(EIM)
    setting.answer(setting.callback.probe, ANOTHER)
    setting.advance(EIM)
    setting.answer(setting.callback.again, ANOTHER)
    assert setting.advance(EIM)
    value, why = setting.callback.judge()
    assert value is None
    assert "moved" in why


def test_an_answer_that_names_no_endpoint_proves_nothing():
    setting = Setting(both=True, port=True)
    setting.advance(APDM)
    setting.answer(setting.callback.probe, None)
    assert setting.advance(APDM)
    value, why = setting.callback.judge()
    assert value is None
    assert "did not say" in why
