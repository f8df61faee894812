"""A STUN server that you run yourself, and a toolkit that tells what your NAT does.

What a Python program needs in order to do what the command line does stands here; the modules
behind the names are imported when a name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stunkit.behavior import Filtering, Legacy, Mapping
    from stunkit.call.facts import Facts
    from stunkit.call.forecast import Forecast, Peer, forecast
    from stunkit.call.quality import Quality
    from stunkit.call.rehearsal import Rehearsal, judge
    from stunkit.call.simulation import Outcome
    from stunkit.call.token import format_token, parse_token
    from stunkit.call.verdict import Verdict, predict
    from stunkit.call.voice import Voice
    from stunkit.dissect.flow import Flow
    from stunkit.dissect.sighting import Finder
    from stunkit.dissect.tree import Tree
    from stunkit.dissect.verify import Credential
    from stunkit.endpoint import Endpoint, Family
    from stunkit.errors import (
        HandshakeFailed,
        InvalidAnswer,
        Malformed,
        NoAnswer,
        NotStun,
        Refused,
        ResolutionError,
        SettingsError,
        SignalError,
        StartError,
        StunkitError,
        TransactionError,
        Unencodable,
        Unreachable,
        Untrusted,
        UsageError,
        WireError,
    )
    from stunkit.ice.agent import Agent
    from stunkit.ice.candidate import Candidate, CandidateType
    from stunkit.ice.dump import Dump, read_dump
    from stunkit.ice.finding import Finding, Severity
    from stunkit.ice.interface import Interface, InterfaceAddress, InterfaceKind
    from stunkit.ice.lint import lint, lint_candidates
    from stunkit.ice.redact import Redactor
    from stunkit.ice.scope import Scope, scope_of
    from stunkit.nat.gateway import GatewayReport
    from stunkit.nat.layers import Layers, SecondNat, double_nat
    from stunkit.nat.report import Evidence, Report
    from stunkit.net.capture import Capture
    from stunkit.net.check import CheckResult, check
    from stunkit.net.gateway.gateway import ask_gateway
    from stunkit.net.gather import gather
    from stunkit.net.gathered import Gathered, Gleaned, Wanted
    from stunkit.net.host.interfaces import list_addresses
    from stunkit.net.nat import NatResult, discover
    from stunkit.net.preflight import preflight
    from stunkit.net.preflight_report import Preflight
    from stunkit.net.quality import measure
    from stunkit.net.query import Asker
    from stunkit.net.relay.allocation import allocate
    from stunkit.net.relay.connection import Relay
    from stunkit.net.relay.report import RelayOutcome, RelayReport
    from stunkit.net.resolve import resolve
    from stunkit.net.signalling import Signalling, make_room
    from stunkit.net.turn import probe_relays
    from stunkit.net.whoami import Answer, Whoami, whoami
    from stunkit.protocol.respond import Received, Response, respond
    from stunkit.protocol.site import Site
    from stunkit.protocol.turn_credentials import TurnCredentials, turn_rest_credentials
    from stunkit.rehearsal.rehearsing import Rehearsing
    from stunkit.rehearsal.wishes import Wishes
    from stunkit.server.server import Server
    from stunkit.server.settings.tree import Settings
    from stunkit.signal.client import Heard, Over, PeerChanged, Session
    from stunkit.signal.ice_server import IceServer
    from stunkit.signal.link import RoomLink, Website
    from stunkit.signal.message import PeerState, Problem
    from stunkit.wire.message import Message
    from stunkit.wire.registry import MessageClass, Method
    from stunkit.wire.uri import Transport, Uri

__version__ = "0.1.0"

_HOMES = {
    "Agent": "stunkit.ice.agent",
    "Answer": "stunkit.net.whoami",
    "Asker": "stunkit.net.query",
    "Candidate": "stunkit.ice.candidate",
    "CandidateType": "stunkit.ice.candidate",
    "Capture": "stunkit.net.capture",
    "CheckResult": "stunkit.net.check",
    "Credential": "stunkit.dissect.verify",
    "Dump": "stunkit.ice.dump",
    "Endpoint": "stunkit.endpoint",
    "Evidence": "stunkit.nat.report",
    "Facts": "stunkit.call.facts",
    "Family": "stunkit.endpoint",
    "Filtering": "stunkit.behavior",
    "Finder": "stunkit.dissect.sighting",
    "Finding": "stunkit.ice.finding",
    "Flow": "stunkit.dissect.flow",
    "Forecast": "stunkit.call.forecast",
    "GatewayReport": "stunkit.nat.gateway",
    "Gathered": "stunkit.net.gathered",
    "Gleaned": "stunkit.net.gathered",
    "HandshakeFailed": "stunkit.errors",
    "Heard": "stunkit.signal.client",
    "IceServer": "stunkit.signal.ice_server",
    "Interface": "stunkit.ice.interface",
    "InterfaceAddress": "stunkit.ice.interface",
    "InterfaceKind": "stunkit.ice.interface",
    "InvalidAnswer": "stunkit.errors",
    "Layers": "stunkit.nat.layers",
    "Legacy": "stunkit.behavior",
    "Malformed": "stunkit.errors",
    "Mapping": "stunkit.behavior",
    "Message": "stunkit.wire.message",
    "MessageClass": "stunkit.wire.registry",
    "Method": "stunkit.wire.registry",
    "NatResult": "stunkit.net.nat",
    "NoAnswer": "stunkit.errors",
    "NotStun": "stunkit.errors",
    "Outcome": "stunkit.call.simulation",
    "Over": "stunkit.signal.client",
    "Peer": "stunkit.call.forecast",
    "PeerChanged": "stunkit.signal.client",
    "PeerState": "stunkit.signal.message",
    "Preflight": "stunkit.net.preflight_report",
    "Problem": "stunkit.signal.message",
    "Quality": "stunkit.call.quality",
    "Received": "stunkit.protocol.respond",
    "Redactor": "stunkit.ice.redact",
    "Refused": "stunkit.errors",
    "Rehearsal": "stunkit.call.rehearsal",
    "Rehearsing": "stunkit.rehearsal.rehearsing",
    "Relay": "stunkit.net.relay.connection",
    "RelayOutcome": "stunkit.net.relay.report",
    "RelayReport": "stunkit.net.relay.report",
    "Report": "stunkit.nat.report",
    "ResolutionError": "stunkit.errors",
    "Response": "stunkit.protocol.respond",
    "RoomLink": "stunkit.signal.link",
    "Scope": "stunkit.ice.scope",
    "SecondNat": "stunkit.nat.layers",
    "Server": "stunkit.server.server",
    "Session": "stunkit.signal.client",
    "Settings": "stunkit.server.settings.tree",
    "SettingsError": "stunkit.errors",
    "Severity": "stunkit.ice.finding",
    "SignalError": "stunkit.errors",
    "Signalling": "stunkit.net.signalling",
    "Site": "stunkit.protocol.site",
    "StartError": "stunkit.errors",
    "StunkitError": "stunkit.errors",
    "TransactionError": "stunkit.errors",
    "Transport": "stunkit.wire.uri",
    "Tree": "stunkit.dissect.tree",
    "TurnCredentials": "stunkit.protocol.turn_credentials",
    "Unencodable": "stunkit.errors",
    "Unreachable": "stunkit.errors",
    "Untrusted": "stunkit.errors",
    "Uri": "stunkit.wire.uri",
    "UsageError": "stunkit.errors",
    "Verdict": "stunkit.call.verdict",
    "Voice": "stunkit.call.voice",
    "Wanted": "stunkit.net.gathered",
    "Website": "stunkit.signal.link",
    "Whoami": "stunkit.net.whoami",
    "WireError": "stunkit.errors",
    "Wishes": "stunkit.rehearsal.wishes",
    "allocate": "stunkit.net.relay.allocation",
    "ask_gateway": "stunkit.net.gateway.gateway",
    "check": "stunkit.net.check",
    "discover": "stunkit.net.nat",
    "double_nat": "stunkit.nat.layers",
    "forecast": "stunkit.call.forecast",
    "format_token": "stunkit.call.token",
    "gather": "stunkit.net.gather",
    "judge": "stunkit.call.rehearsal",
    "lint": "stunkit.ice.lint",
    "lint_candidates": "stunkit.ice.lint",
    "list_addresses": "stunkit.net.host.interfaces",
    "make_room": "stunkit.net.signalling",
    "measure": "stunkit.net.quality",
    "parse_token": "stunkit.call.token",
    "predict": "stunkit.call.verdict",
    "preflight": "stunkit.net.preflight",
    "probe_relays": "stunkit.net.turn",
    "read_dump": "stunkit.ice.dump",
    "resolve": "stunkit.net.resolve",
    "respond": "stunkit.protocol.respond",
    "scope_of": "stunkit.ice.scope",
    "turn_rest_credentials": "stunkit.protocol.turn_credentials",
    "whoami": "stunkit.net.whoami",
}

__all__ = [
    "Agent",
    "Answer",
    "Asker",
    "Candidate",
    "CandidateType",
    "Capture",
    "CheckResult",
    "Credential",
    "Dump",
    "Endpoint",
    "Evidence",
    "Facts",
    "Family",
    "Filtering",
    "Finder",
    "Finding",
    "Flow",
    "Forecast",
    "GatewayReport",
    "Gathered",
    "Gleaned",
    "HandshakeFailed",
    "Heard",
    "IceServer",
    "Interface",
    "InterfaceAddress",
    "InterfaceKind",
    "InvalidAnswer",
    "Layers",
    "Legacy",
    "Malformed",
    "Mapping",
    "Message",
    "MessageClass",
    "Method",
    "NatResult",
    "NoAnswer",
    "NotStun",
    "Outcome",
    "Over",
    "Peer",
    "PeerChanged",
    "PeerState",
    "Preflight",
    "Problem",
    "Quality",
    "Received",
    "Redactor",
    "Refused",
    "Rehearsal",
    "Rehearsing",
    "Relay",
    "RelayOutcome",
    "RelayReport",
    "Report",
    "ResolutionError",
    "Response",
    "RoomLink",
    "Scope",
    "SecondNat",
    "Server",
    "Session",
    "Settings",
    "SettingsError",
    "Severity",
    "SignalError",
    "Signalling",
    "Site",
    "StartError",
    "StunkitError",
    "TransactionError",
    "Transport",
    "Tree",
    "TurnCredentials",
    "Unencodable",
    "Unreachable",
    "Untrusted",
    "Uri",
    "UsageError",
    "Verdict",
    "Voice",
    "Wanted",
    "Website",
    "Whoami",
    "WireError",
    "Wishes",
    "allocate",
    "ask_gateway",
    "check",
    "discover",
    "double_nat",
    "forecast",
    "format_token",
    "gather",
    "judge",
    "lint",
    "lint_candidates",
    "list_addresses",
    "make_room",
    "measure",
    "parse_token",
    "predict",
    "preflight",
    "probe_relays",
    "read_dump",
    "resolve",
    "respond",
    "scope_of",
    "turn_rest_credentials",
    "whoami",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a module's attribute may be anything)
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'stunkit' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
