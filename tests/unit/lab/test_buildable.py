from __future__ import annotations

import pytest

from stunkit.endpoint import Family
from stunkit.kinds import KINDS, find_kind
from stunkit.lab.plan import plan_side
from stunkit.lab.ruleset import check


@pytest.mark.parametrize("name", KINDS)
def test_kind_can_be_built_in_both_families(name: str):
    kind = find_kind(name).varied(ipv6=True)
    for family in Family:
        plan_side(0, kind.layers(family), family)
        for layer in kind.layers(family):
            check(layer)
