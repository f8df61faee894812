from __future__ import annotations

import pytest

from stunkit.behavior import Filtering
from stunkit.endpoint import Endpoint
from stunkit.nat.control import Controls
from stunkit.nat.filtering import FilteringProbes, Outcome, classify_filtering
from stunkit.nat.probe import Probe
from stunkit.wire.attributes.behavior import ChangeRequest
from tests.unit.nat.exchange import LOCALS, MAPPED, OTHER, SERVER, prober, refusal, success

FREE, BY_ADDRESS, BY_PORT = Filtering
CHANGE = ChangeRequest(change_ip=True, change_port=True)


@pytest.mark.parametrize(
    ("address", "port", "filtering", "why"),
    [
        (True, True, FREE, "address"),
        (True, None, FREE, "address"),
        (True, False, None, "contradiction: address, but port"),
        (False, True, BY_ADDRESS, "port; address"),
        (False, False, BY_PORT, "port"),
        (False, None, None, "port"),
        (None, True, None, "not address-and-port-dependent, but address"),
        (None, False, BY_PORT, "port"),
        (None, None, None, "address"),
    ],
)
def test_classification_of_every_pair_of_outcomes(
    address: bool | None, port: bool | None, filtering: Filtering | None, why: str
):
    outcomes = Outcome(address, "address"), Outcome(port, "port")
    assert classify_filtering(*outcomes) == (filtering, why)


class Setting:
    """One test, answered by hand. The mapping socket is the first, the test's the second."""

    def __init__(self, *, has_plain: bool = True) -> None:
        self.now = 0.0
        self.prober = prober()
        ask = self.prober.ask
        self.first = ask("mapping A1:P1", LOCALS[0], SERVER, 0.0)
        self.receiver = ask("mapping A2:P2", LOCALS[0], OTHER, 0.0)
        self.test = ask("filtering", LOCALS[1], SERVER, 0.0, CHANGE, solicited=False)
        plain = ask("plain", LOCALS[1], SERVER, 0.0) if has_plain else None
        self.probes = FilteringProbes(self.prober, self.test, CHANGE, plain)
        self.controls = Controls(self.prober, SERVER, [])
        self.probes.aim(OTHER, is_possible=True)

    def answer(
        self, probe: Probe | None, source: Endpoint | None = None, mapped: Endpoint = MAPPED
    ) -> None:
        assert probe is not None
        data = success(probe.request, mapped)
        self.prober.receive(data, source or probe.expected, probe.local, self.now)

    def advance(self) -> bool:
        return self.probes.advance(self.controls, self.receiver, [self.first], self.now)

    def begin(self) -> None:
        """Answer what makes the control possible, and start it."""
        self.now = 0.01
        for probe in (self.first, self.receiver):
            self.answer(probe)
            self.prober.stop(probe)
        assert not self.advance()

    def listen(self, *answering: Probe | None, tries: int = 40) -> bool:
        """Let time pass, while some probes are answered each time."""
        for _ in range(tries):
            self.now += 0.05
            self.prober.tick(self.now)
            for probe in answering:
                self.answer(probe)
            if self.advance():
                return True
        return False


def test_answer_from_where_nobody_sent_to_was_let_in():
    setting = Setting()
    setting.answer(setting.test)
    assert setting.advance()
    assert setting.probes.judge() == Outcome(
        let_in=True, why="an answer from 198.51.100.2:3479, which we never sent to, came in"
    )
    assert setting.probes.probes == [setting.test, setting.probes.plain]


def test_silence_beside_an_answered_control_was_kept_out():
    setting = Setting()
    setting.begin()
    assert setting.listen(setting.probes.control, setting.probes.plain)
    outcome = setting.probes.judge()
    assert outcome.let_in is False
    assert "answers from 198.51.100.2:3479 were kept out, while its control came in" in outcome.why
    assert setting.advance()  # and stays so, whatever the odds become later
    assert setting.test.is_stopped
    assert setting.probes.control is not None
    assert setting.probes.control.is_stopped


def test_silence_without_a_control_proves_nothing():  # the fourth test of erratum 7971
    setting = Setting()
    setting.begin()
    assert setting.listen(setting.probes.plain, tries=200)
    assert setting.probes.judge() == Outcome(
        None, "198.51.100.2:3479 could not be shown able to reach us, so its silence proves nothing"
    )


def test_silence_of_a_socket_that_hears_nothing_at_all_proves_nothing():
    setting = Setting()
    setting.begin()
    assert setting.listen(setting.probes.control, tries=200)
    assert setting.probes.judge() == Outcome(
        None,
        "the socket of this test had no answer at all from 198.51.100.1:3478, "
        "so its silence proves nothing",
    )


def test_socket_is_asked_for_plainly_only_where_its_test_is_silent():
    setting = Setting(has_plain=False)
    assert setting.probes.plain is None
    setting.begin()
    setting.listen(tries=1)
    plain = setting.probes.plain
    assert plain is not None
    assert (plain.local, plain.name) == (LOCALS[1], "socket of filtering")
    assert plain.request.attributes == ()
    assert setting.listen(setting.probes.control, plain)
    assert setting.probes.judge().let_in is False


def test_few_silent_tries_may_be_chance():
    setting = Setting()
    setting.begin()
    assert not setting.listen(setting.probes.control, setting.probes.plain, tries=3)
    outcome = setting.probes.judge()
    assert outcome.let_in is None
    assert outcome.why.endswith("tries without an answer may all have been lost")


def test_late_answer_overrides_silence():
    setting = Setting()
    setting.begin()
    assert setting.listen(setting.probes.control, setting.probes.plain)
    setting.answer(setting.test)
    assert setting.probes.judge().let_in is True


@pytest.mark.parametrize("which", ["test", "control"])
def test_answer_from_the_wrong_endpoint_makes_everything_worthless(which: str):
    setting = Setting()
    setting.begin()
    setting.answer(setting.test if which == "test" else setting.probes.control, SERVER)
    if which == "control":
        setting.answer(setting.test)
    assert setting.advance()
    assert setting.probes.judge() == Outcome(
        None,
        "the server answered from 198.51.100.1:3478 instead of 198.51.100.2:3479, "
        "so its silence and its answers prove nothing",
    )


def test_wrong_control_ends_the_test():
    setting = Setting()
    setting.begin()
    setting.answer(setting.probes.control, SERVER)
    assert setting.advance()
    assert setting.probes.judge().let_in is None


def test_refused_test_proves_nothing():
    setting = Setting()
    setting.prober.receive(refusal(setting.test.request), SERVER, LOCALS[1], 0.01)
    assert setting.advance()
    assert setting.probes.judge().why == "the server refuses to answer from elsewhere"


def test_refused_control_proves_nothing():
    setting = Setting()
    setting.begin()
    control = setting.probes.control
    assert control is not None
    setting.prober.receive(refusal(control.request), SERVER, control.local, 0.02)
    assert setting.advance()
    assert setting.probes.judge().let_in is None


def test_other_address_that_is_none_is_not_listened_for():
    setting = Setting()
    setting.probes.aim(SERVER, is_possible=False)
    assert setting.advance()
    assert setting.probes.judge() == Outcome(None, "the server's other address is none")


def test_control_waits_for_the_server_to_be_met():
    setting = Setting()
    assert not setting.probes.advance(setting.controls, None, [setting.first], 0.0)
    assert setting.probes.control is None


def test_control_that_cannot_come_is_not_waited_for():
    setting = Setting()
    setting.prober.unreachable(OTHER, LOCALS[0], "network unreachable")
    assert setting.advance()
    assert setting.probes.judge().let_in is None
