"""From what came in to the filtering behavior (RFC 4787 section 5, RFC 5780 section 4.4)."""

from __future__ import annotations

from typing import NamedTuple

from stunkit.behavior import Filtering


class Outcome(NamedTuple):
    """What one test showed: let in, kept out, or (None) neither, and why."""

    let_in: bool | None
    why: str


def classify_filtering(address: Outcome, port: Outcome) -> tuple[Filtering | None, str]:
    """Return the filtering that two tests prove, and why.

    ``address``: an answer from another address; ``port``: one from another port of the address
    that was asked. None where they do not decide, or contradict each other.
    """
    if address.let_in:
        if port.let_in is False:
            return None, f"contradiction: {address.why}, but {port.why}"
        return Filtering.ENDPOINT_INDEPENDENT, address.why
    if port.let_in is False:
        return Filtering.ADDRESS_AND_PORT_DEPENDENT, port.why
    if port.let_in and address.let_in is False:
        return Filtering.ADDRESS_DEPENDENT, f"{port.why}; {address.why}"
    if port.let_in:
        return None, f"not address-and-port-dependent, but {address.why}"
    return None, port.why if address.let_in is False else address.why
