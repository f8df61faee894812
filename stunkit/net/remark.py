"""Remarks: what there is to say about a gathering besides its candidates.

Why some did not come, what the NAT makes of one socket, which way leads through a VPN, which
addresses are left out, and what a web page would see. What is wrong with candidates themselves is
the lint's to say.

Rules of this file: one cause is one remark, however many candidates it costs; each is one or two
plain sentences that say what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from stunkit.endpoint import Endpoint
from stunkit.errors import ResolutionError, UsageError
from stunkit.ice.browser import Shown, shown_to_page
from stunkit.ice.candidate import CandidateType
from stunkit.ice.finding import Severity, label
from stunkit.ice.hosts import Omission
from stunkit.ice.interface import InterfaceAddress, InterfaceKind
from stunkit.ice.redundancy import redundancies
from stunkit.nat.sighting import is_inside
from stunkit.net.gathered import Gathered, Gleaned, Miss


class RemarkCode(StrEnum):
    """What a remark is about, for scripts."""

    NO_ADDRESS = "no-address"
    SERVERS_SILENT = "servers-silent"
    SERVER_FAILED = "server-failed"
    SERVER_NOT_ASKED = "server-not-asked"
    INTERFACE_FAILED = "interface-failed"
    RELAY_FAILED = "relay-failed"
    MAPPING_VARIES = "mapping-varies"
    REDUNDANT = "redundant-candidate"
    VPN = "vpn"
    LEFT_OUT = "address-left-out"
    BROWSER_HIDES = "browser-hides"


class Remark(NamedTuple):
    """One remark. It has what a finding of the lint has that is shown."""

    code: str
    severity: Severity
    text: str


_OMISSIONS = {
    Omission.DOWN: "down, or without a carrier",
    Omission.LOOPBACK: "on this machine only",
    Omission.LINK_LOCAL: "for one link only, and no browser offers them",
    Omission.DEPRECATED: "deprecated, which means about to go",
    Omission.OUTDATED: "of a kind that is not used any more (RFC 8445 section 5.1.1.1)",
    Omission.TRACEABLE: "traceable, while a temporary address does as well (RFC 8445 section "
    "5.1.1.1)",
    Omission.EXCESS: "too many",
}


def remarks(gathered: Gathered) -> list[Remark]:
    """Return the remarks, the worst first."""
    found = [
        *_silence(gathered),
        *_failures(gathered),
        *_relay_failures(gathered.misses),
        *_mappings(gathered.candidates),
        *_redundant(gathered.candidates),
        *_vpns(gathered.candidates),
        *_left_out(gathered),
        *_hidden(gathered.candidates),
    ]
    rank = list(Severity).index
    return sorted(found, key=lambda one: rank(one.severity))


def _silence(gathered: Gathered) -> Iterator[Remark]:
    usable = [one for one in gathered.candidates if one.candidate.type is CandidateType.HOST]
    is_alone = all(one.address.interface.kind is InterfaceKind.LOOPBACK for one in usable)
    if is_alone:
        text = (
            "This host has no address that others could reach: no interface is up, or none has an"
            " address. Connect it to a network."
        )
        yield Remark(RemarkCode.NO_ADDRESS, Severity.ERROR, text)
    if gathered.was_answered is False:
        text = (
            "Nobody who was asked answered: UDP is blocked, the servers are down, or there is no"
            " network. Try other servers, and `stunkit nat` to see which it is."
        )
        yield Remark(RemarkCode.SERVERS_SILENT, Severity.ERROR, text)


def _failures(gathered: Gathered) -> Iterator[Remark]:
    """What did not come of sockets and STUN servers, each told of whoever is to blame."""
    heard = [answer for answer in gathered.answers if answer.mapped is not None]
    answered = {str(answer.name) for answer in heard}
    alive = {answer.local.host for answer in heard if answer.local is not None}
    groups: dict[tuple[RemarkCode, str], list[Miss]] = {}
    for miss in gathered.misses:
        if miss.type is not CandidateType.RELAYED and (blamed := _blamed(miss, answered, alive)):
            groups.setdefault(blamed, []).append(miss)
    for (code, who), group in groups.items():
        yield Remark(code, Severity.WARNING, _failure(code, who, group))


def _blamed(miss: Miss, answered: set[str], alive: set[str]) -> tuple[RemarkCode, str] | None:
    """Return who is to blame: the server when it is silent to all, an interface likewise."""
    if isinstance(miss.error, UsageError):
        return RemarkCode.SERVER_NOT_ASKED, str(miss.uri)
    if miss.uri is not None and str(miss.uri) not in answered:
        return RemarkCode.SERVER_FAILED, str(miss.uri)
    if miss.address is None:  # a name without an address in one family, and with one in the other
        return None
    if miss.uri is None or miss.address.endpoint.host not in alive:
        return RemarkCode.INTERFACE_FAILED, _name(miss.address)
    return RemarkCode.SERVER_FAILED, str(miss.uri)


def _failure(code: RemarkCode, who: str, group: list[Miss]) -> str:
    reasons = _listed(list(dict.fromkeys(str(one.error) for one in group)))
    if code is RemarkCode.SERVER_NOT_ASKED:
        return f"{reasons}."
    if code is RemarkCode.INTERFACE_FAILED:
        return (
            f"{who} leads to no server, so calls will not get out there: {reasons}. Mend its route,"
            " or turn it off."
        )
    if all(isinstance(one.error, ResolutionError) for one in group):
        return f"{reasons[0].upper()}{reasons[1:]}. Check the name."
    asked = list(dict.fromkeys(_name(one.address) for one in group if one.address is not None))
    return f"{who} gave {_listed(asked)} no answer to use: {reasons}. Check its address and port."


def _relay_failures(misses: Iterable[Miss]) -> Iterator[Remark]:
    groups: dict[tuple[str, str, str], list[InterfaceAddress]] = {}
    for miss in misses:
        if miss.type is CandidateType.RELAYED and miss.address is not None:
            key = (str(miss.uri), miss.transport.upper(), str(miss.error))
            groups.setdefault(key, []).append(miss.address)
    for (uri, transport, reason), addresses in groups.items():
        names = _listed([_name(address) for address in addresses])
        text = (
            f"{uri} over {transport} gave {names} no relayed address: {reason}. `stunkit preflight`"
            " says which step fails."
        )
        yield Remark(RemarkCode.RELAY_FAILED, Severity.WARNING, text)


def _mappings(candidates: Iterable[Gleaned]) -> Iterator[Remark]:
    """One socket that servers see at several endpoints (RFC 4787 section 4.1)."""
    groups: dict[object, list[Gleaned]] = {}
    for one in candidates:
        if one.candidate.type is CandidateType.SERVER_REFLEXIVE and _shows_a_mapping(one):
            groups.setdefault(one.base, []).append(one)
    for base, group in groups.items():
        if len(group) > 1:
            seen = " and ".join(
                f"{_endpoint(one)} by {one.server}" for one in reversed(group) if one.server
            )
            text = (
                f"The one socket {base} is seen as {seen}: the NAT's mapping is not"
                " endpoint-independent, so peers see yet another port than they were told and many"
                " direct calls fail. `stunkit nat` says more; have a relay."
            )
            yield Remark(RemarkCode.MAPPING_VARIES, Severity.WARNING, text)


def _shows_a_mapping(one: Gleaned) -> bool:
    """Return whether an endpoint is the doing of a NAT of ours, as far as one can tell.

    It is not where the server is on our side of the NAT, or behind a proxy (see ``nat.sighting``).
    """
    server, mapped = one.server, Endpoint.of(one.candidate.address, one.candidate.port)
    if server is None or mapped.packed in {one.base.packed, server.packed}:
        return False
    return is_inside(server) or not is_inside(mapped)


def _redundant(candidates: Iterable[Gleaned]) -> Iterator[Remark]:
    pairs = redundancies([one.candidate for one in candidates])
    for gone, kept in pairs:
        text = (
            f"{label(gone)} is {label(kept)} itself: no NAT is in the way. Agents leave such a"
            " candidate out (RFC 8445 section 5.1.3)."
        )
        yield Remark(RemarkCode.REDUNDANT, Severity.INFO, text)


def _vpns(candidates: Iterable[Gleaned]) -> Iterator[Remark]:
    tunnels: dict[str, list[Gleaned]] = {}
    for one in candidates:
        if one.address.interface.kind is InterfaceKind.VPN:
            tunnels.setdefault(one.address.interface.name, []).append(one)
    for name, group in tunnels.items():
        usual = " and is the usual way out" if any(one.address.is_default for one in group) else ""
        seen = [_endpoint(o) for o in group if o.candidate.type is CandidateType.SERVER_REFLEXIVE]
        text = (
            f"{name} is a VPN{usual}: what goes that way takes the detour of its tunnel"
            + (f" and is seen as {' and '.join(seen)}" if seen else "")
            + ". For the shortest path and the best quality, call without it."
        )
        yield Remark(RemarkCode.VPN, Severity.INFO, text)


def _left_out(gathered: Gathered) -> Iterator[Remark]:
    groups: dict[Omission, list[InterfaceAddress]] = {}
    for address, reason in gathered.omitted:
        if reason is not Omission.LOOPBACK:
            groups.setdefault(reason, []).append(address)
    for reason, addresses in groups.items():
        names = _listed([f"{one.host} of {one.interface.name}" for one in addresses])
        verb = "is" if len(addresses) == 1 else "are"
        text = f"{names} {verb} left out: {_OMISSIONS[reason]}. --all takes what can be taken."
        if reason in (Omission.DOWN, Omission.OUTDATED, Omission.EXCESS):
            text = f"{names} {verb} left out: {_OMISSIONS[reason]}."
        yield Remark(RemarkCode.LEFT_OUT, Severity.INFO, text)


def _hidden(candidates: Iterable[Gleaned]) -> Iterator[Remark]:
    ways: dict[Shown, list[str]] = {}
    for one in candidates:
        shown = shown_to_page(one.candidate.type, one.address)
        ways.setdefault(shown, []).append(label(one.candidate))
    named, later = ways.get(Shown.MDNS, []), ways.get(Shown.PERMITTED, [])
    parts = []
    if named:
        parts.append(f"says an mDNS name instead of the address of {_listed(named)}")
    if later:
        parts.append(f"does not use {_listed(later)}")
    if parts:
        text = (
            "A browser shows less until a page may use the camera or microphone: it"
            f" {' and '.join(parts)} (RFC 8828)."
        )
        yield Remark(RemarkCode.BROWSER_HIDES, Severity.INFO, text)


def _endpoint(one: Gleaned) -> str:
    host, port = one.candidate.address, one.candidate.port
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _name(address: InterfaceAddress) -> str:
    interface = address.interface
    if not interface.name:
        return address.host
    kind = "" if interface.kind is InterfaceKind.UNKNOWN else f"{interface.kind}, "
    return f"{interface.name} ({kind}{address.host})"


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + " and " + names[-1] if len(names) > 1 else "".join(names)
