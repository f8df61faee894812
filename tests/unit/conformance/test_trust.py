import pytest

from stunkit.conformance.faults import FAULTS
from stunkit.conformance.trust import Trust, filtering
from stunkit.conformance.verdict import failed, passed, skipped, unknown
from tests.unit.conformance.rehearsal import examine_all, world_of

NAMES = ("other-address", "other-answers", "change-request", "change-refused", "change-nothing")
MISLEADING = {"pretends", "ignores-change", "confuses-change", "dead-other", "same-other"}


def test_an_honest_server_of_two_addresses_is_trusted():
    assert filtering(examine_all(world_of(has_quartet=True))).trust is Trust.TRUSTED


def test_an_honest_server_of_one_address_says_nothing():
    assert filtering(examine_all(world_of())).trust is Trust.NONE


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_exactly_those_mislead_who_lie_about_it(fault):
    if fault.is_stream:
        return  # asked over UDP alone
    trust = filtering(examine_all(world_of(fault))).trust
    assert (trust is Trust.MISLEADING) == (fault.name in MISLEADING)


def test_what_was_not_asked_is_unknown():
    assert filtering({}).trust is Trust.UNKNOWN
    assert filtering({"other-address": passed()}).trust is Trust.UNKNOWN


def test_one_doubt_is_enough():
    verdicts = dict.fromkeys(NAMES, passed()) | {"change-request": unknown("lost")}
    assert filtering(verdicts) == (Trust.UNKNOWN, "change-request: lost")


def test_one_fault_is_enough():
    verdicts = dict.fromkeys(NAMES, skipped("")) | {"change-nothing": failed("ignored")}
    assert filtering(verdicts) == (Trust.MISLEADING, "change-nothing: ignored")
