from stunkit.conformance.case import ANY, UDP, Case, Group
from stunkit.conformance.conversation import Ask
from stunkit.conformance.subject import Handshake
from stunkit.conformance.verdict import Level, Outcome, Verdict, passed
from stunkit.errors import Malformed
from stunkit.wire.registry import Code
from tests.unit.conformance.rehearsal import world_of

group = Group("example")


@group.case(Level.SHOULD, "RFC 8489 section 5", "does something", transports=UDP)
def some_thing(subject):
    """Say this.

    And do that.
    """
    yield Ask(subject.request().raw)
    return passed()


(CASE,) = group.cases


def test_a_procedure_becomes_a_case():
    assert (CASE.id, CASE.group, CASE.level) == ("some-thing", "example", Level.SHOULD)
    assert CASE.transports == UDP
    assert CASE.quote == "Say this.\n\nAnd do that."


def test_the_verdict_has_the_bytes_of_the_last_question():
    verdict = world_of().examine(CASE)
    assert verdict.is_pass
    assert verdict.sent[8:20] == verdict.received[8:20]


def case_of(run):
    return Case("x", "g", "RFC 8489 section 5", Level.MUST, "does it", run, ANY)


def test_a_verdict_may_bring_bytes_of_its_own():
    def run(subject):
        yield Ask(subject.request().raw)
        return Verdict(Outcome.FAIL, "why", b"sent", None)

    assert world_of().examine(case_of(run)) == (Outcome.FAIL, "why", b"sent", None)


def test_what_is_broken_is_unknown():
    def run(subject):
        yield Ask(subject.request().raw)
        raise Malformed("too short", place="REALM", offset=3)

    verdict = world_of().examine(case_of(run))
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.why == "what came back is broken: REALM at byte 3: too short"


def test_nothing_is_asked_where_nobody_answers():
    subject = world_of().subject
    away = subject._replace(handshake=Handshake("refused"))
    assert CASE.inapplicable(subject) is None
    assert CASE.inapplicable(away).outcome is Outcome.SKIP


def test_little_is_asked_of_a_closed_server():
    from stunkit.wire.attributes.error import ErrorCode
    from stunkit.wire.message import Message
    from stunkit.wire.registry import MessageClass, Method

    refusal = Message.build(
        MessageClass.ERROR_RESPONSE, Method.BINDING, bytes(12), [ErrorCode(Code.UNAUTHORIZED)]
    )
    closed = world_of().subject._replace(plain=refusal)
    assert CASE.inapplicable(closed).outcome is Outcome.SKIP
