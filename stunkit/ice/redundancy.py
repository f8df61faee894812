"""Redundancy: candidates that add nothing to others.

Answers to RFC 8445 section 5.1.3: a candidate is redundant when its address, port and base are
those of another one with a higher priority. Without a NAT, the server-reflexive candidate is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from stunkit.ice.candidate import Candidate, CandidateType, parse_ip


class Base(NamedTuple):
    """Where an agent sends from for a candidate (RFC 8445 section 4)."""

    address: str
    port: int


class Redundancy(NamedTuple):
    """A candidate that may go, and the one that makes it so."""

    candidate: Candidate
    kept: Candidate


def base_of(candidate: Candidate) -> Base | None:
    """Return the base of a candidate, or None where its line hides it or leaves it out.

    A reflexive candidate's base is its related address; host and relayed candidates are their
    own (RFC 8445 section 5.1.1). Hidden is 0.0.0.0 or :: (RFC 8839 section 5.1).
    """
    if candidate.type in (CandidateType.HOST, CandidateType.RELAYED):
        return Base(normal(candidate.address), candidate.port)
    if candidate.related_address is None or candidate.related_port is None:
        return None
    related = parse_ip(candidate.related_address)
    if related is not None and related.is_unspecified:
        return None
    return Base(normal(candidate.related_address), candidate.related_port)


def normal(address: str) -> str:
    """Return one spelling for all spellings of an address or a name."""
    ip = parse_ip(address)
    return address.lower() if ip is None else str(ip)


def redundancies(candidates: Sequence[Candidate]) -> list[Redundancy]:
    """Return the candidates of one stream that another makes redundant, the better one kept."""
    return [Redundancy(candidates[gone], candidates[kept]) for gone, kept in _indices(candidates)]


def without_redundant(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return the candidates of one stream without the redundant ones, in their order."""
    gone = {index for index, _ in _indices(candidates)}
    return [candidate for index, candidate in enumerate(candidates) if index not in gone]


def _indices(candidates: Sequence[Candidate]) -> Iterator[tuple[int, int]]:
    """Yield the place of each redundant candidate, and of the one to keep."""
    best: dict[tuple[object, ...], int] = {}
    for index in sorted(range(len(candidates)), key=lambda one: -candidates[one].priority):
        candidate = candidates[index]
        base = base_of(candidate)
        if base is None:
            continue
        transport = (candidate.component, candidate.transport, candidate.tcptype)
        key = (*transport, normal(candidate.address), candidate.port, base)
        kept = best.setdefault(key, index)
        if kept != index:
            yield index, kept
