"""Redaction of what is shown: every text in a value, wherever it is, without its addresses."""

from __future__ import annotations

from enum import Enum
from typing import Any, TypeVar

from stunkit.ice.redact import Redactor

T = TypeVar("T")


def redacted(value: T) -> T:
    """Return the same value with the addresses hidden in all its texts, but not what they are.

    Goes through tuples, lists and dicts (not their keys); one address has one stand-in throughout.
    """
    redactor = Redactor()

    def hide(one: Any) -> Any:  # noqa: ANN401 (whatever JSON can hold, and tuples)
        if isinstance(one, Enum):
            return one
        if isinstance(one, str):
            return redactor.text(one)
        if isinstance(one, dict):
            return {key: hide(item) for key, item in one.items()}
        if isinstance(one, list):
            return [hide(item) for item in one]
        if isinstance(one, tuple):
            items = map(hide, one)
            return type(one)(*items) if hasattr(one, "_fields") else tuple(items)
        return one

    hidden: T = hide(value)
    return hidden
