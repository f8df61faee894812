"""What ``stunkit whoami`` shows: one sentence, then who said what."""

from __future__ import annotations

from typing import Any

from stunkit.cli.render.text import printable
from stunkit.endpoint import Endpoint, Family
from stunkit.net.whoami import Answer, Whoami

NAMES = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}
HEADINGS = ("server", "transport", "asked from", "seen as", "round trip")


def to_json(result: Whoami) -> str:
    """Return the JSON document of the contract, on one line."""
    import json  # noqa: PLC0415 (--short does without)

    return json.dumps(to_document(result))


def to_document(result: Whoami) -> dict[str, Any]:
    """Return the document as Python values."""
    return {
        "schema": "stunkit/whoami/1",
        "public": {family.value: result.public(family) for family in Family},
        "consensus": result.consensus,
        "answers": [
            {
                "family": answer.family,
                "name": str(answer.name),
                "server": _text(answer.server),
                "transport": answer.transport,
                "local": _text(answer.local),
                "mapped": _text(answer.mapped),
                "rtt_ms": None if answer.rtt is None else round(answer.rtt * 1000, 3),
                "error": None if answer.error is None else printable(str(answer.error)),
            }
            for answer in result.answers
        ],
    }


def short(result: Whoami) -> list[str]:
    """Return the bare addresses, one a family."""
    return [host for family in Family if (host := result.public(family)) is not None]


def sentences(result: Whoami) -> list[str]:
    """Return what follows from the answers, for a person."""
    known = [f"{host} ({NAMES[f]})" for f in Family if (host := result.public(f)) is not None]
    said = []
    if known:
        said.append(f"The world sees you as {' and '.join(known)}.")
    for family in Family:
        seen = result.seen(family)
        if len(seen) > 1:
            votes = ", ".join(f"{host} ({count}x)" for host, count in seen.most_common())
            said.append(
                f"The servers disagree over {NAMES[family]}: {votes}. "
                "Several public addresses, a proxy, or a server that is wrong."
            )
    said += [
        f"{answer.server} sees {answer.mapped.host}, which the internet does not route: it is on "
        "our side of the NAT or behind a proxy of its own, or a gateway rewrites its answer."
        for answer in result.answers
        if answer.mapped is not None and answer.is_proxied
    ]
    if all(answer.mapped is None for answer in result.answers):
        said.append("Nobody said where they see you.")
    return said


def row(answer: Answer) -> tuple[str, ...]:
    """Return one answer as the cells under ``HEADINGS``."""
    name = printable(answer.name.host)
    server = str(answer.server) if answer.server else "-"
    if answer.server is not None and not answer.name.is_address:
        server = f"{name} {server}"
    elif answer.server is None:
        server = name
    if answer.mapped is not None:
        seen = str(answer.mapped)
        if answer.mapped == answer.local:
            seen += " (no NAT)"
    else:
        seen = printable(str(answer.error))
    trip = "-" if answer.rtt is None else f"{answer.rtt * 1000:.1f} ms"
    return server, answer.transport, _text(answer.local) or "-", seen, trip


def _text(endpoint: Endpoint | None) -> str | None:
    return None if endpoint is None else str(endpoint)
