"""What is foretold of a call between two kinds of network, and whether that came true.

The one place that asks for predictions and judges them; the tests and ``scripts/predict`` both go
by it. A prediction is made of what the two kinds are, or by ``stunkit preflight`` at both ends,
which exchange tokens and know no more than they measure.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from enum import StrEnum
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from stunkit.call.facts import Facts, Relay, RelayTransport
from stunkit.call.simulation import Outcome as Foretold
from stunkit.call.verdict import predict
from stunkit.cli.preflight import STATUSES
from stunkit.lab import Kind, Lab, start_server
from tests.integration.certificates import Authority
from tests.lab.calls import (
    PASSWORD,
    RELAY_PORT,
    SECURE_RELAY_PORT,
    USERNAME,
    Call,
    Outcome,
    Transport,
    start_relay,
    usual_transport,
)

PREFLIGHT = (sys.executable, "-m", "stunkit", "preflight")
PATIENCE = 60  # seconds for a run that takes ten on an idle machine

Forecast = dict[bool, Foretold]
"""What is foretold without relays (False), and with one for each end (True)."""
Foretell = Callable[[Kind, Kind], Forecast]


class Judgement(StrEnum):
    RIGHT = "right"
    UNKNOWN = "unknown"
    WRONG = "WRONG"


def foretell_kinds(kind: Kind, other: Kind) -> Forecast:
    """Foretell a call from what the two kinds are."""
    found = {}
    for has_relays in (False, True):
        ours, theirs = (
            Facts.of_kind(one, [Relay(RelayTransport(usual_transport(one)))] if has_relays else [])
            for one in (kind, other)
        )
        found[has_relays] = predict(ours, theirs, suggests_changes=False).outcome
    return found


def foretell_by_preflight(kind: Kind, other: Kind) -> Forecast:
    """Let a preflight at each end foretell the call from the token of the other one."""
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(kind, other))
        folder = Path(stack.enter_context(TemporaryDirectory()))
        authority = Authority(folder)
        stack.enter_context(start_server(lab))
        stack.enter_context(start_relay(lab, authority, folder))
        pool = stack.enter_context(ThreadPoolExecutor(4))

        def run(index: int, has_relays: bool, *more: str) -> tuple[int, str]:
            command = [*PREFLIGHT, *more, *servers(lab)]
            if has_relays:
                command += relay_options(lab, lab.sides[index].kind, authority)
            done = lab.sides[index].client.run(command, timeout=PATIENCE)
            assert done.stdout, done.stderr
            return done.returncode, done.stdout

        ends = list(product((0, 1), (False, True)))
        tokens = dict(zip(ends, pool.map(lambda end: run(*end, "--token")[1], ends), strict=True))
        answers = pool.map(
            lambda end: run(*end, "--json", "--peer", tokens[1 - end[0], end[1]]), ends
        )
        found = {}
        for end, (status, text) in zip(ends, answers, strict=True):
            found[end] = Foretold(json.loads(text)["verdict"])
            assert status == STATUSES[found[end]]
    return {
        has_relays: agreed(found[0, has_relays], found[1, has_relays])
        for has_relays in (False, True)
    }


def agreed(here: Foretold, there: Foretold) -> Foretold:
    """Return what both ends say. Each measures anew, so that one of them may know less."""
    if Foretold.UNKNOWN in {here, there}:
        return Foretold.UNKNOWN
    assert here is there
    return here


def servers(lab: Lab) -> list[str]:
    """Return our server in every family, as the command line has it."""
    return [
        f"[{address}]" if ":" in address else address
        for family in lab.families
        for address in lab.server_addresses(family)[:1]
    ]


def relay_options(lab: Lab, kind: Kind, authority: Authority) -> list[str]:
    """Return the options for the relay, reached as such a network can."""
    address, transport = lab.server_addresses()[0], usual_transport(kind)
    uri = f"turn:{address}:{RELAY_PORT}?transport={transport}"
    if transport is Transport.TLS:
        uri = f"turns:{address}:{SECURE_RELAY_PORT}"
    login = ["--turn-user", USERNAME, "--turn-password", PASSWORD]
    return ["--turn", uri, *login, "--ca", str(authority.file)]


def judge(forecast: Forecast, call: Call) -> Judgement:
    """Hold what is foretold, without relays and with them, against what came of the call."""
    alone = call.outcomes(relays=False)
    judgements = {
        judge_one(foretold, alone, call.outcomes(relays=relays))
        for relays, foretold in forecast.items()
    }
    return max(judgements, key=list(Judgement).index)


def judge_one(
    foretold: Foretold, alone: Sequence[Outcome], outcomes: Sequence[Outcome]
) -> Judgement:
    """Hold one prediction against the outcomes without relays and those that it is about.

    With relays the agents may take one where they need not: what was to be direct has to be so
    without them, and to connect with them.
    """
    if foretold is Foretold.UNKNOWN:
        return Judgement.UNKNOWN
    has_come_true = {
        Foretold.DIRECT: set(alone) == {Outcome.DIRECT} and Outcome.FAILED not in outcomes,
        Foretold.RELAY: set(alone) == {Outcome.FAILED} and set(outcomes) == {Outcome.RELAY},
        Foretold.BLOCKED: set(outcomes) == {Outcome.FAILED},
    }[foretold]
    return Judgement.RIGHT if has_come_true else Judgement.WRONG
