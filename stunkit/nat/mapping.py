"""From mapped endpoints to the mapping behavior (RFC 4787 section 4.1, RFC 5780 section 4.3).

All were seen from one socket: two sockets have two mappings whatever the NAT does.
"""

from __future__ import annotations

from collections.abc import Mapping as Table
from itertools import combinations

from stunkit.behavior import Mapping
from stunkit.endpoint import Endpoint


def classify_mapping(seen: Table[Endpoint, Endpoint]) -> tuple[Mapping | None, str]:
    """Return the mapping that the mapped endpoints, by server endpoint, prove; and why.

    None where they do not decide, or where they contradict every kind.
    """
    pairs = list(combinations(seen.items(), 2))
    same_address = [a[1] == b[1] for a, b in pairs if a[0].packed == b[0].packed]
    other_address = [a[1] == b[1] for a, b in pairs if a[0].packed != b[0].packed]
    if other_address and all(other_address) and all(same_address):
        count = len(seen)
        return (
            Mapping.ENDPOINT_INDEPENDENT,
            f"{count} server endpoints saw the same mapped endpoint",
        )
    if any(same_address) and not all(same_address):
        return None, "some ports of one server address saw the same mapped endpoint, some another"
    if same_address and not any(same_address):
        if any(other_address):
            return None, "mapped endpoints differ by the server's port, but not always"
        why = "two ports of one server address saw different mapped endpoints"
        return Mapping.ADDRESS_AND_PORT_DEPENDENT, why
    if same_address and other_address and not any(other_address):
        why = "ports of one server address saw the same mapped endpoint, another address another"
        return Mapping.ADDRESS_DEPENDENT, why
    if other_address and not any(other_address):
        why = "it depends on the destination, but no two ports of one address could be compared"
        return None, why
    if len(seen) < 2:
        return None, "only one server endpoint answered, and it takes two to compare"
    return None, "only one server address answered, and it takes two to compare"
