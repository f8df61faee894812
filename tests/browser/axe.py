"""axe-core: what in a page, as it stands now, keeps somebody from using it.

    assert violations(page) == []

It runs in the page as what a developer types into the console does, so that a strict content
security policy neither stops it nor has to be switched off; it adds no element and leaves no name.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

AXE = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8") + "\n;undefined"
RUN = """axe.run({resultTypes: ["violations"]}).then(({violations}) => {
    delete globalThis.axe
    return violations
})"""


def violations(page: Page) -> list[str]:
    """Return each element that breaks a rule, with the rule and what would mend it."""
    page.evaluate(AXE)
    return [
        f"{rule['id']} ({rule['impact']}): {place(node)}: {advice(node)}"
        for rule in page.evaluate(RUN)
        for node in rule["nodes"]
    ]


def place(node: dict[str, Any]) -> str:
    """Return where an element is, and how it begins."""
    return f"{' '.join(map(str, node['target']))} {node['html'][:100]}"


def advice(node: dict[str, Any]) -> str:
    """Return what would mend it, on one line."""
    summary: str = node["failureSummary"]
    return " ".join(summary.split())
