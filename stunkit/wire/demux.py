"""Telling protocols apart that share a port, by the first byte (RFC 7983, RFC 9443)."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a datagram may be."""

    STUN = "stun"
    ZRTP = "zrtp"
    DTLS = "dtls"
    TURN_CHANNEL = "turn-channel"
    RTP = "rtp"  # or RTCP
    QUIC = "quic"
    UNKNOWN = "unknown"


# (last byte of the range, what it is); RFC 9443 section 2, which adds QUIC to RFC 7983
_RANGES = (
    (3, Kind.STUN),
    (15, Kind.UNKNOWN),
    (19, Kind.ZRTP),
    (63, Kind.DTLS),
    (79, Kind.TURN_CHANNEL),
    (127, Kind.QUIC),
    (191, Kind.RTP),
    (255, Kind.QUIC),
)
_BY_FIRST_BYTE = tuple(next(kind for last, kind in _RANGES if byte <= last) for byte in range(256))


def demultiplex(data: bytes) -> Kind:
    """Return what a datagram may be, from its first byte; an empty one is unknown."""
    return _BY_FIRST_BYTE[data[0]] if data else Kind.UNKNOWN
