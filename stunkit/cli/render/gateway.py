"""What the home router says of itself, and what follows: for a person, and as JSON."""

from __future__ import annotations

from typing import Any

from stunkit.cli.render.text import printable
from stunkit.nat.gateway import GatewayReport, Reply
from stunkit.nat.layers import Layers, SecondNat

HEADINGS = ("protocol", "answer", "its address", "maps ports")

_SENTENCES = {
    SecondNat.PROVEN: "There is a second NAT behind your router",
    SecondNat.LIKELY: "There is probably a second NAT, which is not your router's",
    SecondNat.NO: "There is no second NAT",
    SecondNat.UNKNOWN: "Whether there is a second NAT is unknown",
}
_OFFERS = {True: "offers to", False: "no", None: "unknown"}


def to_document(report: GatewayReport, layers: Layers) -> dict[str, Any]:
    """Return the part of a JSON document."""
    return {
        "double_nat": layers.second.value,
        "why": printable(layers.why),
        "gateway": None if report.gateway is None else str(report.gateway),
        "next_hop": None if report.next_hop is None else str(report.next_hop),
        "port_mapping": report.maps,
        "protocols": [
            {
                "protocol": reply.protocol.value,
                "answered": reply.is_answered,
                "addresses": [str(address) for address in reply.addresses],
                "port_mapping": reply.maps,
                "why": printable(reply.why),
            }
            for reply in report.replies
        ],
    }


def sentence(layers: Layers) -> str:
    """Return the verdict for a person."""
    return f"{_SENTENCES[layers.second]}: {printable(layers.why)}."


def advice(report: GatewayReport, layers: Layers) -> str:
    """Return what can be done about it, "" where that is nothing."""
    if layers.second in (SecondNat.PROVEN, SecondNat.LIKELY):
        return (
            "A port that your own router forwards ends at the other NAT. What helps: IPv6, or a "
            "public address from your provider; where the other NAT is a router of yours, turn "
            "that into a bridge."
        )
    if report.maps is False:
        return "Your router refuses to map ports; its settings may allow it (UPnP, NAT-PMP, PCP)."
    return ""


def rows(report: GatewayReport) -> list[tuple[str, ...]]:
    """Return the rows of a table, one for each protocol."""
    return [_row(reply) for reply in report.replies]


def _row(reply: Reply) -> tuple[str, ...]:
    if not reply.is_answered:
        return (reply.protocol.value, printable(reply.why), "-", "-")
    address = ", ".join(map(str, reply.addresses)) or ("none" if reply.is_nameless else "not said")
    return (reply.protocol.value, "yes", address, _OFFERS[reply.maps])
