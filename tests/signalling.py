"""Peers for tests of signalling: what a browser's connection does, as far as signalling sees it.

``Negotiator`` is a model of RTCPeerConnection with W3C's perfect negotiation (WebRTC section 10.7)
around it; a peer is one of these, and a client of the protocol as the manual describes it.
"""

from __future__ import annotations

import json
from collections import deque
from itertools import count
from typing import Any

from stunkit.signal.message import Join, format_join

SDP = "v=0\r\no=- {} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-options:trickle\r\n"
CANDIDATE = "candidate:{} 1 udp 2130706431 10.0.0.{} 5000 typ host generation 0"


def sdp_of(number: int) -> str:
    """Return a description that is told from others by a number."""
    return SDP.format(number)


def candidate_of(number: int) -> dict[str, Any]:
    """Return an RTCIceCandidateInit that is told from others by a number."""
    text = CANDIDATE.format(number, number % 250 + 1)
    return {"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": None}


class Negotiator:
    """One RTCPeerConnection. What it wants said is in ``says``."""

    numbers = count(1)

    def __init__(self, *, polite: bool) -> None:
        self.polite = polite
        self.state = "stable"
        self.wants = False
        self.ignores = False
        self.local: str | None = None
        self.remote: str | None = None
        self.current: tuple[str, str] | None = None  # offer and answer
        self.candidates: list[str] = []
        self.says: list[dict[str, Any]] = []

    def need(self) -> None:
        """Something has changed that is to be negotiated."""
        self.wants = True
        self._offer()

    def find(self) -> None:
        """A candidate was found."""
        self.says.append({"type": "candidate", "candidate": candidate_of(next(self.numbers))})

    def _offer(self) -> None:
        if self.state == "stable" and self.wants:
            self.wants = False
            self.local = sdp_of(next(self.numbers))
            self.state = "have-local-offer"
            self.says.append({"type": "offer", "sdp": self.local})

    def hear(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "offer":
            collides = self.state == "have-local-offer"
            self.ignores = collides and not self.polite
            if self.ignores:
                return
            self.wants |= collides  # it rolls back, and has to offer again
            self.remote, self.local = message["sdp"], sdp_of(next(self.numbers))
            self.current = (self.remote, self.local)
            self.state = "stable"
            self.says.append({"type": "answer", "sdp": self.local})
            self._offer()
        elif kind == "answer":
            assert self.state == "have-local-offer", "an answer to nothing"
            assert self.local is not None
            self.current = (self.local, message["sdp"])
            self.state = "stable"
            self._offer()
        elif kind == "candidate" and not self.ignores:
            self.candidates.append(message["candidate"]["candidate"])


class Peer:
    """A client of the protocol. It says texts into ``up`` and is to ``hear`` what comes down."""

    def __init__(self, room: str = "room") -> None:
        self.room = room
        self.token = (
            f"{next(Negotiator.numbers):022}"  # its own, so that no seat of its is ever lost
        )
        self.session: int | None = None
        self.received = 0
        self.sent: list[str] = []
        self.negotiator: Negotiator | None = None
        self.up: deque[str] = deque()
        self.errors: list[str] = []
        self.is_over = False

    def connect(self, *, anew: bool = False) -> None:
        """Begin a connection: what was on its way is gone. ``anew``: the page was loaded again."""
        self.up.clear()
        session = None if anew else self.session
        if anew:
            self.negotiator, self.session = None, None
        self.up.append(format_join(Join(self.room, self.token, session, self.received)))

    def act(self, what: str) -> None:
        """Have the negotiator do something, and say what comes of it."""
        if self.negotiator is not None:
            getattr(self.negotiator, what)()
            self._speak()

    def hear(self, text: str) -> None:
        message = json.loads(text)
        kind = message["type"]
        if kind == "joined":
            self.token, self.polite = message["token"], message["polite"]
            if message["resumed"]:
                self.up.extend(self.sent[message["received"] :])
            else:
                self._begin(message["session"], with_peer=message["peer"])
        elif kind == "peer":
            if message["state"] == "joined":
                self._begin(message["session"], with_peer=True)
            elif message["state"] == "left":
                self.negotiator = None
        elif kind == "error":
            self.errors.append(message["code"])
            self.is_over |= message["final"]
        else:
            assert message["session"] == self.session, "of another session"
            assert message["seq"] == self.received + 1, "lost, twice or out of order"
            self.received += 1
            assert self.negotiator is not None, "nobody is there to say it"
            self.negotiator.hear(message)
            self._speak()

    def _begin(self, session: int, *, with_peer: bool) -> None:
        self.session, self.received, self.sent = session, 0, []
        self.negotiator = Negotiator(polite=self.polite) if with_peer else None
        if self.negotiator is not None:
            self.act("need")

    def _speak(self) -> None:
        assert self.negotiator is not None
        for content in self.negotiator.says:
            seq = len(self.sent) + 1
            text = json.dumps({**content, "session": self.session, "seq": seq})
            self.sent.append(text)
            self.up.append(text)
        self.negotiator.says.clear()
