"""Calling a module of the page from a test."""

from __future__ import annotations

import json
from typing import Any

from tests.browser.chromium import Page


def call(page: Page, module: str, expression: str, *arguments: Any) -> Any:
    """Return the value of an expression: ``m`` is the module, ``a`` are the arguments."""
    script = (
        f"import('/static/{module}.js').then(m => (a => {expression})({json.dumps(arguments)}))"
    )
    return page.evaluate(script)
