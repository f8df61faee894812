from __future__ import annotations

from stunkit.endpoint import Endpoint
from stunkit.nat.control import Controls
from stunkit.nat.probe import Probe
from stunkit.wire.attributes.behavior import ChangeRequest, ResponsePort
from tests.unit.nat.exchange import LOCALS, MAPPED, OTHER, SERVER, prober, success

CHANGE = ChangeRequest(change_ip=True, change_port=True)
SECOND_ADDRESS = Endpoint.of("203.0.113.2", 40000)
THIRD_ADDRESS = Endpoint.of("203.0.113.3", 40000)


class Setting:
    """A mapping socket that asked A1:P1 and A2:P2, and sockets for scouts."""

    def __init__(self, spare: int = 2) -> None:
        self.prober = prober()
        self.controls = Controls(self.prober, SERVER, list(LOCALS[2 : 2 + spare]))
        self.sender = self.prober.ask("sender", LOCALS[0], SERVER, 0.0)
        self.receiver = self.prober.ask("receiver", LOCALS[0], OTHER, 0.0)

    def answer(self, probe: Probe, mapped: Endpoint) -> None:
        data = success(probe.request, mapped)
        self.prober.receive(data, probe.server, probe.local, 0.01)

    def start(self) -> Probe | None:
        return self.controls.start("control", CHANGE, self.receiver, [self.sender], 0.01)

    @property
    def scouts(self) -> list[Probe]:
        return self.controls._all


def test_control_waits_for_both_mappings():
    setting = Setting()
    assert setting.start() is None
    setting.answer(setting.sender, MAPPED)
    assert setting.start() is None
    assert setting.scouts == []
    assert setting.controls.can_come(setting.receiver, 0.01)


def test_same_mapping_needs_no_response_port():
    setting = Setting()
    setting.answer(setting.sender, MAPPED)
    setting.answer(setting.receiver, MAPPED)
    control = setting.start()
    assert control is not None
    assert control.request.get(ChangeRequest) == CHANGE
    assert control.request.get(ResponsePort) is None
    assert (control.local, control.server, control.expected) == (LOCALS[0], SERVER, OTHER)


def test_other_mapping_of_the_same_address_is_named_by_response_port():
    setting = Setting()
    setting.answer(setting.sender, MAPPED)
    setting.answer(setting.receiver, MAPPED.with_port(1234))
    control = setting.start()
    assert control is not None
    assert control.request.get(ResponsePort) == ResponsePort(1234)


def test_other_public_address_sends_out_scouts_until_two_fit():
    setting = Setting(spare=2)
    setting.answer(setting.sender, MAPPED)
    setting.answer(setting.receiver, SECOND_ADDRESS)
    assert setting.start() is None
    to_server, to_target = setting.scouts
    assert (to_server.server, to_target.server) == (SERVER, OTHER)
    assert to_server.local == to_target.local == LOCALS[3]
    assert setting.start() is None
    assert len(setting.scouts) == 2  # no other one before these have found out
    setting.answer(to_server, SECOND_ADDRESS.with_port(1))
    control = setting.start()  # the scout may ask for an answer to the mapping socket
    assert control is not None
    assert control.local == LOCALS[3]
    assert control.request.get(ResponsePort) == ResponsePort(40000)
    assert setting.controls.probes == [to_server]


def test_scout_may_be_the_one_that_is_answered_to():
    setting = Setting(spare=2)
    setting.answer(setting.sender, MAPPED)
    setting.answer(setting.receiver, SECOND_ADDRESS)
    setting.start()
    to_server, to_target = setting.scouts
    setting.answer(to_server, THIRD_ADDRESS)
    setting.answer(to_target, MAPPED.with_port(99))
    setting.controls.advance(0.01)
    assert to_server.is_stopped
    assert to_target.is_stopped
    control = setting.start()
    assert control is not None
    assert (control.local, control.request.get(ResponsePort)) == (LOCALS[0], ResponsePort(99))


def test_search_ends_with_the_sockets():
    setting = Setting(spare=1)
    setting.answer(setting.sender, MAPPED)
    setting.answer(setting.receiver, SECOND_ADDRESS)
    assert setting.start() is None
    assert setting.controls.can_come(setting.receiver, 0.01)  # the scouts may still find one
    setting.controls.advance(0.01)
    for scout in setting.scouts:
        assert not scout.is_stopped
        setting.answer(scout, THIRD_ADDRESS.with_port(1) if scout.server == SERVER else MAPPED)
    setting.answer(setting.scouts[1], THIRD_ADDRESS)
    assert setting.start() is not None  # the scout's own answer fits the first sender


def test_nothing_can_come_when_no_pair_is_left():
    setting = Setting(spare=0)
    setting.answer(setting.sender, MAPPED)
    setting.answer(setting.receiver, SECOND_ADDRESS)
    assert setting.start() is None
    assert not setting.controls.can_come(setting.receiver, 0.01)


def test_nothing_can_come_when_the_target_does_not_answer():
    setting = Setting()
    setting.prober.unreachable(OTHER, LOCALS[0], "network unreachable")
    assert not setting.controls.can_come(setting.receiver, 0.01)
