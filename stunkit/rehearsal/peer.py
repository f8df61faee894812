"""A peer: one RTCPeerConnection on aiortc, for one session of a room.

Perfect negotiation (W3C WebRTC section 10.7) as far as aiortc goes: it cannot take an offer back,
so a polite peer waits for the other's and makes none. It can neither restart ICE: an offer that
does (RFC 8839 section 4.4.1.1.1) is a wish for a new session. Its own candidates go with the
description, all at once (RFC 8838 calls it no trickle); the other end's may come one by one.

Rules of this file: the other end may say anything. Whatever a library makes of that is a problem to
tell, and ends nothing but this peer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

from stunkit.call.rehearsal import Pair, Progress, Spot
from stunkit.ice.candidate import Candidate
from stunkit.ice.sdp import Description, Line, parse_leniently, parse_sdp
from stunkit.rehearsal import insight
from stunkit.rehearsal.media import Sink
from stunkit.rehearsal.servers import Chosen, configuration
from stunkit.signal.client import Heard, Session
from stunkit.signal.message import Kind

if TYPE_CHECKING:
    from aiortc import MediaStreamTrack, RTCDataChannel, RTCIceCandidate, RTCSessionDescription

CHAT = "chat"  # the channel's label; it is negotiated, with id 0
MOST_CANDIDATES = 100  # of the other end; RFC 8445 section 6.1.2.5 has as many pairs
# Seconds of checks of all candidates after which there will be no connection: browsers have given
# up by then. aioice would go on for 63 s.
CHECK_TIMEOUT = 30.0
CLOSE_TIMEOUT = 5.0  # seconds

log = logging.getLogger(__name__)


class Handlers(NamedTuple):
    """Whom a peer tells what."""

    say: Callable[[Kind, dict[str, Any]], None]
    changed: Callable[[], None]
    heard: Callable[[str], None]
    restart: Callable[[], None]


class Peer:
    """One connection. ``begin`` once, ``hear`` one after the other, ``close`` at the end."""

    def __init__(
        self,
        session: Session,
        chosen: Chosen,
        tracks: list[MediaStreamTrack],
        sink: Sink,
        handlers: Handlers,
    ) -> None:
        from aiortc import RTCPeerConnection  # noqa: PLC0415 (slow to import)

        self.session = session
        self.chosen = chosen
        self.pc = RTCPeerConnection(configuration(chosen, offers=not session.polite))
        self.progress = Progress.NEGOTIATING
        self.pair: Pair | None = None
        self.is_broken = False  # it was connected, and is no more
        self.problems: list[str] = []
        self.knows_remote = False
        self._handlers = handlers
        self._checked_since: float | None = None  # with all candidates
        self._has_path = False  # a pair has worked
        self._is_closing = False
        self._ignores = False  # what comes belongs to an offer that was ignored
        self._ignored: list[dict[str, Any]] = []
        self._local: tuple[Spot, ...] = ()
        self._remote: dict[Spot, None] = {}
        self._adding: set[asyncio.Task[None]] = set()
        for track in tracks:  # before the channel: what comes first in the offer has the transport
            self.pc.addTrack(track)
        self._chat: RTCDataChannel = self.pc.createDataChannel(CHAT, negotiated=True, id=0)
        self._chat.on("message", self._on_message)
        self._chat.on("open", handlers.changed)
        self.pc.on("track", sink.add)
        self.pc.on("connectionstatechange", self._on_state)
        self.pc.on("iceconnectionstatechange", self._on_state)

    @property
    def local(self) -> tuple[Spot, ...]:
        """Our candidates, once they are gathered."""
        return self._local

    @property
    def remote(self) -> tuple[Spot, ...]:
        """The other end's candidates, as it told them or as they were found."""
        told = {(spot.address, spot.port) for spot in self._remote}
        found = [one for one in insight.remote_spots(self.pc) if one[2:4] not in told]
        return (*self._remote, *(one for one in found if one.type == "prflx"))

    async def begin(self) -> None:
        """Offer, unless the other end does."""
        if not self.session.polite:
            await self._guarded(self._describe(Kind.OFFER))

    async def hear(self, message: Heard) -> None:
        """Take what the other end says."""
        await self._guarded(self._take(message.kind, message.content))

    @property
    def has_failed(self) -> bool:
        """Whether it did not connect, and will not."""
        return self.progress in (Progress.FAILED, Progress.UNKEYED)

    @property
    def can_chat(self) -> bool:
        """Whether the channel is open."""
        return self._chat.readyState == "open"

    def send(self, text: str) -> None:
        """Send a line of chat; only once ``can_chat``."""
        self._chat.send(text)

    @property
    def unsent(self) -> int:
        """How many bytes of the chat have not left yet."""
        return self._chat.bufferedAmount

    async def statistics(self) -> tuple[list[Any], dict[str, int | None]]:
        """Return what ``getStats`` says, and the clock rates by kind."""
        rates = {one.kind: insight.clock_rate(one) for one in self.pc.getTransceivers()}
        return list((await self.pc.getStats()).values()), rates

    def look(self, now: float) -> None:
        """See which pair is selected by now, or that there will be none."""
        self.pair = insight.selected_pair(self.pc, self.chosen) or self.pair
        if self.progress is Progress.CHECKING and self.knows_remote:
            self._checked_since = now if self._checked_since is None else self._checked_since
            if now - self._checked_since >= CHECK_TIMEOUT:
                self.progress = Progress.UNKEYED if self._has_path else Progress.FAILED
                self._handlers.changed()

    async def close(self) -> None:
        """End it."""
        self._is_closing = True
        for task in self._adding:
            task.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await self._guarded(self.pc.close())

    async def _guarded(self, doing: Any) -> None:  # noqa: ANN401 (any awaitable)
        try:
            await doing
        except asyncio.CancelledError:
            raise
        except Exception as error:
            if not self._is_closing:
                log.debug("a peer's message", exc_info=True)
                words = f"{type(error).__name__}: {error}".rstrip(": ")
                self.problems.append(f"What the other end said could not be used ({words[:200]}).")
                self._handlers.changed()

    async def _take(self, kind: Kind, content: dict[str, Any]) -> None:
        if kind is Kind.OFFER:
            await self._take_offer(content["sdp"])
        elif kind is Kind.ANSWER:
            if self.pc.signalingState == "have-local-offer":
                await self._accept(kind, content["sdp"])
        elif self._ignores:
            if kind is Kind.CANDIDATE and len(self._ignored) < MOST_CANDIDATES:
                self._ignored.append(content["candidate"])
        elif kind is Kind.CANDIDATE:
            self._add(content["candidate"])
        else:
            await self._end_candidates()

    async def _take_offer(self, sdp: str) -> None:
        if self.pc.signalingState != "stable":
            self._ignores = True  # glare, and we are not the polite one
            return
        if _is_restart(self.pc.remoteDescription, sdp):
            self._handlers.restart()
            return
        await self._accept(Kind.OFFER, sdp)
        await self._describe(Kind.ANSWER)

    async def _accept(self, kind: Kind, sdp: str) -> None:
        """Take a description of the other end."""
        from aiortc import RTCSessionDescription  # noqa: PLC0415 (slow to import)

        description = _read(sdp)
        candidates = [found.candidate for found in description.candidates]
        if len(candidates) > MOST_CANDIDATES:
            raise ValueError(f"over {MOST_CANDIDATES} candidates")
        for candidate in candidates:
            self._note(candidate)
        self.knows_remote |= any(one.has("end-of-candidates") for one in description.sections)
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, kind.value))
        self._ignores, ignored = False, self._ignored
        self._ignored = []
        names = _ufrags(sdp)
        for member in ignored:  # those of an offer that was taken back do not count
            if member.get("usernameFragment") in names:
                self._add(member)

    async def _describe(self, kind: Kind) -> None:
        """Say how we can be reached."""
        await self.pc.setLocalDescription()
        self._local = insight.local_spots(self.pc, self.chosen)
        if not self._local:
            self.problems.append("This end has no address that it could be reached at.")
        self._handlers.say(kind, {"sdp": self.pc.localDescription.sdp})
        self._handlers.say(Kind.END_OF_CANDIDATES, {})

    def _add(self, member: dict[str, Any]) -> None:
        """Take one candidate; that of an mDNS name takes a while."""
        if len(self._remote) >= MOST_CANDIDATES or self.pc.remoteDescription is None:
            return
        candidate = parse_leniently(member["candidate"])
        self._note(candidate)
        task = asyncio.ensure_future(
            self._guarded(self.pc.addIceCandidate(_ice(candidate, member)))
        )
        self._adding.add(task)
        task.add_done_callback(self._adding.discard)

    def _note(self, candidate: Candidate) -> None:
        spot = Spot(candidate.type, candidate.transport, candidate.address, candidate.port)
        self._remote[spot] = None

    async def _end_candidates(self) -> None:
        self.knows_remote = True
        if self.pc.remoteDescription is not None:
            await asyncio.sleep(0)  # candidates that came before are begun with
            await self.pc.addIceCandidate(None)

    def _on_state(self) -> None:
        state, ice = self.pc.connectionState, self.pc.iceConnectionState
        self._has_path |= ice == "completed"
        if state == "connected":
            self.progress = Progress.CONNECTED
            self.pair = insight.selected_pair(self.pc, self.chosen)
        elif self.progress is Progress.CONNECTED:
            self.is_broken |= state in ("failed", "closed")
        elif ice == "failed" and not self._has_path:
            self.progress = Progress.FAILED
        elif state == "failed":
            self.progress = Progress.UNKEYED
        elif ice in ("checking", "completed") and not self.has_failed:
            self.progress = Progress.CHECKING
        if not self._is_closing:
            self._handlers.changed()

    def _on_message(self, data: str | bytes) -> None:
        if isinstance(data, str):
            self._handlers.heard(data)


def _read(sdp: str) -> Description:
    return parse_sdp(Line(number, text) for number, text in enumerate(sdp.splitlines(), 1))


def _ufrags(sdp: str) -> set[str]:
    """Return the username fragments of a description (RFC 8839 section 5.4)."""
    return {one.value("ice-ufrag") or "" for one in _read(sdp).sections} - {""}


def _is_restart(before: RTCSessionDescription | None, sdp: str) -> bool:
    """Whether a description begins ICE anew: with other names (RFC 8839 section 4.4.1.1.1)."""
    return before is not None and not _ufrags(before.sdp) & _ufrags(sdp)


def _ice(candidate: Candidate, member: dict[str, Any]) -> RTCIceCandidate:
    from aiortc import RTCIceCandidate  # noqa: PLC0415 (slow to import)

    return RTCIceCandidate(
        component=candidate.component,
        foundation=candidate.foundation,
        ip=candidate.address,
        port=candidate.port,
        priority=candidate.priority,
        protocol=candidate.transport,
        type=candidate.type.value,
        relatedAddress=candidate.related_address,
        relatedPort=candidate.related_port,
        sdpMid=member.get("sdpMid"),
        sdpMLineIndex=member.get("sdpMLineIndex"),
        tcpType=candidate.tcptype,
    )
