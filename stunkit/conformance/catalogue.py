"""All cases, in the order in which a person reads them."""

from __future__ import annotations

from collections.abc import Iterable

from stunkit.conformance.case import Case
from stunkit.conformance.cases import (
    answer,
    attributes,
    behavior,
    classic,
    discard,
    login,
    outside,
    short_term,
    stream,
)
from stunkit.errors import UsageError

CASES: tuple[Case, ...] = (
    *answer.CASES,
    *attributes.CASES,
    *discard.CASES,
    *classic.CASES,
    *stream.CASES,
    *behavior.CASES,
    *login.CASES,
    *short_term.CASES,
    *outside.CASES,
)
GROUPS = tuple(dict.fromkeys(case.group for case in CASES))


def select(names: Iterable[str]) -> tuple[Case, ...]:
    """Return the cases that are named, or whose group is; all of them for no names.

    Raises UsageError for a name of neither.
    """
    wanted = set(names)
    strange = sorted(wanted - {case.id for case in CASES} - set(GROUPS))
    if strange:
        raise UsageError("a case or a group", strange[0], "see `stunkit check --list`")
    return tuple(case for case in CASES if not wanted or {case.id, case.group} & wanted)
