"""Reasons: a verdict in sentences, for people who have never heard of filtering.

Rules of this file: it says what was found and decides nothing; "this end" is ours. One plain
sentence each, with the RFC's words where the manual has them.
"""

from __future__ import annotations

from collections.abc import Iterable

from stunkit.behavior import Filtering, Mapping, Pooling
from stunkit.call.assumption import Fact, Setting, Unknown, Whose
from stunkit.call.facts import Access, Facts
from stunkit.call.simulation import Outcome
from stunkit.endpoint import Family

KEEPALIVE = 15  # seconds between keepalives; RFC 8445 section 11

_FAMILIES = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}
_LETS_IN = {
    Filtering.ENDPOINT_INDEPENDENT: "lets in anybody",
    Filtering.ADDRESS_DEPENDENT: "lets in only addresses that it has sent to",
    Filtering.ADDRESS_AND_PORT_DEPENDENT: "lets in only the very ports that it has sent to",
}
_PORTS = {
    Mapping.ENDPOINT_INDEPENDENT: "shows one port to everybody",
    Mapping.ADDRESS_DEPENDENT: "takes another port for each address that it sends to",
    Mapping.ADDRESS_AND_PORT_DEPENDENT: "takes another port for each port that it sends to",
}
_OPEN = {
    Fact.UDP: "whether UDP gets out of {0}",
    Fact.NAT: "whether there is a NAT before {0}",
    Fact.MAPPING: "the mapping of the NAT before {0}",
    Fact.FILTERING: "the filtering before {0}",
    Fact.HAIRPIN: "whether the NAT that both share hairpins",
    Fact.ANSWERS: "which port the NAT before {0} takes for an answer to somebody unasked",
    Fact.PLACE: "whether both ends are in one local network, and which of two NATs does what",
    Fact.TIMING: "who starts first, and by how much",
}
_ADVICE = {
    Fact.UDP: "find out with `stunkit nat` at {0}",
    Fact.NAT: "find out with `stunkit nat` at {0}",
    Fact.MAPPING: "find out with `stunkit nat` at {0}, asking two servers or more",
    Fact.FILTERING: "find out with `stunkit nat` at {0}, asking a server with two addresses",
    Fact.HAIRPIN: "find out with `stunkit nat --hairpin` at either end",
    Fact.PLACE: "see whether both ends have addresses of one local network",
}


def explain(
    family: Family, setting: Setting, possible: frozenset[Outcome], hinges: Iterable[Unknown]
) -> list[str]:
    """Return why the two ends fare so in one family."""
    name = _FAMILIES[family]
    both = ((Whose.OURS, setting.ours), (Whose.THEIRS, setting.theirs))
    sentences = [f"{name}: {_describe(whose, access)}." for whose, access in both]
    if setting.is_shared:
        sentences.append(f"{name}: both ends have the same public address, so they share a NAT.")
    if possible == {Outcome.DIRECT}:
        sentences.append(f"{name}: the checks of the two ends open the way for each other.")
        return sentences
    if len(possible) > 1:
        words = " and on ".join(_words(hinge) for hinge in hinges)
        ends = " or ".join(_ENDINGS[one] for one in Outcome if one in possible)
        return [*sentences, f"{name}: it ends {ends}; that hangs on {words}."]
    if any(access is not None and access.udp is False for _, access in both):
        sentences.append(f"{name}: so no UDP goes from the one to the other.")
    elif None not in {setting.ours, setting.theirs}:
        sentences.append(
            f"{name}: so the checks of one come from a port that the other does not let in."
        )
    if possible == {Outcome.RELAY}:
        sentences.append(f"{name}: a relay carries the call.")
    elif setting.has_our_relay or setting.has_their_relay:
        sentences.append(f"{name}: the relay that there is cannot be reached from the other end.")
    else:
        sentences.append(f"{name}: there is no relay.")
    return sentences


_ENDINGS = {
    Outcome.DIRECT: "with a direct connection",
    Outcome.RELAY: "with a relay",
    Outcome.BLOCKED: "without a connection",
}


def caution(ours: Facts, theirs: Facts, *, is_direct: bool) -> list[str]:
    """Return what may yet go wrong with a call that connects."""
    sentences = []
    for whose, facts in ((Whose.OURS, ours), (Whose.THEIRS, theirs)):
        for family in Family:
            access = facts.access(family)
            if access is None or not is_direct:
                continue
            if access.lifetime is not None and access.lifetime < KEEPALIVE and access.nat:
                sentences.append(
                    f"{_FAMILIES[family]}: an idle mapping before {whose} lives only "
                    f"{access.lifetime} s: keepalives every {KEEPALIVE} s come too late."
                )
            if access.pooling is Pooling.ARBITRARY:
                sentences.append(
                    f"{_FAMILIES[family]}: {whose} shows several public addresses: a call that "
                    "uses two sockets (RTP and RTCP apart) may break."
                )
    if is_direct and any(_hides_where_it_is(one) for one in (ours, theirs)):
        sentences.append(
            "A token without addresses does not tell whether both ends share a NAT: it is taken "
            "that they do not."
        )
    return sentences


def suggest(hinges: Iterable[Unknown]) -> list[str]:
    """Return how to find out what is not known, where that can be found out."""
    sentences = [
        f"To know {_words(hinge)}: {_ADVICE[hinge.fact].format(hinge.whose)}."
        for hinge in hinges
        if hinge.fact in _ADVICE
    ]
    return list(dict.fromkeys(sentences))


def _describe(whose: Whose, access: Access | None) -> str:
    if access is None:
        return f"{whose} has no address of its own"
    if access.udp is False:
        return f"UDP does not get out of {whose}"
    if access.udp is None:
        return f"it is not known whether UDP gets out of {whose}"
    if access.nat is None:
        return f"it is not known whether there is a NAT before {whose}"
    lets_in = _LETS_IN[access.filtering] if access.filtering else ""
    if not access.nat:
        return f"{whose} has no NAT, and {lets_in or 'whom it lets in is not known'}"
    ports = _PORTS[access.mapping] if access.mapping else ""
    if ports and lets_in:
        return f"the NAT before {whose} {ports}, and {lets_in}"
    if ports or lets_in:
        missing = "whom it lets in" if ports else "how it takes ports"
        return f"the NAT before {whose} {ports or lets_in}; {missing} is not known"
    return f"there is a NAT before {whose}, of which no more is known"


def _words(unknown: Unknown) -> str:
    return _OPEN[unknown.fact].format(unknown.whose)


def _hides_where_it_is(facts: Facts) -> bool:
    known = [one for one in (facts.ipv4, facts.ipv6) if one is not None and one.nat]
    return not facts.kind and any(one.public is None for one in known)
