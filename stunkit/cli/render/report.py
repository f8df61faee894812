"""The report of a preflight, as a sheet.

Rules of this file: whatever came from the network, or from a person, passes ``escape``.
"""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from html import escape

from stunkit import __version__
from stunkit.call.forecast import Forecast
from stunkit.cli.render import candidates, gateway, journey, picture, turn
from stunkit.cli.render.preflight import PEER_HEADINGS, STEP_HEADINGS, View, Way, token_of, view
from stunkit.cli.render.redaction import redacted
from stunkit.cli.render.sheet import REDACTED, Head, bullets, sheet, table, table_head
from stunkit.net.preflight_report import Preflight

VERDICTS = {
    "direct": "Works directly",
    "relay": "Works through a relay",
    "blocked": "Will not work",
    "unknown": "Unknown",
}
_USABLE = {True: "direct", False: "blocked", None: "unknown"}
_LEGEND = (
    "Green is no hindrance, orange makes it harder, red stops it; a dashed frame is "
    "not known for sure."
)


def to_html(
    found: Preflight, foretold: Forecast, *, redacts: bool = False, now: datetime | None = None
) -> str:
    """Return the page; ``now`` is when it was measured."""
    said, plan = view(found, foretold), journey.plan(found, foretold)
    if redacts:
        said, plan = redacted((said._replace(token=token_of(found, redacts=True)), plan))
    when = (datetime.now(UTC) if now is None else now).strftime("%Y-%m-%d %H:%M UTC")
    made = f"stunkit {__version__} on {platform.system()}, {when}; {said.asked}"
    head = Head(
        f"Preflight: {VERDICTS[said.outcome]}",
        said.outcome,
        VERDICTS[said.outcome],
        said.sentence,
        made,
    )
    body = [
        f"<figure>{picture.draw(plan)}",
        f'<figcaption class="legend quiet">{escape(plan.title)}. {_LEGEND}</figcaption></figure>',
        *_body(said),
    ]
    footer = f"<p>Token of this end: <code>{escape(said.token)}</code></p>"
    return sheet(head, body, f"{footer}<p>{escape(REDACTED) if redacts else ''}</p>")


def _body(said: View) -> list[str]:
    parts = ['<div class="columns">']
    parts.append(f"<section><h2>Why</h2>{bullets(said.reasons)}</section>")
    if said.changes:
        parts.append(f"<section><h2>What would help</h2>{bullets(said.changes)}</section>")
    parts += ["</div>", f"<section><h2>Calls</h2>{_friends(said)}</section>"]
    parts += ['<div class="columns">', "<section><h2>Quality</h2>"]
    parts += [f"<p>{escape(said.quality_sentence)}</p>{table((), said.quality)}</section>"]
    if said.facts:
        parts.append(f"<section><h2>Facts</h2>{table(said.facts[0], said.facts[1:])}")
        parts.append(f"{bullets(said.notes)}</section>")
    parts.append("</div>")
    parts.append(f"<section><h2>Relays</h2><p>{escape(said.relays_sentence)}</p>")
    parts += [*map(_way, said.ways), "</section>"]
    parts.append(f"<section><h2>Router</h2><p>{escape(said.router_sentence)}</p>")
    parts.append(f"{table(gateway.HEADINGS, said.router)}</section>")
    parts.append("<section><h2>Candidates</h2>")
    parts.append(table(candidates.HEADINGS, said.candidates))
    findings = [f"{severity}: {text} [{code}]" for severity, text, code in said.findings]
    parts.append(f"{bullets(findings)}</section>")
    if said.evidence:
        parts.append("<section><h2>Evidence</h2><details><summary>")
        parts.append(f"{len(said.evidence)} claims and what they rest on</summary><dl>")
        for item in said.evidence:
            parts.append(f"<dt>{escape(item.claim)}: {escape(item.value)}</dt>")
            parts.append(f"<dd>{escape(item.why)}</dd>")
            if item.probes:
                parts.append(f'<dd class="quiet">{escape(item.probes)}</dd>')
        parts.append("</dl></details></section>")
    return parts


def _friends(said: View) -> str:
    parts = [table_head(PEER_HEADINGS)]
    for friend in said.friends:
        asked = ' class="asked"' if friend.is_asked else ""
        parts.append(
            f'<tr{asked}><th scope="row">{escape(friend.name)}</th>'
            f'<td class="is-{friend.outcome}">{escape(friend.outcome)}</td>'
            f"<td>{escape(friend.who)}</td></tr>"
        )
    return "".join([*parts, "</tbody></table></div>"])


def _way(way: Way) -> str:
    opened = "" if way.is_usable else " open"
    cells = [
        f"<dt>{escape(heading)}</dt><dd>{escape(cell)}</dd>"
        for heading, cell in list(zip(turn.HEADINGS, way.row, strict=True))[3:]
        if cell != "-"
    ]
    return (
        f"<details{opened}><summary>{escape(way.name)}: "
        f'<span class="is-{_USABLE[way.is_usable]}">{escape(way.outcome)}</span></summary>'
        f"<dl>{''.join(cells)}</dl>{table(STEP_HEADINGS, way.steps)}</details>"
    )
