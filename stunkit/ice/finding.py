"""Finding: what the lint says of candidates, in one plain sentence that also says what to do.

Rules of this file: a code stands for one fault and never changes its meaning; scripts compare it.
The manual's page on candidates explains each.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stunkit.ice.candidate import Candidate
from stunkit.ice.sdp import Found


class Severity(StrEnum):
    """How bad it is: something fails, something is likely to, or it is good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Code(StrEnum):
    """The faults, by the place where they are looked for."""

    # one candidate
    UNREADABLE = "unreadable-candidate"
    COMPONENT_RANGE = "component-range"
    PRIORITY_RANGE = "priority-range"
    PRIORITY_FORMULA = "priority-formula"
    PORT_ZERO = "port-zero"
    PORT_DISCARD = "port-discard"
    ADDRESS_UNSPECIFIED = "address-unspecified"
    ADDRESS_UNUSABLE = "address-unusable"
    ADDRESS_LOOPBACK = "address-loopback"
    ADDRESS_LINK_LOCAL = "address-link-local"
    ADDRESS_TRANSITION = "address-transition"
    ADDRESS_NAME = "address-name"
    REFLEXIVE_NOT_PUBLIC = "reflexive-not-public"
    RELAY_NOT_PUBLIC = "relay-not-public"
    TRANSPORT_UNKNOWN = "transport-unknown"
    TCPTYPE_MISSING = "tcptype-missing"
    TCPTYPE_UNKNOWN = "tcptype-unknown"
    TCPTYPE_ON_UDP = "tcptype-on-udp"
    RELATED_MISSING = "related-address-missing"
    RELATED_ON_HOST = "related-address-on-host"
    # the candidates of one stream
    DUPLICATE = "duplicate-candidate"
    REDUNDANT = "redundant-candidate"
    FOUNDATION_SHARED = "foundation-shared"
    FOUNDATION_SPLIT = "foundation-split"
    PRIORITY_EQUAL = "priority-equal"
    PRIORITY_ORDER = "priority-order"
    MISSING_REFLEXIVE = "missing-reflexive"
    MISSING_RELAY = "missing-relay"
    UNIQUE_LOCAL_ONLY = "unique-local-only"
    MDNS_HIDDEN = "mdns-hidden"
    HOST_LEAK = "host-address-leak"
    RELATED_LEAK = "related-address-leak"
    # a description
    NO_ICE = "no-ice"
    NO_CANDIDATES = "no-candidates"
    CREDENTIALS_MISSING = "credentials-missing"
    CREDENTIALS_INVALID = "credentials-invalid"
    CREDENTIALS_DIFFER = "credentials-differ"
    UFRAG_STALE = "ufrag-stale"
    DEFAULT_MISMATCH = "default-mismatch"
    RTCP_MISMATCH = "rtcp-mismatch"
    COMPONENT_UNUSED = "component-unused"
    COMPONENT_UNKNOWN = "component-unknown"
    END_MISSING = "end-of-candidates-missing"
    OUTSIDE_MEDIA = "candidate-outside-media"
    BUNDLE_ONLY = "bundle-only-candidates"
    BUNDLE_REPEATED = "bundle-repeated-candidates"
    REJECTED_SECTION = "rejected-section-candidates"
    LITE_NOT_HOST = "lite-not-host"
    LITE_NOT_PUBLIC = "lite-not-public"
    ICE_MISMATCH = "ice-mismatch"


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding; ``candidates`` are those concerned, ``lines`` where else to look."""

    code: Code
    severity: Severity
    text: str
    candidates: tuple[Found, ...] = ()
    lines: tuple[int, ...] = ()


def label(candidate: Candidate) -> str:
    """Name a candidate in a sentence: ``srflx 203.0.113.1:40000/udp``."""
    address = f"[{candidate.address}]" if ":" in candidate.address else candidate.address
    return f"{candidate.type} {address}:{candidate.port}/{candidate.transport}"
