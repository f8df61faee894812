"""Each fault is found by the cases that name it, and by no others."""

import pytest

from stunkit.conformance.faults import FAULTS
from stunkit.endpoint import Family
from stunkit.wire.uri import Transport
from tests.unit.conformance.rehearsal import examine_all, ids, world_of


def transports(fault):
    return [Transport.TCP] if fault.is_stream else [Transport.UDP]


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_found_by_its_cases_and_no_others(fault, family):
    (transport,) = transports(fault)
    verdicts = examine_all(world_of(fault, transport=transport, family=family))
    assert ids(verdicts) == set(fault.cases), {n: verdicts[n].why for n in ids(verdicts)}
