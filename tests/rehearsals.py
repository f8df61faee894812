"""Documents of rehearsals, for tests of what is said of them."""

from __future__ import annotations

from typing import Any

from stunkit.call.rehearsal import (
    Figures,
    Pair,
    Picture,
    Progress,
    Rehearsal,
    Share,
    Spot,
    to_document,
)

EVIL = "</style><script>alert(1)</script>\x1b[31m\u202e"
LOCAL = Spot("relay", "udp", "198.51.100.9", 50_000, "tls")
REMOTE = Spot("srflx", "udp", "2001:db8::2", 6000)
NOTHING = Rehearsal("2026-11-23T07:00:00Z", 60.0, "terminal", "stunkit 0.1.0")
CALL = Rehearsal(
    "2026-11-23T07:00:00Z",
    61.25,
    "terminal",
    "stunkit 0.1.0",
    progress=Progress.CONNECTED,
    connected_after=0.256,
    pair=Pair(LOCAL, REMOTE),
    local=(LOCAL,),
    remote=(REMOTE,),
    knows_local=True,
    knows_remote=True,
    figures=Figures(
        rtts=(0.012, 0.014, 0.034),
        jitters=(0.002,),
        loss=Share(0.0, 0.0123),
        kbps=Share(512.0, 12_345.0),
        video=Picture(915, 640, 480),
        chat_sent=1,
        chat_received=2,
    ),
    problems=(f"The room said {EVIL}.",),
)


def document(seen: Rehearsal = CALL) -> dict[str, Any]:
    return to_document(seen, "0.1.0")
