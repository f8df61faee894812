"""UPnP IGD: what a home router says of its connection to the outside, in XML.

The device's description names its services (UPnP Device Architecture 1.1 section 2.3), a service's
description the actions (section 2.5), and SOAP asks for one (section 3.1). Answers to
WANIPConnection:2 sections 2.5.1, 2.5.7 and 2.5.18, which WANPPPConnection:1 has too.

Rules of this file: only actions that tell; there is no request that makes, changes or ends
anything.
"""

from __future__ import annotations

from enum import StrEnum
from ipaddress import AddressValueError, IPv4Address
from typing import NamedTuple

from stunkit.errors import InvalidAnswer, Malformed
from stunkit.wire.markup import parse

_SERVICE = "urn:schemas-upnp-org:service:"
_CONNECTIONS = (f"{_SERVICE}WANIPConnection:", f"{_SERVICE}WANPPPConnection:")
DOWN = frozenset(  # states of a line whose address is none, or an old one; section 2.3.3
    {"Unconfigured", "Authenticating", "Connecting", "Disconnecting", "Disconnected"}
)
MAKES_MAPPINGS = frozenset({"AddPortMapping", "AddAnyPortMapping"})


class Action(StrEnum):
    """The questions."""

    ADDRESS = "GetExternalIPAddress"
    STATUS = "GetStatusInfo"
    NAT = "GetNATRSIPStatus"


class Service(NamedTuple):
    """A connection to the outside: its type, where it is asked, and where its actions are listed.

    The places are URLs, as the router writes them: mostly relative ones.
    """

    type: str
    control: str
    description: str


class Device(NamedTuple):
    """What a description says: the URL that others are relative to, "" for its own, and services.

    Only connections to the outside count; a router with several lines has several.
    """

    base: str
    services: tuple[Service, ...]


def decode_device(data: bytes) -> Device:
    """Read a device's description. Raises Malformed."""
    root = parse(data)
    services = []
    for one in root.find_all("service"):
        kind, control = one.child_text("serviceType"), one.child_text("controlURL")
        if kind.startswith(_CONNECTIONS) and kind.isprintable() and control:
            services.append(Service(kind, control, one.child_text("SCPDURL")))
    return Device(root.child_text("URLBase"), tuple(services))


def decode_actions(data: bytes) -> frozenset[str]:
    """Read which actions a service has. Raises Malformed."""
    return frozenset(action.child_text("name") for action in parse(data).find_all("action"))


def encode_call(service: Service, action: Action) -> bytes:
    """Return the body of a question, to be sent with ``call_header``."""
    return (
        '<?xml version="1.0"?>\r\n'
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"'
        ' s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>'
        f'<u:{action} xmlns:u="{_escape(service.type)}"></u:{action}>'
        "</s:Body></s:Envelope>\r\n"
    ).encode()


def call_header(service: Service, action: Action) -> str:
    """Return the value of the header SOAPACTION (section 3.2.1)."""
    return f'"{service.type}#{action}"'


def decode_answer(data: bytes, action: Action) -> dict[str, str]:
    """Return what an action says, by name. Raises Malformed; InvalidAnswer with its own reason."""
    root = parse(data)
    for fault in root.find_all("UPnPError"):
        code, reason = fault.child_text("errorCode"), fault.child_text("errorDescription")
        raise InvalidAnswer(f"{action} failed with {code} {reason}".rstrip())
    for answer in root.find_all(f"{action}Response"):
        return {value.name: value.text.strip() for value in answer.children}
    raise Malformed("it answers another question", place="SOAP")


def parse_address(text: str) -> IPv4Address | None:
    """Return the address in an answer, None for none at all."""
    try:
        address = IPv4Address(text)
    except AddressValueError:
        return None
    return address if int(address) else None  # 0.0.0.0 is how routers write "none"


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
