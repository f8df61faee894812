"""What ``stunkit preflight`` says: one sentence, the reasons, what to change, and what was found.

Rules of this file: a ``View`` is made of text alone, so that it can be redacted as a whole before
it is drawn on a terminal, printed or made into a page. Addresses stand in it and nowhere else.
"""

from __future__ import annotations

from typing import NamedTuple

from stunkit.call.forecast import Forecast, Peer
from stunkit.call.simulation import Outcome
from stunkit.call.token import format_token
from stunkit.cli.render import candidates, gateway, nat, quality, turn
from stunkit.cli.render.redaction import redacted
from stunkit.cli.render.text import printable
from stunkit.cli.render.whoami import NAMES
from stunkit.endpoint import Family
from stunkit.ice.finding import Code
from stunkit.nat.layers import SecondNat
from stunkit.net.preflight_report import Part, Preflight
from stunkit.net.relay.report import RelayReport
from stunkit.net.remark import RemarkCode
from stunkit.wire.uri import Transport

WHOM = {
    "public": "someone who has a public address and no firewall",
    "firewall": "someone behind a firewall without NAT",
    "full-cone": "someone behind a full-cone NAT",
    "restricted": "someone behind a restricted-cone NAT",
    "port-restricted": "someone behind a port-restricted NAT (most home routers)",
    "symmetric": "someone behind a symmetric NAT",
    "udp-blocked": "someone whose network blocks UDP",
    "carrier": "someone behind a carrier's NAT",
    "ipv6-firewall": "someone at home who has IPv6 too",
}
USUAL_WHOM = "someone behind a usual home router"
PEER = "this peer"
PEER_HEADINGS = ("peer", "call", "who that is")
STEP_HEADINGS = ("step", "outcome", "time", "what was seen")
_LACKING = {
    Part.RELAYS: "No relay was tried",
    Part.ROUTER: "Whether there is a second NAT is unknown",
    Part.QUALITY: "How a call would sound is unknown",
}

_SAID_ELSEWHERE = (
    Code.MISSING_RELAY,
    RemarkCode.LEFT_OUT,
    RemarkCode.SERVERS_SILENT,
    RemarkCode.SERVER_FAILED,
)


class Way(NamedTuple):
    """A way to a relay: what it came to, and step by step how."""

    name: str
    outcome: str
    is_usable: bool | None
    row: tuple[str, ...]
    steps: tuple[tuple[str, ...], ...]


class Friend(NamedTuple):
    """A peer's row: its name, what becomes of a call, who that is, whether it was asked about."""

    name: str
    outcome: Outcome
    who: str
    is_asked: bool


class View(NamedTuple):
    """Everything for a person to read, as text."""

    outcome: Outcome
    sentence: str
    reasons: tuple[str, ...]
    changes: tuple[str, ...]
    friends: tuple[Friend, ...]
    facts: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    evidence: tuple[nat.Item, ...]
    router: tuple[tuple[str, ...], ...]
    router_sentence: str
    candidates: tuple[tuple[str, ...], ...]
    findings: tuple[tuple[str, str, str], ...]
    ways: tuple[Way, ...]
    relays_sentence: str
    quality: tuple[tuple[str, str], ...]
    quality_sentence: str
    asked: str
    token: str


def view(found: Preflight, foretold: Forecast, *, redacts: bool = False) -> View:
    """Return what there is to say; redacted, no address stands in it."""
    shelf = None if found.gathered is None else candidates.of_gathering(found.gathered)
    layers = found.layers
    whole = View(
        foretold.verdict.outcome,
        sentence(found, foretold),
        tuple(reasons(found, foretold)),
        tuple(changes(found, foretold)),
        tuple(_friends(foretold)),
        tuple(nat.facts(found.nat)) if found.nat else (),
        tuple(nat.notes(found.nat)) if found.nat else (),
        tuple(nat.items(found.nat)) if found.nat else (),
        tuple(gateway.rows(found.gateway)) if found.gateway else (),
        gateway.sentence(layers) if layers else _problem(found, Part.ROUTER),
        tuple(map(candidates.row, shelf.items)) if shelf else (),
        _findings(shelf),
        tuple(map(_way, found.relays)),
        turn.sentence(found.relays) if found.relays else _problem(found, Part.RELAYS),
        tuple(quality.rows(found.quality)) if found.quality else (),
        quality.sentence(found.quality) if found.quality else _problem(found, Part.QUALITY),
        _asked(found),
        token_of(found, redacts=redacts),
    )
    return redacted(whole) if redacts else whole


def token_of(found: Preflight, *, redacts: bool) -> str:
    """Return our token; redacted, it has no address in it."""
    return format_token(found.facts.without_addresses() if redacts else found.facts)


def _findings(shelf: candidates.Shelf | None) -> tuple[tuple[str, str, str], ...]:
    """Return what there is to say of candidates, but for what other parts say better."""
    notes = [] if shelf is None else candidates.notes(shelf)
    return tuple(note for note in notes if note[2] not in _SAID_ELSEWHERE)


def sentence(found: Preflight, foretold: Forecast) -> str:
    """Return the verdict in one sentence."""
    verdict = foretold.verdict
    call = f"a call with {whom(foretold.hardest, is_usual=foretold.is_usual)}"
    if verdict.outcome is Outcome.DIRECT:
        said = f"{call} connects directly"
    elif verdict.outcome is Outcome.RELAY:
        said = f"{call} works, but only through a relay{_by(found, foretold)}"
    elif verdict.outcome is Outcome.BLOCKED:
        said = f"{call} will not work: {_lacking(found)}"
    elif not found.is_heard:
        said = f"whether {call} works is unknown: nobody answered"
    elif Outcome.BLOCKED in verdict.possible:
        said = f"whether {call} works is unknown"
    else:
        said = f"{call} works, but whether directly or through a relay is unknown"
    if len(foretold.asked) > 1:
        return f"Of {len(foretold.asked)} calls the hardest is this: {said}."
    return f"{said[0].upper()}{said[1:]}."


def whom(peer: Peer, *, is_usual: bool = False) -> str:
    """Return who somebody is, in words."""
    if is_usual:
        return USUAL_WHOM
    return PEER if peer.is_token else WHOM.get(peer.name, f"someone in a network “{peer.name}”")


def best_way(found: Preflight) -> RelayReport | None:
    """Return the way to a relay that a call would take, None where none is known to work."""
    ipv4 = found.facts.ipv4
    order = [Transport.UDP, Transport.TLS, Transport.TCP]
    if ipv4 is not None and ipv4.udp is False:
        order.remove(Transport.UDP)
    usable = [one for one in found.relays if one.is_usable and one.transport in order]
    return min(usable, key=lambda one: order.index(one.transport), default=None)


def _by(found: Preflight, foretold: Forecast) -> str:
    """Return over what the relay is reached, where that is not the usual UDP."""
    way = best_way(found)
    if way is None:
        return " of the other end" if foretold.hardest.is_token else ""
    return "" if way.transport is Transport.UDP else f" over {way.transport.upper()}"


def _lacking(found: Preflight) -> str:
    """Return why there is no relay that would help."""
    if any(one.is_usable for one in found.relays):
        return "the other end cannot reach the relay"
    if found.relays:
        return "there is no direct way, and no relay that works"
    return "there is no direct way, and no relay was named"


def reasons(found: Preflight, foretold: Forecast) -> list[str]:
    """Return why, in sentences."""
    said = list(foretold.verdict.reasons)
    for family in Family:
        report = found.report(family)
        if report is not None and not report.udp:
            word = "blocked" if report.udp is False else "unknown"
            if _is_reached(found, family):
                word = "open to a relay, but not to the servers"
            said.append(f"{NAMES[family]}: UDP is {word}: {nat.why(report, 'udp')}.")
    layers = found.layers
    if layers is not None and layers.second in (SecondNat.PROVEN, SecondNat.LIKELY):
        said.append(gateway.sentence(layers))
    if foretold.verdict.outcome is not Outcome.DIRECT:
        said += [
            printable(f"{one.uri} over {one.transport.upper()}: {one.outcome}: {one.why}.")
            for one in found.relays
        ]
    return list(dict.fromkeys(printable(one) for one in said))


def changes(found: Preflight, foretold: Forecast) -> list[str]:
    """Return what would help, in sentences."""
    said = list(foretold.verdict.changes)
    if found.relays:
        said += turn.remarks(found.relays)
    elif foretold.verdict.outcome is not Outcome.DIRECT:
        said.append("Name the relay that your application uses with --turn, to have it tried.")
    elif lost := [peer.name for peer, one in foretold.peers if one.outcome is Outcome.BLOCKED]:
        said.append(
            f"With some others ({', '.join(lost)}) it takes a relay: name yours with --turn, to "
            "have it tried."
        )
    layers = found.layers
    if found.gateway is not None and layers is not None:
        is_needed = foretold.verdict.outcome is not Outcome.DIRECT
        advice = gateway.advice(found.gateway, layers) if is_needed else ""
        said += [advice] if advice else []
    return list(dict.fromkeys(said))


def _friends(foretold: Forecast) -> list[Friend]:
    return [
        Friend(
            name_of(peer, foretold.asked),
            verdict.outcome,
            whom(peer),
            peer in foretold.asked and not foretold.is_usual,
        )
        for peer, verdict in foretold.peers
    ]


def name_of(peer: Peer, asked: tuple[Peer, ...]) -> str:
    """Return a short name: tokens are numbered as they were given."""
    if not peer.is_token:
        return peer.name
    tokens = [one for one in asked if one.is_token]
    return f"token {tokens.index(peer) + 1}" if len(tokens) > 1 else "token"


def _way(report: RelayReport) -> Way:
    steps = tuple(
        (
            step.name.value,
            step.outcome.value,
            "-" if step.seconds is None else f"{step.seconds * 1000:.1f} ms",
            printable(step.text) or "-",
        )
        for step in report.steps
    )
    row = turn.row(report)
    return Way(f"{row[0]} over {row[1].upper()}", report.outcome, report.is_usable, row, steps)


def _problem(found: Preflight, part: Part) -> str:
    """Return why a part found nothing."""
    why = printable(found.problems.get(part, ""))
    return f"{_LACKING[part]}: {why}." if why else ""


def _asked(found: Preflight) -> str:
    asked = "" if found.nat is None else nat.asked_line(found.nat).rpartition(" in ")[0]
    return f"{asked or 'asked'} in {found.elapsed:.1f} s"


def summary(part: Part, found: Preflight) -> str:  # a line of the live display
    """Return what a part has found, in a few words."""
    if part in found.problems:
        return printable(found.problems[part])
    if part is Part.NAT and found.nat is not None:
        return (
            "; ".join(
                f"{NAMES[family]} {_nat_words(found, family)}"
                for family in Family
                if found.report(family) is not None
            )
            or "no server could be asked"
        )
    if part is Part.CANDIDATES and found.gathered is not None:
        count = len(found.gathered.candidates)
        return "1 way to be reached" if count == 1 else f"{count} ways to be reached"
    if part is Part.RELAYS and found.relays:
        return turn.sentence(found.relays).removesuffix(".")
    if part is Part.ROUTER and found.gateway is not None:
        layers = found.layers
        return f"second NAT: {layers.second}" if layers else "-"
    if part is Part.QUALITY and found.quality is not None:
        voice = found.quality.voice
        return printable(found.quality.why) if voice is None else f"voice {voice.grade}"
    return "-"


def _nat_words(found: Preflight, family: Family) -> str:
    report = found.report(family)
    if report is None or report.udp is None:
        return "unknown"
    if report.udp is False:
        return "unknown" if _is_reached(found, family) else "UDP is blocked"
    if report.legacy is not None:
        return report.legacy.value
    if report.mapping is None:
        return "mapping unknown"
    return f"{report.mapping} mapping, {report.filtering or 'unknown'} filtering"


def _is_reached(found: Preflight, family: Family) -> bool:
    """Return whether UDP gets out, be it to a relay alone."""
    access = found.facts.access(family)
    return access is not None and access.udp is True
