"""The report of a preflight: one page that needs nothing else, to attach to a ticket or to print.

Rules of this file: whatever came from the network, or from a person, passes ``escape``. The page
has no script and loads nothing: its policy allows the one style that it has, by its digest.
"""

from __future__ import annotations

import platform
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from importlib.resources import files

from stunkit import __version__
from stunkit.call.forecast import Forecast
from stunkit.cli.render import candidates, gateway, journey, picture, turn
from stunkit.cli.render.preflight import PEER_HEADINGS, STEP_HEADINGS, View, Way, token_of, view
from stunkit.cli.render.redaction import redacted
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
_REDACTED = "Addresses are replaced by names that say what they are; one address has one name."


def to_html(
    found: Preflight, foretold: Forecast, *, redacts: bool = False, now: datetime | None = None
) -> str:
    """Return the page; ``now`` is when it was measured."""
    said, plan = view(found, foretold), journey.plan(found, foretold)
    if redacts:
        said, plan = redacted((said._replace(token=token_of(found, redacts=True)), plan))
    when = (datetime.now(UTC) if now is None else now).strftime("%Y-%m-%d %H:%M UTC")
    made = f"stunkit {__version__} on {platform.system()}, {when}; {said.asked}"
    style = files("stunkit.cli.render").joinpath("report.css").read_text("utf-8")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">',
        f"<title>Preflight: {escape(VERDICTS[said.outcome])}</title>",
        f"<style>{style}</style></head><body><main>",
        f'<header><div class="verdict {said.outcome}">',
        f'<p class="kind is-{said.outcome}">{escape(VERDICTS[said.outcome])}</p>',
        f"<h1>{escape(said.sentence)}</h1></div>",
        f'<p class="meta">{escape(made)}</p></header>',
        f"<figure>{picture.draw(plan)}",
        f'<figcaption class="legend quiet">{escape(plan.title)}. {_LEGEND}</figcaption></figure>',
        *_body(said),
        f'<footer class="quiet"><p>Token of this end: <code>{escape(said.token)}</code></p>',
        f"<p>{escape(_REDACTED) if redacts else ''}</p></footer></main></body></html>\n",
    ]
    return "".join(parts)


def _body(said: View) -> list[str]:
    parts = ['<div class="columns">']
    parts.append(f"<section><h2>Why</h2>{_bullets(said.reasons)}</section>")
    if said.changes:
        parts.append(f"<section><h2>What would help</h2>{_bullets(said.changes)}</section>")
    parts += ["</div>", f"<section><h2>Calls</h2>{_friends(said)}</section>"]
    parts += ['<div class="columns">', "<section><h2>Quality</h2>"]
    parts += [f"<p>{escape(said.quality_sentence)}</p>{_table((), said.quality)}</section>"]
    if said.facts:
        parts.append(f"<section><h2>Facts</h2>{_table(said.facts[0], said.facts[1:])}")
        parts.append(f"{_bullets(said.notes)}</section>")
    parts.append("</div>")
    parts.append(f"<section><h2>Relays</h2><p>{escape(said.relays_sentence)}</p>")
    parts += [*map(_way, said.ways), "</section>"]
    parts.append(f"<section><h2>Router</h2><p>{escape(said.router_sentence)}</p>")
    parts.append(f"{_table(gateway.HEADINGS, said.router)}</section>")
    parts.append("<section><h2>Candidates</h2>")
    parts.append(_table(candidates.HEADINGS, said.candidates))
    findings = [f"{severity}: {text} [{code}]" for severity, text, code in said.findings]
    parts.append(f"{_bullets(findings)}</section>")
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
    parts = [_head(PEER_HEADINGS)]
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
        f"<dl>{''.join(cells)}</dl>{_table(STEP_HEADINGS, way.steps)}</details>"
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table, the first cell of each row being its name; "" where there is no row."""
    if not rows:
        return ""
    parts = [_head(headings)]
    for name, *cells in rows:
        data = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        parts.append(f'<tr><th scope="row">{escape(name)}</th>{data}</tr>')
    return "".join([*parts, "</tbody></table></div>"])


def _head(headings: Sequence[str]) -> str:
    cells = "".join(f'<th scope="col">{escape(heading)}</th>' for heading in headings)
    head = f"<thead><tr>{cells}</tr></thead>" if headings else ""
    return f'<div class="scroll"><table>{head}<tbody>'


def _bullets(sentences: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(one)}</li>" for one in sentences)
    return f"<ul>{items}</ul>" if items else ""
