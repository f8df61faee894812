"""The matrix: what becomes of a call between every two combinations of mapping and filtering.

Nothing in it is written down: it is computed by ``predict``, and the manual's page and picture are
made of it (``scripts/matrix``).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from typing import NamedTuple

from stunkit.behavior import Behavior, Filtering, Mapping
from stunkit.call.assumption import Whose
from stunkit.call.facts import Access, Facts, Relay, RelayTransport
from stunkit.call.simulation import Outcome
from stunkit.call.verdict import predict

_MAPPINGS = dict(zip(Mapping, ("EIM", "ADM", "APDM"), strict=True))
_FILTERINGS = dict(zip(Filtering, ("EIF", "ADF", "APDF"), strict=True))
_PUBLIC = bytes((203, 0, 113, 1))  # any will do, if both ends have the same
_RELAYS = frozenset({Relay(RelayTransport.TLS)})


class Row(NamedTuple):
    """One end: a short name, and what it is."""

    name: str
    behavior: Behavior


ROWS = (
    Row("public", Behavior(nat=False, filtering=Filtering.ENDPOINT_INDEPENDENT)),
    Row("firewall", Behavior(nat=False)),
    *(
        Row(f"{short} {letters}", Behavior(mapping=mapping, filtering=filtering))
        for (mapping, short), (filtering, letters) in product(
            _MAPPINGS.items(), _FILTERINGS.items()
        )
    ),
    Row("no UDP", Behavior(blocks_udp=True)),
)
NATS = tuple(row for row in ROWS if row.behavior.nat and not row.behavior.blocks_udp)


class Cell(NamedTuple):
    """What becomes of one call. ``relay``: whose is enough where one is needed, None for either."""

    outcome: Outcome
    relay: Whose | None = None


def cell(ours: Row, theirs: Row) -> Cell:
    """Compute one cell."""
    both = tuple(Facts(ipv4=_access(row.behavior)) for row in (ours, theirs))
    outcome = predict(*both, suggests_changes=False).outcome
    if outcome is not Outcome.BLOCKED:
        return Cell(outcome)
    enough = [
        predict(
            _with_relay(both[0], helps=whose is Whose.OURS),
            _with_relay(both[1], helps=whose is Whose.THEIRS),
            suggests_changes=False,
        ).outcome
        is Outcome.RELAY
        for whose in (Whose.OURS, Whose.THEIRS)
    ]
    if all(enough):
        return Cell(Outcome.RELAY)
    return Cell(
        Outcome.RELAY,
        Whose.OURS if enough[0] else Whose.THEIRS if enough[1] else Whose.BOTH,
    )


def matrix(rows: Iterable[Row] = ROWS) -> dict[tuple[str, str], Cell]:
    """Compute every cell, by the names of its row and its column."""
    known = tuple(rows)
    return {(one.name, other.name): cell(one, other) for one, other in product(known, repeat=2)}


def shared(row: Row, *, hairpin: bool) -> Outcome:
    """Compute what becomes of a call without relay between two ends that share a public address.

    It is not known whether they are in one local network, nor whether a carrier's NAT is shared.
    """
    access = replace(_access(row.behavior), hairpin=hairpin, public=_PUBLIC)
    facts = Facts(ipv4=access)
    return predict(facts, facts, suggests_changes=False).outcome


def _with_relay(facts: Facts, *, helps: bool) -> Facts:
    return replace(facts, relays=_RELAYS) if helps else facts


def _access(behavior: Behavior) -> Access:
    """Return what mapping and filtering tell: not by which mapping strangers are answered."""
    return replace(Access.of_behavior(behavior), answers_through=None)
