"""One relay, over one transport, at one address, probed: step by step until one fails.

Nothing is left behind: whatever was allocated is released, also when the time is up. A redirection
is followed once (RFC 8489 section 10).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import NamedTuple

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import (
    Refused,
    TransactionError,
)
from stunkit.net.query import Asker
from stunkit.net.relay.allocation import obtain
from stunkit.net.relay.connection import Relay, Site
from stunkit.net.relay.echo import Ending, Try, echo_to_relay, echo_to_socket
from stunkit.net.relay.report import RelayOutcome, RelayReport, Step, StepName, StepOutcome
from stunkit.net.relay.verdict import (
    Verdict,
    judge_allocated,
    judge_error,
    judge_rejection,
    make_verdict,
)
from stunkit.net.transport.secure import Secure
from stunkit.protocol.allocation_event import Allocated, Redirect, Rejected
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.uri import Transport, Uri

CONTROL_TIMEOUT = 2.0  # seconds for a Binding request to a server that is silent about TURN


class Terms(NamedTuple):
    """What all probes of a run have in common; ``family`` is of the relayed address."""

    credentials: TurnCredentials | None = None
    family: Family | None = None
    bind: Endpoint | None = None
    secure: Secure | None = None  # there when a URI needs TLS


async def probe(uri: Uri, site: Site, terms: Terms, deadline: float) -> RelayReport:
    """Probe one relay until ``deadline``, on the loop's clock."""
    first = Probe(uri, site, terms)
    report = await first.run(deadline)
    target = first.redirect
    if target is None or target.server == site.server:
        return report
    there = Site(target.server, site.transport, target.domain or site.name)
    second = Probe(uri, there, terms, redirected_by=site.server, steps=first.steps)
    return await second.run(deadline)


@dataclass(slots=True, eq=False)
class Probe:
    """The state of a probe: what there is to report however far it gets."""

    uri: Uri
    site: Site
    terms: Terms
    redirected_by: Endpoint | None = None
    steps: list[Step] = field(default_factory=list)
    tries: list[Try] = field(default_factory=list)
    redirect: Redirect | None = None
    _relay: Relay | None = None
    _allocated: Allocated | None = None
    _software: str | None = None

    async def run(self, deadline: float) -> RelayReport:
        """Probe until ``deadline``."""
        try:
            async with asyncio.timeout_at(deadline):
                verdict = await self._run()
        except TimeoutError:
            verdict = self._run_out()
        return self._report(verdict)

    def _run_out(self) -> Verdict:
        """Return what there is to say when time is up."""
        if self._allocated is not None:
            self._step(StepName.ECHO, StepOutcome.UNKNOWN, text="out of time")
            given = f"it gives us {self._allocated.relayed[0]}"
            return make_verdict(RelayOutcome.UNPROVEN, f"{given}; there was no time to try it")
        relay = self._relay
        name = StepName.CONNECT
        if relay is None or relay.opened is not None:
            name = StepName.ALLOCATE
        elif relay.session is not None and relay.session.is_begun:
            name = StepName.TLS
        self._step(name, StepOutcome.FAILED, text="out of time")
        return make_verdict(RelayOutcome.TIMED_OUT, f"out of time in the step {name}")

    async def _run(self) -> Verdict:
        try:
            relay, outcome = await obtain(self._make, self.terms.family)
        except TransactionError as error:
            self._note_connection(error)
            return judge_error(error)
        try:
            self._note_connection(None)
            if isinstance(outcome, Rejected):
                return await self._take_rejection(outcome)
            self._allocated = outcome
            self._software = outcome.software
            self._step(StepName.ALLOCATE, StepOutcome.OK, outcome.rtt, str(outcome.relayed[0]))
            await self._echo(relay)
        finally:
            await relay.close()
        broken = next((one.rejected for one in self.tries if one.rejected is not None), None)
        if broken is not None and not any(one.ending is Ending.CAME_BACK for one in self.tries):
            return judge_rejection(broken, self.terms.credentials, time.time())
        return judge_allocated(outcome, self.site, self.tries)

    def _make(self) -> Relay:
        terms = self.terms
        self._relay = Relay(self.site, terms.credentials, bind=terms.bind, secure=terms.secure)
        return self._relay

    async def _take_rejection(self, rejected: Rejected) -> Verdict:
        self._software = rejected.software
        self._step(StepName.ALLOCATE, StepOutcome.FAILED, text=str(rejected.error))
        verdict = judge_rejection(rejected, self.terms.credentials, time.time())
        if verdict.outcome is RelayOutcome.REDIRECTED and rejected.redirect is not None:
            self.redirect = rejected.redirect
            self._step(StepName.REDIRECT, StepOutcome.OK, text=str(rejected.redirect.server))
            if rejected.redirect.server in (self.site.server, self.redirected_by):
                return verdict._replace(why=f"{verdict.why}: that is a loop")
            if self.redirected_by is not None:
                return verdict._replace(why=f"{verdict.why}, as did {self.redirected_by}")
        is_mute = verdict.outcome in (RelayOutcome.TIMED_OUT, RelayOutcome.CLOSED)
        if is_mute and self.site.transport is not Transport.TLS:
            return await self._control(verdict)
        return verdict

    async def _control(self, verdict: Verdict) -> Verdict:
        """Find out whether a silent server answers STUN at all: then the way there is open."""
        server, transport, _ = self.site
        bind = self.terms.bind
        try:
            async with (
                Asker(bind=bind and bind.with_port(0)) as asker,
                asyncio.timeout(CONTROL_TIMEOUT),
            ):
                await asker.ask(server, await asker.open(server, transport), transport)
        except (TransactionError, TimeoutError) as error:
            if not isinstance(error, Refused):
                return verdict
        why = "it answers STUN, but no request for a relayed address: it is a STUN server only"
        return make_verdict(RelayOutcome.NOT_TURN, why)

    async def _echo(self, relay: Relay) -> None:
        self.tries.append(await echo_to_socket(relay, self.terms.bind))
        if self.tries[0].ending not in (Ending.CAME_BACK, Ending.REJECTED):
            self.tries.append(await self._echo_to_second(relay))
        endings = [one.ending for one in self.tries]
        denials = "; ".join(
            one.text for one in self.tries if one.ending in (Ending.DENIED, Ending.REJECTED)
        )
        if Ending.CAME_BACK in endings or Ending.SILENT in endings:
            self._step(StepName.PERMISSION, StepOutcome.OK, text=denials)
        else:
            outcome = StepOutcome.FAILED if denials else StepOutcome.UNKNOWN
            self._step(StepName.PERMISSION, outcome, text=denials)
        last = next((one for one in reversed(self.tries) if one.echo is not None), None)
        if last is None:
            self._step(StepName.ECHO, StepOutcome.UNKNOWN, text="it could not be tried")
        else:
            is_back = last.ending is Ending.CAME_BACK
            self._step(
                StepName.ECHO,
                StepOutcome.OK if is_back else StepOutcome.FAILED,
                last.echo.rtt_median if last.echo else None,
                last.text,
            )

    async def _echo_to_second(self, relay: Relay) -> Try:
        try:
            second, outcome = await obtain(self._make_second, relay.relayed.family)
        except TransactionError as error:
            return Try(Ending.IMPOSSIBLE, None, f"no second connection: {error}")
        try:
            if isinstance(outcome, Rejected):
                return Try(Ending.IMPOSSIBLE, None, f"no second allocation: {outcome.error}")
            return await echo_to_relay(relay, second)
        finally:
            await second.close()

    def _make_second(self) -> Relay:
        terms = self.terms
        bind = terms.bind and terms.bind.with_port(0)
        return Relay(self.site, terms.credentials, bind=bind, secure=terms.secure)

    def _note_connection(self, error: TransactionError | None) -> None:
        """Note the steps that opening the relay took; UDP has none, unless it fails."""
        relay = self._relay
        if relay is None or (self.site.transport is Transport.UDP and error is None):
            return
        began, opened, session = relay.began, relay.opened, relay.session
        if session is None or session.begun is None:
            seconds = None if opened is None else opened - began
            outcome = StepOutcome.OK if error is None else StepOutcome.FAILED
            self._step(StepName.CONNECT, outcome, seconds, "" if error is None else str(error))
            return
        self._step(StepName.CONNECT, StepOutcome.OK, session.begun - began)
        if error is None:
            shown = session.shown
            seconds = None if opened is None else opened - session.begun
            text = f"{shown.version}, {shown.subject or ', '.join(shown.names)} by {shown.issuer}"
            self._step(StepName.TLS, StepOutcome.OK, seconds, text)
        else:
            self._step(StepName.TLS, StepOutcome.FAILED, text=str(error))

    def _step(
        self, name: StepName, outcome: StepOutcome, seconds: float | None = None, text: str = ""
    ) -> None:
        self.steps.append(Step(name, outcome, seconds, text))

    def _report(self, verdict: Verdict) -> RelayReport:
        allocated, relay = self._allocated, self._relay
        session = None if relay is None else relay.session
        echoes = [one.echo for one in self.tries if one.echo is not None]
        return RelayReport(
            self.uri,
            self.site.transport,
            self.site.server,
            verdict.outcome,
            verdict.why,
            verdict.remedy,
            tuple(self.steps),
            tls=session.shown if session is not None and session.is_secured else None,
            relayed=None if allocated is None else allocated.relayed[0],
            mapped=None if allocated is None else allocated.mapped,
            lifetime=None if allocated is None else allocated.lifetime,
            software=self._software,
            is_open=None if allocated is None else not allocated.is_signed,
            echo=echoes[-1] if echoes else None,
            redirected_by=self.redirected_by,
        )
