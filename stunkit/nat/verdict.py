"""Verdicts that follow from where servers say that they see us: sightings.

Each returns the value of a claim (None for unknown) and why. Only what is seen is said: two equal
ports may be chance, a gateway may rewrite, a server may be wrong about us.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from stunkit.nat.report import Ports
from stunkit.nat.sighting import Sighting


def judge_nat(sightings: Sequence[Sighting], doubt: str) -> tuple[bool | None, str]:
    """Say whether addresses are translated, from sightings of one socket."""
    pairs = [(one.local, one.mapped) for one in sightings]
    if not pairs:
        return None, doubt or "nobody said where they see us"
    if sightings[0].local.is_wildcard:
        return None, "our own address is not known, so there is nothing to compare with"
    same = [local == mapped for local, mapped in pairs]
    if not any(same):
        return True, f"{pairs[0][0]} is seen as {pairs[0][1]}"
    if not all(same):
        return None, "some servers see our own endpoint, some another"
    if not all(one.is_safe for one in sightings):
        why = f"we are seen as what we are: {pairs[0][0]}"
        return None, f"{why}, but in MAPPED-ADDRESS, which a gateway may rewrite"
    return False, f"we are seen as what we are: {pairs[0][0]}"


def judge_ports(nat: bool | None, ports: Sequence[Ports]) -> tuple[bool | None, str]:  # noqa: FBT001
    """Say whether sockets keep their ports, from the ports of different ones."""
    if nat is False:
        return None, "there is no NAT to assign ports"
    if nat is None:
        return None, "it is not known whether there is a NAT"
    if len(ports) < 2:
        return None, "it takes two sockets to tell"
    same = [one.local == one.mapped for one in ports]
    told = f"{len(ports)} sockets were seen with"
    if all(same):
        return True, f"{told} their own ports"
    if not any(same):
        return False, f"{told} other ports than their own"
    return None, f"{told} their own port or another: {sum(same)} with their own"


def describe_ports(ports: Sequence[Ports]) -> str:
    """Say what was seen of how ports are assigned: parity and steps (RFC 4787 section 4.2).

    ``ports``: of different sockets, in the order in which they were opened.
    """
    if not ports:
        return "no server said through which port it sees us"
    even = sum(one.local % 2 == one.mapped % 2 for one in ports)
    words = [", ".join(f"{one.local} as {one.mapped}" for one in ports)]
    words.append(f"parity kept by {even} of {len(ports)}")
    steps = [str(after.mapped - before.mapped) for before, after in pairwise(ports)]
    if steps:
        words.append(f"from one to the next {', '.join(steps)}")
    return "seen " + "; ".join(words)


def judge_rewriting(sightings: Sequence[Sighting]) -> tuple[bool | None, str]:
    """Compare MAPPED-ADDRESS, which a gateway may rewrite, with XOR-MAPPED-ADDRESS."""
    pairs = [(one.plain, one.mixed) for one in sightings if one.plain and one.mixed]
    if not pairs:
        return None, "no server sent both MAPPED-ADDRESS and XOR-MAPPED-ADDRESS"
    for plain, mixed in pairs:
        if plain != mixed:
            why = f"MAPPED-ADDRESS says {plain}, XOR-MAPPED-ADDRESS {mixed}"
            return True, f"{why}: something on the way rewrites addresses"
    return False, "MAPPED-ADDRESS and XOR-MAPPED-ADDRESS agree"
