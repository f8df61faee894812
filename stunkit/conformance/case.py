"""A case: one requirement that an outsider can see kept or broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc

from stunkit.conformance.conversation import Heard, Procedure
from stunkit.conformance.subject import Subject
from stunkit.conformance.verdict import Judged, Level, Verdict, skipped, unknown
from stunkit.errors import Malformed
from stunkit.wire.uri import Transport

UDP = frozenset({Transport.UDP})
STREAMS = frozenset({Transport.TCP, Transport.TLS})
TLS = frozenset({Transport.TLS})
ANY = UDP | STREAMS

Run = Callable[[Subject], Procedure[Verdict]]


@dataclass(frozen=True, slots=True)
class Case:
    """A requirement, and how to see whether it is kept.

    ``group`` is the subject that it belongs to. ``transports`` are those over which it is asked.
    ``is_for_closed``: it applies to servers that want a login. ``needs_answer``: it makes no sense
    where a plain question has no answer. ``quote`` is the RFC's sentence, and what is done.
    """

    id: str
    group: str
    cite: str
    level: Level
    summary: str
    run: Run
    transports: frozenset[Transport] = ANY
    is_for_closed: bool = False
    needs_answer: bool = True

    def inapplicable(self, subject: Subject) -> Verdict | None:
        """Return why there is no sense in asking, or None."""
        if self.needs_answer and subject.handshake.reason is not None:
            return skipped("nobody answers over this transport")
        if subject.is_closed and not self.is_for_closed:
            return skipped("it answers only those who log in")
        return None

    def examine(self, subject: Subject) -> Procedure[Verdict]:
        """Run the procedure to its verdict, with the bytes that it rests on."""
        procedure = self.run(subject)
        heard = Heard(b"")
        try:
            ask = next(procedure)
            while True:
                heard = yield ask
                ask = procedure.send(heard)
        except StopIteration as stop:
            verdict: Verdict = stop.value
        except Judged as judged:
            verdict = judged.verdict
        except Malformed as error:
            verdict = unknown(f"what came back is broken: {error}")
        if verdict.sent is None:
            verdict = verdict._replace(sent=heard.sent, received=heard.received)
        return verdict

    @property
    def quote(self) -> str:
        """The requirement in the RFC's words, and what is sent and expected."""
        return getdoc(self.run) or ""


class Group:
    """Collects the cases of one subject, each made of a procedure."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cases: list[Case] = []

    def case(
        self,
        level: Level,
        cite: str,
        summary: str,
        *,
        transports: frozenset[Transport] = ANY,
        is_for_closed: bool = False,
        needs_answer: bool = True,
    ) -> Callable[[Run], Run]:
        """Return the decorator that makes a procedure a case, its id made of the name."""

        def add(run: Run) -> Run:
            name = run.__name__.replace("_", "-")
            self.cases.append(
                Case(
                    id=name,
                    group=self.name,
                    cite=cite,
                    level=level,
                    summary=summary,
                    run=run,
                    transports=transports,
                    is_for_closed=is_for_closed,
                    needs_answer=needs_answer,
                )
            )
            return run

        return add
