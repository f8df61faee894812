from __future__ import annotations

from typing import Any

import pytest

from stunkit.behavior import Filtering, Legacy, Mapping
from stunkit.nat.report import Evidence, Lifetime, Ports, Report

EI, AD, APD = Mapping
FREE, BY_ADDRESS, BY_PORT = Filtering


def report(**values: Any) -> Report:
    blank = dict.fromkeys(name for name in Report._fields if name not in Report._field_defaults)
    return Report(**{**blank, "evidence": (), **values})


@pytest.mark.parametrize(
    ("values", "legacy"),
    [
        ({"nat": True, "mapping": EI, "filtering": FREE}, Legacy.FULL_CONE),
        ({"nat": True, "mapping": EI, "filtering": BY_PORT}, Legacy.PORT_RESTRICTED_CONE),
        ({"nat": True, "mapping": APD, "filtering": BY_PORT}, Legacy.SYMMETRIC),
        ({"nat": True, "mapping": APD, "filtering": FREE}, None),
        ({"nat": False, "mapping": EI, "filtering": FREE}, Legacy.OPEN_INTERNET),
        ({"nat": False, "mapping": EI, "filtering": BY_PORT}, Legacy.SYMMETRIC_UDP_FIREWALL),
        ({"nat": False, "mapping": EI, "filtering": BY_ADDRESS}, None),
        ({"nat": None, "mapping": EI, "filtering": FREE}, None),
        ({"nat": True, "mapping": None, "filtering": FREE}, None),
        ({"nat": True, "mapping": EI, "filtering": None}, None),
        ({"udp": False}, Legacy.UDP_BLOCKED),
        ({}, None),
    ],
)
def test_legacy_name_is_given_where_everything_that_it_says_is_known(
    values: dict[str, Any], legacy: Legacy | None
):
    assert report(**values).legacy == legacy


def test_what_is_not_said_is_unknown():
    blank = report()
    assert (blank.lifetime, blank.fragments, blank.public_addresses, blank.ports) == (
        None,
        None,
        (),
        (),
    )


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("hairpin", True),
        ("udp", False),
        ("lifetime", Lifetime(30.0, None)),
        ("ports", (Ports(1, 2),)),
    ],
)
def test_evidence_replaces_the_claim_and_what_was_said_of_it(claim: str, value: Any):
    old, other = Evidence(claim, None, "not asked for"), Evidence("nat", value=True, why="seen")
    new = Evidence(claim, value, "seen", ("probe",))
    changed = report(nat=True, evidence=(old, other)).with_evidence(new)
    assert getattr(changed, claim) == value
    assert changed.nat is True
    assert changed.evidence == (other, new)
