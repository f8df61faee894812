"""The way of a call as boxes and lines: what stands between you and the peer, and what is asked.

Rules of this file: it draws nothing, and what is not known has a box that says so.
"""

from __future__ import annotations

from stunkit.behavior import Filtering, Mapping
from stunkit.call.facts import Access
from stunkit.call.forecast import Forecast
from stunkit.call.simulation import Outcome
from stunkit.cli.render.picture import Box, Line, Plan, lines_of
from stunkit.cli.render.preflight import best_way, name_of, sentence
from stunkit.cli.render.text import printable
from stunkit.cli.render.whoami import NAMES
from stunkit.endpoint import Family
from stunkit.nat.layers import SecondNat
from stunkit.net.preflight_report import Preflight

_LETS_IN = {
    Filtering.ENDPOINT_INDEPENDENT: "lets in anybody",
    Filtering.ADDRESS_DEPENDENT: "knows addresses",
    Filtering.ADDRESS_AND_PORT_DEPENDENT: "knows ports",
    None: "filter unknown",
}
_PORTS = {
    Mapping.ENDPOINT_INDEPENDENT: "one port for all",
    Mapping.ADDRESS_DEPENDENT: "a port per address",
    Mapping.ADDRESS_AND_PORT_DEPENDENT: "a port per peer",
    None: "ports unknown",
}
_PASSED = {"stops": "hinders"}


def plan(found: Preflight, foretold: Forecast) -> Plan:
    """Return what to draw for the call that the verdict is about."""
    family = _family(found, foretold)
    boxes = [_you(found, family), *_ours(found, family)]
    boxes = [box._replace(along=place) for place, box in enumerate(boxes)]
    hub = len(boxes)
    report = found.report(family)
    seen = (
        () if report is None or report.mapped is None else ("you are seen as", report.mapped.host)
    )
    boxes.append(Box("Internet", seen, hub))
    theirs = [
        *_theirs(foretold, family),
        Box("Peer", (name_of(foretold.hardest, foretold.asked),), 0),
    ]
    boxes += [box._replace(along=place) for place, box in enumerate(theirs, hub + 1)]
    chain = range(len(boxes))
    outcome = foretold.verdict.outcome
    if outcome is Outcome.RELAY:  # it gets through, if only so
        boxes = [box._replace(state=_PASSED.get(box.state, box.state)) for box in boxes]
    stop = next((place for place in chain if boxes[place].state == "stops"), None)
    if outcome is Outcome.BLOCKED and stop is None:
        stop = len(boxes) - 2  # the checks do not come in at the peer's
        boxes[stop] = boxes[stop]._replace(state="stops")
    side, relay = _beside(found, hub), None
    lines = []
    for box in side:
        boxes.append(box)
        lines.append(Line(hub, len(boxes) - 1, "thin"))
        relay = len(boxes) - 1 if box.title == "Relay" else relay
    if outcome is Outcome.RELAY and relay is None:
        boxes.append(Box("Relay", ("of the other end",), hub + 0.5, 1, "fine"))
        relay = len(boxes) - 1
    is_cut = outcome is Outcome.BLOCKED or (outcome is Outcome.UNKNOWN and stop is not None)
    lines += lines_of(outcome, list(chain), hub, relay, stop if is_cut else None)
    title = f"The way of a call over {NAMES[family]}"
    return Plan(tuple(boxes), tuple(lines), title, sentence(found, foretold))


def _family(found: Preflight, foretold: Forecast) -> Family:
    """Return the family that a call uses, or that there is."""
    if foretold.verdict.family is not None:
        return foretold.verdict.family
    return Family.IPV4 if found.facts.ipv4 is not None or found.facts.ipv6 is None else Family.IPV6


def _you(found: Preflight, family: Family) -> Box:
    report = found.report(family)
    lines = []
    if report is not None and report.local is not None:
        lines.append(report.local.host)
        lines += [
            printable(one.address.interface.name)
            for one in (found.gathered.candidates if found.gathered else ())
            if one.base.packed == report.local.packed and one.address.interface.name
        ][:1]
    return Box("You", tuple(lines), 0)


def _ours(found: Preflight, family: Family) -> list[Box]:
    boxes = _gate(found.facts.access(family), "Your NAT")
    layers = found.layers if family is Family.IPV4 else None
    if layers is None or not boxes or found.gateway is None:
        return boxes
    if found.gateway.gateway is not None:
        boxes[0] = boxes[0]._replace(lines=(*boxes[0].lines, str(found.gateway.gateway)))
    if layers.second in (SecondNat.PROVEN, SecondNat.LIKELY):
        hop = found.gateway.next_hop
        lines = (str(layers.second), *([] if hop is None else [str(hop)]))
        state = "hinders" if layers.second is SecondNat.PROVEN else "unknown"
        boxes.append(Box("Second NAT", lines, 0, 0, state))
    return boxes


def _theirs(foretold: Forecast, family: Family) -> list[Box]:
    return _gate(foretold.hardest.facts.access(family), "Their NAT")


def _gate(access: Access | None, title: str) -> list[Box]:
    """Return what stands before an end: its NAT, its firewall, or nothing."""
    if access is None:
        return [Box("No address", ("in this family",), 0, 0, "stops")]
    if access.udp is False:
        return [Box("Firewall", ("blocks UDP",), 0, 0, "stops")]
    if access.udp is None or access.nat is None:
        what = "UDP unknown" if access.udp is None else "NAT unknown"
        return [Box(f"{title}?", (what,), 0, 0, "unknown")]
    lets_in = _LETS_IN[access.filtering]
    is_unknown = access.filtering is None
    if not access.nat:
        if access.filtering is Filtering.ENDPOINT_INDEPENDENT:
            return []
        return [Box("Firewall", (lets_in,), 0, 0, "unknown" if is_unknown else "fine")]
    if access.mapping is None or is_unknown:
        return [Box(title, (_PORTS[access.mapping], lets_in), 0, 0, "unknown")]
    is_easy = access.mapping is Mapping.ENDPOINT_INDEPENDENT
    return [Box(title, (_PORTS[access.mapping], lets_in), 0, 0, "fine" if is_easy else "hinders")]


def _beside(found: Preflight, hub: int) -> list[Box]:
    """Return the servers and the relays that were asked."""
    boxes = []
    asked = [] if found.nat is None else [one for one in found.nat.asked if one.server]
    if asked:
        works = [one for one in asked if one.error is None]
        names = dict.fromkeys(printable(one.name.host) for one in (works or asked))
        title = "STUN server" if len(names) == 1 else f"{len(names)} STUN servers"
        boxes.append(Box(title, tuple(names), hub - 0.5, 1))
    if found.relays:
        others = sorted(found.relays, key=lambda one: one.is_usable is False)
        best = best_way(found) or others[0]
        states = {True: "fine", None: "unknown", False: "stops"}
        how = f"{best.transport.upper()}: {best.outcome}"
        lines = (printable(best.uri.host), how)
        boxes.append(Box("Relay", lines, hub + 0.5, 1, states[best.is_usable]))
    return boxes
