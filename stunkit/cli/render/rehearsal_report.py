"""The report of a rehearsal, as a sheet.

Rules of this file: it is made of the document, as all that is said of a rehearsal is.
"""

from __future__ import annotations

from html import escape
from typing import Any

from stunkit.call.simulation import Outcome
from stunkit.cli.render.rehearsal import CANDIDATE_HEADINGS, view
from stunkit.cli.render.sheet import REDACTED, Head, bullets, section, sheet, table

VERDICTS = {
    Outcome.DIRECT: "Connected directly",
    Outcome.RELAY: "Connected through a relay",
    Outcome.BLOCKED: "Did not connect",
    Outcome.UNKNOWN: "Unknown",
}


def to_html(document: dict[str, Any], *, is_redacted: bool = False) -> str:
    """Return the page that a document makes."""
    said = view(document)
    when = document["began"].replace("T", " ").removesuffix("Z")
    made = f"{document['agent']}, {when} UTC"
    kind = VERDICTS[said.outcome]
    head = Head(f"Rehearsal: {kind}", said.outcome, kind, said.sentence, made)
    body = [
        '<div class="columns">',
        section("Why", bullets(said.reasons)),
        section("Figures", table((), said.figures)),
        "</div>",
    ]
    if said.problems:
        body.append(section("What went wrong", bullets(said.problems)))
    if said.candidates:
        body.append(section("Candidates", table(CANDIDATE_HEADINGS, said.candidates)))
    return sheet(head, body, f"<p>{escape(REDACTED)}</p>" if is_redacted else "")
