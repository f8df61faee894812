"""What aiortc and aioice know and do not tell: the selected pair, the candidates, a clock rate.

Rules of this file: it is the only one that looks at what is private to a library. What is not
there, since a version has it elsewhere, is unknown and never an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stunkit.call.rehearsal import Pair, Spot
from stunkit.rehearsal.servers import Chosen

if TYPE_CHECKING:
    from aiortc import RTCPeerConnection, RTCRtpTransceiver

_ABSENT = (AttributeError, KeyError, IndexError, TypeError, ValueError)


def local_spots(pc: RTCPeerConnection, chosen: Chosen) -> tuple[Spot, ...]:
    """Return our own candidates; none before they are gathered, and none after the end."""
    try:
        found = _ice(pc).iceGatherer.getLocalCandidates()
        return tuple(_ours(_spot(one), chosen) for one in found)
    except _ABSENT:
        return ()


def remote_spots(pc: RTCPeerConnection) -> tuple[Spot, ...]:
    """Return the other end's candidates that are in use."""
    try:
        return tuple(_spot(one) for one in _ice(pc).getRemoteCandidates())
    except _ABSENT:
        return ()


def selected_pair(pc: RTCPeerConnection, chosen: Chosen) -> Pair | None:
    """Return the nominated pair (RFC 8445 section 8.1.1), None where it is not known."""
    try:
        pairs = _ice(pc)._connection._nominated.values()  # noqa: SLF001 (nothing tells it)
        (pair,) = pairs
        local, remote = pair.local_candidate, pair.remote_candidate
        return Pair(_ours(_spot_of(local), chosen), _spot_of(remote))
    except _ABSENT:
        return None


def clock_rate(transceiver: RTCRtpTransceiver) -> int | None:
    """Return the rate in Hz of the RTP timestamps of what is received."""
    try:
        rate = transceiver._codecs[0].clockRate  # noqa: SLF001 (nothing tells it)
    except _ABSENT:
        return None
    return rate if isinstance(rate, int) and rate > 0 else None


def _ice(pc: RTCPeerConnection) -> Any:  # noqa: ANN401 (libraries have changed its types)
    """Return the one ICE transport, which everything is bundled on."""
    return pc.sctp.transport.transport  # type: ignore[union-attr]


def _spot(candidate: Any) -> Spot:  # noqa: ANN401 (see _ice)
    """Return a candidate of aiortc's."""
    return Spot(candidate.type, candidate.protocol.lower(), candidate.ip, candidate.port)


def _spot_of(candidate: Any) -> Spot:  # noqa: ANN401 (see _ice)
    """Return a candidate of aioice's."""
    return Spot(candidate.type, candidate.transport.lower(), candidate.host, candidate.port)


def _ours(spot: Spot, chosen: Chosen) -> Spot:
    if not spot.is_relayed or chosen.relay is None:
        return spot
    return spot._replace(relay_protocol=chosen.relay.uri.carrier.value)
