from __future__ import annotations

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import UsageError
from stunkit.ice.candidate import Candidate
from stunkit.ice.pair import Local, Pair, Remote, can_pair, pair_priority


def candidate(address: str, port: int = 5000, *, transport: str = "udp", component: int = 1):
    return Candidate.parse(f"candidate:1 {component} {transport} 100 {address} {port} typ host")


def test_local_candidate_is_its_own_base_unless_it_is_said():
    own = Local.of(candidate("10.0.0.2"))
    assert own.base == own.endpoint == Endpoint.of("10.0.0.2", 5000)
    base = Endpoint.of("10.0.0.2", 6000)
    assert Local.of(candidate("192.0.2.1"), base).base == base


def test_name_is_no_endpoint():
    with pytest.raises(UsageError):
        Remote.of(candidate("host.local"))


def test_priority_is_that_of_both_ends():
    # RFC 8445 section 6.1.2.3: 2^32*MIN(G,D) + 2*MAX(G,D) + (G>D?1:0)
    assert pair_priority(7, 3, is_controlling=True) == (3 << 32) + 14 + 1
    assert pair_priority(3, 7, is_controlling=False) == (3 << 32) + 14 + 1
    assert pair_priority(7, 3, is_controlling=False) == (3 << 32) + 14
    assert pair_priority(3, 7, is_controlling=True) == (3 << 32) + 14


@pytest.mark.parametrize(
    ("ours", "theirs", "fits"),
    [
        (candidate("10.0.0.2"), candidate("192.0.2.1"), True),
        (candidate("10.0.0.2"), candidate("2001:db8::1"), False),
        (candidate("fe80::1"), candidate("fe80::2"), True),
        (candidate("fe80::1"), candidate("2001:db8::1"), False),
        (candidate("febf::1"), candidate("fec0::1"), False),
        (candidate("10.0.0.2", component=2), candidate("192.0.2.1"), False),
        (candidate("10.0.0.2", transport="tcp"), candidate("192.0.2.1"), False),
    ],
)
def test_candidates_pair_within_family_component_transport_and_link(ours, theirs, fits):
    assert can_pair(Local.of(ours), Remote.of(theirs)) is fits


def test_pair_is_told_by_types_and_endpoints():
    pair = Pair(Local.of(candidate("10.0.0.2")), Remote.of(candidate("192.0.2.1")), 1)
    assert str(pair) == "host 10.0.0.2:5000 to host 192.0.2.1:5000"
    assert pair.foundation == ("1", "1")
