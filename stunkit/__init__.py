"""A STUN server that you run yourself, and a toolkit that tells what your NAT does.

What a Python program needs in order to do what the command line does stands here; the modules
behind the names are imported when a name is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stunkit.behavior import Filtering, Legacy, Mapping
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
        StartError,
        StunkitError,
        TransactionError,
        Unencodable,
        Unreachable,
        Untrusted,
        UsageError,
        WireError,
    )
    from stunkit.nat.report import Evidence, Report
    from stunkit.net.nat import NatResult, discover
    from stunkit.net.query import Asker
    from stunkit.net.resolve import resolve
    from stunkit.net.whoami import Answer, Whoami, whoami
    from stunkit.protocol.respond import Received, Response, respond
    from stunkit.protocol.site import Site
    from stunkit.server.server import Server
    from stunkit.server.settings import Settings
    from stunkit.wire.message import Message
    from stunkit.wire.registry import MessageClass, Method
    from stunkit.wire.uri import Transport, Uri

__version__ = "0.1.0"

_HOMES = {
    "Answer": "stunkit.net.whoami",
    "Asker": "stunkit.net.query",
    "Endpoint": "stunkit.endpoint",
    "Evidence": "stunkit.nat.report",
    "Family": "stunkit.endpoint",
    "Filtering": "stunkit.behavior",
    "HandshakeFailed": "stunkit.errors",
    "InvalidAnswer": "stunkit.errors",
    "Legacy": "stunkit.behavior",
    "Malformed": "stunkit.errors",
    "Mapping": "stunkit.behavior",
    "Message": "stunkit.wire.message",
    "MessageClass": "stunkit.wire.registry",
    "Method": "stunkit.wire.registry",
    "NatResult": "stunkit.net.nat",
    "NoAnswer": "stunkit.errors",
    "NotStun": "stunkit.errors",
    "Received": "stunkit.protocol.respond",
    "Refused": "stunkit.errors",
    "Report": "stunkit.nat.report",
    "ResolutionError": "stunkit.errors",
    "Response": "stunkit.protocol.respond",
    "Server": "stunkit.server.server",
    "Settings": "stunkit.server.settings",
    "SettingsError": "stunkit.errors",
    "Site": "stunkit.protocol.site",
    "StartError": "stunkit.errors",
    "StunkitError": "stunkit.errors",
    "TransactionError": "stunkit.errors",
    "Transport": "stunkit.wire.uri",
    "Unencodable": "stunkit.errors",
    "Unreachable": "stunkit.errors",
    "Untrusted": "stunkit.errors",
    "Uri": "stunkit.wire.uri",
    "UsageError": "stunkit.errors",
    "Whoami": "stunkit.net.whoami",
    "WireError": "stunkit.errors",
    "discover": "stunkit.net.nat",
    "resolve": "stunkit.net.resolve",
    "respond": "stunkit.protocol.respond",
    "whoami": "stunkit.net.whoami",
}

__all__ = [
    "Answer",
    "Asker",
    "Endpoint",
    "Evidence",
    "Family",
    "Filtering",
    "HandshakeFailed",
    "InvalidAnswer",
    "Legacy",
    "Malformed",
    "Mapping",
    "Message",
    "MessageClass",
    "Method",
    "NatResult",
    "NoAnswer",
    "NotStun",
    "Received",
    "Refused",
    "Report",
    "ResolutionError",
    "Response",
    "Server",
    "Settings",
    "SettingsError",
    "Site",
    "StartError",
    "StunkitError",
    "TransactionError",
    "Transport",
    "Unencodable",
    "Unreachable",
    "Untrusted",
    "Uri",
    "UsageError",
    "Whoami",
    "WireError",
    "discover",
    "resolve",
    "respond",
    "whoami",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a module's attribute may be anything)
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'stunkit' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
