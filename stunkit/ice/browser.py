"""Browser: what a web page gets to see of a candidate.

Answers to RFC 8828 and to what Chromium does. Until a page may use the camera or the microphone,
only the address of the default route is used, and host candidates carry an mDNS name instead of
it; afterwards all addresses are (RFC 8828 section 5.2, modes 1 and 2).
"""

from __future__ import annotations

from enum import StrEnum

from stunkit.ice.candidate import CandidateType
from stunkit.ice.hosts import choose_hosts
from stunkit.ice.interface import InterfaceAddress


class Shown(StrEnum):
    """How a page gets to see a candidate."""

    YES = "yes"
    MDNS = "as mDNS name"
    PERMITTED = "if permitted"  # to use camera or microphone
    NO = "no"


def shown_to_page(kind: CandidateType, address: InterfaceAddress) -> Shown:
    """Return how a page sees a candidate that comes of an address."""
    if choose_hosts([address]).omitted or address.host.startswith("127.") or address.host == "::1":
        return Shown.NO
    if not address.is_default:
        return Shown.PERMITTED
    return Shown.MDNS if kind is CandidateType.HOST else Shown.YES
