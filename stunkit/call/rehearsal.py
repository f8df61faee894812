"""A rehearsal: what one end of a call saw of it, the verdict, and the document of both.

The page and the terminal end write the same document. What a rehearsal is, and what each member
says, is in the manual (`stunkit explain rehearse`).

Rules of this file: correct or unknown. A call that connected is direct or relayed as the selected
pair says (RFC 8445 section 2), and unknown where that is not known for sure. A call that did not is
blocked only if both ends were there until the end, knew all candidates, and the checks of all pairs
failed. Each verdict has the evidence that it rests on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil
from statistics import median
from typing import Any, NamedTuple

from stunkit.call.simulation import Outcome
from stunkit.ice.candidate import CandidateType
from stunkit.ice.scope import Scope, scope_of

SCHEMA = "stunkit/rehearse/1"
LEAST_SAMPLES = 2  # round trips of which a median is told


class Progress(StrEnum):
    """How far a call has come, in its best session."""

    WAITING = "waiting"  # for somebody at the other end
    NEGOTIATING = "negotiating"  # offer and answer
    CHECKING = "checking"
    CONNECTED = "connected"
    FAILED = "failed"  # the checks, all of them
    UNKEYED = "unkeyed"  # a path was found, but DTLS failed on it


class Spot(NamedTuple):
    """A candidate of one end, as far as a report tells it.

    ``relay_protocol`` is how a relayed one reaches its relay, None where that is not known.
    """

    type: str
    protocol: str
    address: str
    port: int
    relay_protocol: str | None = None

    def __str__(self) -> str:
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port} ({self.type})"

    @property
    def is_relayed(self) -> bool:
        """Whether it is an address of a relay."""
        return self.type == CandidateType.RELAYED


class Pair(NamedTuple):
    """The selected pair."""

    local: Spot
    remote: Spot


class Share(NamedTuple):
    """A figure of either direction; None is unknown."""

    sent: float | None = None
    received: float | None = None


UNKNOWN = Share()


class Picture(NamedTuple):
    """What has been seen of the other end's video."""

    frames_decoded: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Figures:
    """How well it went. ``rtts`` and ``jitters`` are in seconds, one a second; loss is a share."""

    rtts: Sequence[float] = ()
    jitters: Sequence[float] = ()
    loss: Share = UNKNOWN
    kbps: Share = UNKNOWN
    video: Picture | None = None
    chat_sent: int = 0
    chat_received: int = 0


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What one end saw.

    ``began`` is when, in ISO 8601; ``seconds`` how long it took. ``local`` and ``remote`` are the
    candidates; ``knows_local`` and ``knows_remote`` say that those are all. ``is_deserted`` says
    that the other end went away before it was decided.
    """

    began: str
    seconds: float
    end: str
    agent: str
    progress: Progress = Progress.WAITING
    connected_after: float | None = None
    pair: Pair | None = None
    local: tuple[Spot, ...] = ()
    remote: tuple[Spot, ...] = ()
    knows_local: bool = False
    knows_remote: bool = False
    is_deserted: bool = False
    figures: Figures = field(default_factory=Figures)
    problems: tuple[str, ...] = ()


class Judgement(NamedTuple):
    """The verdict, and the sentences that it rests on."""

    outcome: Outcome
    reasons: tuple[str, ...]


def judge(seen: Rehearsal) -> Judgement:
    """Say what became of a call."""
    if seen.progress is Progress.CONNECTED:
        return _judge_pair(seen)
    if seen.progress is Progress.FAILED:
        return _judge_failure(seen)
    if seen.progress is Progress.UNKEYED:
        return _unknown("A path was found, but the two ends did not agree on keys over it (DTLS).")
    if seen.is_deserted:
        return _unknown("The other end went away before it was decided.")
    if seen.progress is Progress.WAITING:
        return _unknown("Nobody came to the other end.")
    if seen.progress is Progress.NEGOTIATING:
        return _unknown("The two ends did not finish offer and answer.")
    return _unknown(
        "The checks were still under way when it ended: neither a pair that works nor all failed."
    )


def to_document(seen: Rehearsal, version: str) -> dict[str, Any]:
    """Return the document of a rehearsal; ``version`` is stunkit's."""
    judgement, figures = judge(seen), seen.figures
    jitter = median(figures.jitters) if figures.jitters else None
    ends = [("local", spot) for spot in seen.local] + [("remote", spot) for spot in seen.remote]
    return {
        "schema": SCHEMA,
        "stunkit": version,
        "began": seen.began,
        "seconds": round(seen.seconds, 1),
        "end": seen.end,
        "agent": seen.agent,
        "outcome": judgement.outcome,
        "reasons": list(judgement.reasons),
        "pair": None
        if seen.pair is None
        else {"local": _members(seen.pair.local), "remote": _members(seen.pair.remote)},
        "connected_after": None if seen.connected_after is None else round(seen.connected_after, 3),
        "rtt_ms": _spread(figures.rtts),
        "loss": {"sent": _share(figures.loss.sent), "received": _share(figures.loss.received)},
        "jitter_ms": None if jitter is None else round(jitter * 1e3, 2),
        "kbps": {"sent": _kbps(figures.kbps.sent), "received": _kbps(figures.kbps.received)},
        "video": None if figures.video is None else figures.video._asdict(),
        "chat": {"sent": figures.chat_sent, "received": figures.chat_received},
        "candidates": [{"end": end, **_members(spot)} for end, spot in ends],
        "problems": list(seen.problems),
    }


def _judge_pair(seen: Rehearsal) -> Judgement:
    pair = seen.pair
    if pair is None:
        return _unknown("It connected, but over which pair of candidates is not known here.")
    path = f"It connected over {pair.local} here and {pair.remote} there."
    if pair.local.is_relayed or pair.remote.is_relayed:
        whose = "both ends" if pair.local.is_relayed and pair.remote.is_relayed else (
            "this end" if pair.local.is_relayed else "the other end"
        )  # fmt: skip
        return Judgement(Outcome.RELAY, (path, f"It goes through the relay of {whose}."))
    known = {(spot.address, spot.port) for spot in seen.remote if spot.is_relayed}
    if (pair.remote.address, pair.remote.port) in known:
        return Judgement(Outcome.RELAY, (path, "It goes through the relay of the other end."))
    if pair.remote.type == CandidateType.PEER_REFLEXIVE and not seen.knows_remote:
        # A check from a relay may come before the candidate that says so (RFC 8838 section 11).
        reason = (
            "The other end's address was learned from its checks, and not all of its candidates"
            " are known: it may be that of a relay."
        )
        return Judgement(Outcome.UNKNOWN, (path, reason))
    return Judgement(Outcome.DIRECT, (path, "No relay is between the two."))


def _judge_failure(seen: Rehearsal) -> Judgement:
    """Say whether checks that failed mean that such a call will not work."""
    doubts = []
    if seen.is_deserted:
        doubts.append("The other end went away while it was checked.")
    if not seen.knows_local or not seen.local:
        doubts.append("This end did not find its own candidates.")
    if not seen.knows_remote or not seen.remote:
        doubts.append("The other end never told all of its candidates.")
    if _may_be_neighbours(seen):
        doubts.append(
            "The other end hides its local addresses behind mDNS names, and the two may be in one"
            " network."
        )
    failed = (
        f"The checks failed: {_count(seen.local)} here and {_count(seen.remote)} there, no pair"
        " of which worked."
    )
    if doubts:
        return Judgement(Outcome.UNKNOWN, (failed, *doubts))
    return Judgement(Outcome.BLOCKED, (failed, _explain_failure(seen)))


def _explain_failure(seen: Rehearsal) -> str:
    here, there = (any(s.is_relayed for s in spots) for spots in (seen.local, seen.remote))
    if not here and not there:
        return "Neither end had a relay: a relay (TURN) is needed for this call."
    whose = "both ends" if here and there else "this end" if here else "the other end"
    return f"Not even the relay of {whose} helped: a firewall may block UDP."


def _may_be_neighbours(seen: Rehearsal) -> bool:
    """Whether a local address that was hidden could have worked."""
    if not any(scope_of(spot.address) is Scope.MDNS for spot in seen.remote):
        return False
    ours, theirs = _public(seen.local), _public(seen.remote)
    return not ours or not theirs or bool(ours & theirs)


def _public(spots: Sequence[Spot]) -> set[str]:
    """Return where the world sees an end."""
    return {spot.address for spot in spots if spot.type == CandidateType.SERVER_REFLEXIVE}


def _count(spots: Sequence[Spot]) -> str:
    """Return how many candidates there are, by their types: 2 host, 1 srflx."""
    counts = {kind: sum(spot.type == kind for spot in spots) for kind in CandidateType}
    parts = [f"{number} {kind}" for kind, number in counts.items() if number]
    return " and ".join(", ".join(parts).rsplit(", ", 1)) or "no candidate"


def _unknown(*reasons: str) -> Judgement:
    return Judgement(Outcome.UNKNOWN, reasons)


def _members(spot: Spot) -> dict[str, Any]:
    members = spot._asdict()
    if spot.relay_protocol is None:
        del members["relay_protocol"]
    return members


def _spread(rtts: Sequence[float]) -> dict[str, float] | None:
    """Return median and 95th percentile (the nearest rank) in milliseconds."""
    if len(rtts) < LEAST_SAMPLES:
        return None
    p95 = sorted(rtts)[ceil(0.95 * len(rtts)) - 1]
    return {"median": round(median(rtts) * 1e3, 2), "p95": round(p95 * 1e3, 2)}


def _share(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _kbps(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
