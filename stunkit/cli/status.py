"""Exit statuses: what a script learns from a command without reading its output."""

from __future__ import annotations

from enum import IntEnum

from stunkit.errors import (
    LabError,
    Refused,
    ResolutionError,
    SettingsError,
    SignalError,
    StartError,
    StunkitError,
    TransactionError,
    UsageError,
)


class ExitStatus(IntEnum):
    """The statuses that every verb uses in the same sense."""

    FINE = 0
    BUG = 1
    USAGE = 2
    NOT_STARTED = 3
    NO_ANSWER = 4
    REFUSED = 5
    INCONCLUSIVE = 6
    RELAY_ONLY = 7
    BLOCKED = 8
    INTERRUPTED = 130


def status_of(error: StunkitError) -> ExitStatus:
    """Return the status that an error ends a command with."""
    kinds: tuple[tuple[type[StunkitError], ExitStatus], ...] = (
        (UsageError, ExitStatus.USAGE),
        (SettingsError, ExitStatus.NOT_STARTED),
        (StartError, ExitStatus.NOT_STARTED),
        (LabError, ExitStatus.NOT_STARTED),
        (Refused, ExitStatus.REFUSED),
        (SignalError, ExitStatus.REFUSED),
        (TransactionError, ExitStatus.NO_ANSWER),
        (ResolutionError, ExitStatus.NO_ANSWER),
    )
    return next((status for kind, status in kinds if isinstance(error, kind)), ExitStatus.BUG)
