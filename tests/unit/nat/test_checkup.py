from __future__ import annotations

import pytest

from stunkit.endpoint import Endpoint
from stunkit.nat.checkup import HELPERS, Checkup, Health
from stunkit.nat.probe import Probe
from stunkit.wire.attributes.behavior import ResponsePort
from tests.unit.nat.exchange import LOCALS, MAPPED, SERVER, prober, refusal, success

PATIENT = LOCALS[0]
SECOND_ADDRESS = Endpoint.of("203.0.113.2", 5)


class Setting:
    """A mapping made at 0 and seen at 0.02, and its checkup, due at 30."""

    def __init__(self, sockets: int = 4) -> None:
        self.prober = prober()
        self.patient = self.prober.ask("patient", PATIENT, SERVER, 0.0)
        self.now = 0.02
        self.answer(self.patient, MAPPED)
        self.prober.stop(self.patient)
        self.now = 29.0
        self.checkup = Checkup(self.prober, self.patient, 30.0, LOCALS[1 : 1 + sockets], self.now)

    @property
    def helpers(self) -> list[Probe]:
        return self.checkup._helpers

    @property
    def check(self) -> Probe:
        assert self.checkup._check is not None
        return self.checkup._check

    @property
    def control(self) -> Probe:
        assert self.checkup._control is not None
        return self.checkup._control

    def answer(self, probe: Probe, mapped: Endpoint, local: Endpoint | None = None) -> None:
        data = success(probe.request, mapped)
        self.prober.receive(data, SERVER, local or probe.arrival or probe.local, self.now)

    def begin(self) -> None:
        """Start the question and its control."""
        self.now = 29.02
        for number, helper in enumerate(self.helpers):
            self.answer(helper, MAPPED.with_port(100 + number))
        assert self.checkup.advance(self.now) is None
        assert self.checkup._check is None  # not before it is due
        self.now = 30.0
        assert self.checkup.advance(self.now) is None

    def listen(self, mapped: Endpoint | None = MAPPED, times: int = 60) -> Health | None:
        """Let time pass while the control is answered, unless ``mapped`` is None."""
        for _ in range(times):
            self.now += 0.05
            self.prober.tick(self.now)
            if mapped is not None:
                self.answer(self.control, mapped.with_port(100))
            health = self.checkup.advance(self.now)
            if health is not None:
                return health
        return None


def test_two_sockets_ask_at_first_and_one_of_them_asks_for_the_mapping():
    setting = Setting()
    assert [helper.local for helper in setting.helpers] == [LOCALS[1], LOCALS[2]]
    setting.begin()
    check, control = setting.check, setting.control
    assert (check.local, control.local) == (LOCALS[1], LOCALS[1])
    assert check.request.get(ResponsePort) == ResponsePort(40000)
    assert control.request.get(ResponsePort) == ResponsePort(101)
    assert (check.arrival, control.arrival) == (PATIENT, LOCALS[2])
    assert (check.solicited, control.solicited) == (False, True)


def test_answer_at_the_mapping_shows_life_at_an_age_since_its_last_use():
    setting = Setting()
    setting.begin()
    setting.answer(setting.check, MAPPED)
    health = setting.checkup.advance(setting.now)
    assert health is not None
    assert health.is_alive is True
    assert health.age == pytest.approx(30.0 - 0.1)  # patience after the only send
    assert setting.control.is_stopped


def test_answer_at_another_socket_shows_no_life():
    setting = Setting()
    setting.begin()
    setting.answer(setting.check, MAPPED, local=LOCALS[1])
    assert setting.checkup.advance(setting.now) is None


def test_silence_beside_an_answered_control_shows_the_end():
    setting = Setting()
    setting.begin()
    health = setting.listen()
    assert health is not None
    assert health.is_alive is False
    assert health.age == pytest.approx(setting.check.sent_at[-1] + setting.prober.patience)
    assert "while those to a fresh mapping did (by chance: under" in health.why
    assert setting.check.is_stopped


def test_few_silent_tries_show_nothing():
    setting = Setting()
    setting.begin()
    assert setting.listen(times=4) is None


def test_silence_of_the_control_too_shows_nothing():
    setting = Setting()
    setting.begin()
    health = setting.listen(None, times=200)
    assert health is not None
    assert (health.is_alive, health.is_hopeless) == (None, False)
    assert health.why == "the control, a fresh mapping, had no answer either"


def test_public_address_that_changed_meanwhile_shows_nothing():
    setting = Setting()
    setting.begin()
    health = setting.listen(SECOND_ADDRESS)
    assert health is not None
    assert health.is_alive is None
    assert health.why == "the public address of the socket that asked has changed"


@pytest.mark.parametrize("which", ["check", "control"])
@pytest.mark.parametrize(
    ("code", "why"),
    [
        (420, "the server does not know RESPONSE-PORT (420)"),
        (400, "the server refuses RESPONSE-PORT (code 400)"),
    ],
)
def test_refusal_is_hopeless(which: str, code: int, why: str):
    setting = Setting()
    setting.begin()
    probe = setting.check if which == "check" else setting.control
    setting.prober.receive(refusal(probe.request, code), SERVER, probe.local, setting.now)
    assert setting.checkup.advance(setting.now) == Health(None, why, is_hopeless=True)


def test_server_that_ignores_response_port_is_hopeless():
    setting = Setting()
    setting.begin()
    setting.answer(setting.control, MAPPED, local=setting.control.local)
    health = setting.checkup.advance(setting.now)
    why = "the server does not do what RESPONSE-PORT says"
    assert health == Health(None, why, is_hopeless=True)


def test_more_sockets_are_asked_until_two_have_the_public_address():
    setting = Setting(sockets=4)
    setting.now = 29.02
    for mapped in (MAPPED, SECOND_ADDRESS, SECOND_ADDRESS, MAPPED.with_port(1)):
        assert setting.checkup.advance(setting.now) is None
        probe = next(helper for helper in setting.helpers if helper.answer is None)
        setting.answer(probe, mapped)
    assert setting.checkup.advance(30.0) is None
    assert (setting.check.local, setting.control.arrival) == (LOCALS[1], LOCALS[4])


def test_no_two_sockets_with_the_public_address_show_nothing():
    setting = Setting(sockets=3)
    setting.now = 29.02
    for _ in range(2):
        assert setting.checkup.advance(setting.now) is None
        for helper in setting.helpers:
            setting.answer(helper, SECOND_ADDRESS)
    health = setting.checkup.advance(setting.now)
    assert health is not None
    assert (health.is_alive, health.is_hopeless) == (None, False)


def test_no_more_sockets_are_asked_than_the_rate_allows_at_once():
    setting = Setting(sockets=15)
    for _ in range(20):
        setting.now += 0.01
        for helper in setting.helpers:
            setting.answer(helper, SECOND_ADDRESS)
        if setting.checkup.advance(setting.now):
            break
    assert len(setting.helpers) == HELPERS == 10
