"""What a report says of itself."""

import pytest

from stunkit.endpoint import Endpoint
from stunkit.ice.scope import Scope
from stunkit.net.relay.report import (
    DAY,
    Echo,
    RelayOutcome,
    RelayReport,
    Step,
    StepName,
    StepOutcome,
)
from stunkit.net.transport.secure import Shown
from stunkit.wire.uri import Transport, Uri

SERVER = Endpoint.parse("198.51.100.1:3478")


def report(outcome: RelayOutcome = RelayOutcome.WORKS, **more) -> RelayReport:
    return RelayReport(Uri.parse("turn:relay"), Transport.UDP, SERVER, outcome, "why", **more)


@pytest.mark.parametrize("outcome", RelayOutcome)
def test_usable_is_known_only_where_data_was_tried(outcome: RelayOutcome):
    expected = {
        RelayOutcome.WORKS: True,
        RelayOutcome.UNPROVEN: None,
        RelayOutcome.PEER_DENIED: None,
        RelayOutcome.PORTS_UNREACHABLE: None,
    }
    assert report(outcome).is_usable is expected.get(outcome, False)


def test_scope_and_round_trip_are_there_when_they_are_known():
    assert (report().relayed_scope, report().rtt) == (None, None)
    echo = Echo(SERVER, 10, 9, 0.01, 0.02)
    known = report(relayed=Endpoint.parse("10.0.0.1:1"), echo=echo)
    assert (known.relayed_scope, known.rtt) == (Scope.PRIVATE, 0.02)
    assert echo.loss == pytest.approx(0.1)


def test_the_last_step_of_a_name_counts():
    first = Step(StepName.ALLOCATE, StepOutcome.FAILED)
    last = Step(StepName.ALLOCATE, StepOutcome.OK)
    assert report(steps=(first, last)).step(StepName.ALLOCATE) is last
    assert report().step(StepName.ECHO) is None


def test_days_until_the_certificate_expires_are_whole():
    assert report().days_left(0.0) is None
    assert report(tls=Shown("TLSv1.3", "", (), "", None)).days_left(0.0) is None
    shown = Shown("TLSv1.3", "relay", (), "authority", 10 * DAY)
    assert report(tls=shown).days_left(0.5 * DAY) == 9
    assert report(tls=shown).days_left(11 * DAY) == -1
