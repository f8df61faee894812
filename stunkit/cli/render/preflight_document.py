"""What ``stunkit preflight --json`` prints: the contract's document.

Rules of this file: the contract's fields come first and in its order; whatever else there is to say
stands in ``facts``. Redacted, there is no address in it, and a token is a number.
"""

from __future__ import annotations

from typing import Any

from stunkit.call.forecast import COMMON, USUAL, Forecast
from stunkit.cli.render import candidates, gateway, nat, quality, turn
from stunkit.cli.render.preflight import changes, name_of, reasons, sentence, token_of
from stunkit.cli.render.redaction import redacted
from stunkit.cli.render.text import printable
from stunkit.net.preflight_report import Part, Preflight


def to_json(found: Preflight, foretold: Forecast, *, redacts: bool = False) -> str:
    """Return the document on one line."""
    import json  # noqa: PLC0415 (text does without)

    return json.dumps(to_document(found, foretold, redacts=redacts))


def to_document(found: Preflight, foretold: Forecast, *, redacts: bool = False) -> dict[str, Any]:
    """Return the document as Python values."""
    measured = quality.to_document(found.quality) if found.quality else {}
    first = {name: measured.get(name) for name in ("rtt_ms", "jitter_ms", "loss")}
    lacking = found.problems.get(Part.QUALITY, "")
    document = {
        "schema": "stunkit/preflight/1",
        "verdict": foretold.verdict.outcome,
        "reasons": reasons(found, foretold),
        "peers": {
            **dict.fromkeys(COMMON),
            **{
                name_of(peer, foretold.asked) if redacts else peer.name: verdict.outcome
                for peer, verdict in foretold.peers
            },
        },
        "facts": _facts(found, foretold, redacts=redacts),
        "turn": [turn.item(report) for report in found.relays],
        "quality": {**first, **({"why": printable(lacking)} if lacking else {}), **measured},
    }
    return redacted(document) if redacts else document


def _facts(found: Preflight, foretold: Forecast, *, redacts: bool) -> dict[str, Any]:
    measured = nat.to_document(found.nat) if found.nat else {}
    shelf = None if found.gathered is None else candidates.of_gathering(found.gathered)
    gathered = {} if shelf is None else candidates.to_document(shelf)
    router = None
    if found.gateway is not None and found.layers is not None:
        router = gateway.to_document(found.gateway, found.layers)
    verdict, hardest = foretold.verdict, foretold.hardest
    against = name_of(hardest, foretold.asked) if redacts else hardest.name
    return {
        "sentence": sentence(found, foretold),
        "changes": changes(found, foretold),
        "against": USUAL if foretold.is_usual else against,
        "possible": list(verdict.possible),
        "pair": None if verdict.pair is None else [verdict.pair.ours, verdict.pair.theirs],
        "family": verdict.family,
        "elapsed": round(found.elapsed, 3),
        "token": token_of(found, redacts=redacts),
        "ipv4": measured.get("ipv4"),
        "ipv6": measured.get("ipv6"),
        "servers": measured.get("servers", []),
        "router": router,
        "candidates": gathered.get("candidates", []),
        "findings": gathered.get("findings", []),
        "problems": {part: printable(why) for part, why in found.problems.items()},
    }
