"""RFC 5780: another address that is there, answers that leave from where they are asked to.

Sections 6, 6.1 and 7 of RFC 5780. A server that pretends makes every client behind it believe in a
NAT that it does not have; so each claim is tried out.

A NAT or firewall of ours may keep out what comes from another address. Therefore the other address
is asked first, from the same socket: what it sends is let in from then on, unless the NAT maps by
destination, and then silence is unknown.
"""

from __future__ import annotations

from stunkit.conformance.case import ANY, UDP, Group
from stunkit.conformance.conversation import (
    Ask,
    Heard,
    Procedure,
    describe,
    error_code,
    expect_error,
)
from stunkit.conformance.subject import Subject, other_of
from stunkit.conformance.verdict import Judged, Level, Verdict, failed, passed, skipped, unknown
from stunkit.endpoint import Endpoint
from stunkit.protocol.client import mapped_endpoint
from stunkit.wire.attributes.address import MappedAddress, ResponseOrigin
from stunkit.wire.attributes.behavior import ChangeRequest, Padding, ResponsePort
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, Code, MessageClass

group = Group("behavior")
MUST = Level.MUST

NO_OTHER = "it has no OTHER-ADDRESS"
CHANGES = {
    "change port": ChangeRequest(change_port=True),
    "change IP": ChangeRequest(change_ip=True),
    "change IP and port": ChangeRequest(change_ip=True, change_port=True),
}


@group.case(
    MUST, "RFC 5780 section 6.1", "sends MAPPED-ADDRESS beside XOR-MAPPED-ADDRESS", transports=ANY
)
def both_mapped(subject: Subject) -> Procedure[Verdict]:
    """It says: "The server MUST include both MAPPED-ADDRESS and XOR-MAPPED-ADDRESS in its
    Response."

    A plain request, to a server that shows with RESPONSE-ORIGIN or OTHER-ADDRESS that it
    follows RFC 5780. Both are there; where nothing stands between, MAPPED-ADDRESS is right.
    """
    message = _behavioral((yield Ask(subject.request().raw)))
    for number in (AttributeType.MAPPED_ADDRESS, AttributeType.XOR_MAPPED_ADDRESS):
        if message.value(number) is None:
            return failed(f"it has no {number.name.replace('_', '-')}")
    mapped = _endpoint(message, MappedAddress)
    if subject.is_local and mapped != subject.locals[0]:
        return failed(f"MAPPED-ADDRESS is {mapped}, and we are {subject.locals[0]}")
    return passed()


@group.case(MUST, "RFC 5780 section 6.1", "says where its answer was sent from", transports=ANY)
def response_origin(subject: Subject) -> Procedure[Verdict]:
    """It says: "The server MUST add a RESPONSE-ORIGIN attribute to the Binding Response, containing
    the source address and port used to send the Binding Response."

    A plain request, to a server with RESPONSE-ORIGIN or OTHER-ADDRESS.
    """
    heard = yield Ask(subject.request().raw)
    named = _endpoint(_behavioral(heard), ResponseOrigin)
    if named is None:
        return failed("it has no RESPONSE-ORIGIN")
    source = heard.arrivals[0].source
    if source != subject.server:
        return unknown("it does not answer from where it is asked")
    return passed() if named == source else failed(f"it says {named}, and sent from {source}")


@group.case(
    MUST,
    "RFC 5780 sections 6.1 and 7.4",
    "has another address and port, if it names one",
    transports=ANY,
)
def other_address(subject: Subject) -> Procedure[Verdict]:
    """It says: "OTHER-ADDRESS MUST NOT be inserted into a Binding Response unless the server has a
    second IP address." It holds Ca and Cp: "Let Ca represent the other address ... let Cp represent
    the other port."

    A plain request; OTHER-ADDRESS, if there is one, differs from the server's in address and
    port, and is of the same family.
    """
    message = (yield Ask(subject.request().raw)).success()
    named = other_of(message)
    if named is None:
        return skipped(NO_OTHER)
    server = subject.server
    if named.family is not server.family:
        return failed(f"it is {named}, of another family than {server}")
    same = [
        word
        for word, is_same in (
            ("address", named.packed == server.packed),
            ("port", named.port == server.port),
        )
        if is_same
    ]
    if same:
        return failed(f"it is {named}: the same {' and '.join(same)} as {server}")
    return passed(f"it is {named}")


@group.case(MUST, "RFC 5780 section 6", "can be asked at its other address", transports=UDP)
def other_answers(subject: Subject) -> Procedure[Verdict]:
    """It says: "... such that it can send and receive datagrams using the same ports on each IP
    address. ... If a server cannot allocate the same ports on two different IP address, then it
    MUST NOT include an OTHER-ADDRESS attribute in any Response."

    A plain request to each of the three endpoints that OTHER-ADDRESS stands for. Each answers,
    from where it was asked. If a firewall is in the way, it is so for every client.
    """
    other = _usable_other(subject)
    for there in _alternates(subject, other):
        heard = yield Ask(subject.request().raw, to=there, is_dogged=True)
        if heard.is_silence:
            return failed(f"{there} does not answer: {heard.silence}")
        heard.reply()
        if heard.arrivals[0].source != there:
            return unknown(f"{there} answers from {heard.arrivals[0].source}")
    return passed()


@group.case(
    MUST, "RFC 5780 section 6.1", "names the first address at the other one", transports=UDP
)
def other_of_other(subject: Subject) -> Procedure[Verdict]:
    """It says: "Let Ca represent the other address, so that if Da is A1, Ca is A2. If Da is A2, Ca
    is A1." OTHER-ADDRESS is "Ca and Cp, respectively, regardless of the value of the CHANGE-REQUEST
    flags".

    A plain request to OTHER-ADDRESS: what is named there is the server that we began with.
    """
    other = _usable_other(subject)
    heard = yield Ask(subject.request().raw, to=other)
    if not heard.arrivals:
        return unknown("the other address does not answer")
    named = other_of(heard.success())
    if named == subject.server:
        return passed()
    return failed(f"{other} names {named or 'none'}, and not {subject.server}")


@group.case(MUST, "RFC 5780 section 6.1", "answers from where CHANGE-REQUEST says", transports=UDP)
def change_request(subject: Subject) -> Procedure[Verdict]:
    """It says: "When both flags are set, the source IP address of the Binding Response MUST be Ca
    and the source port of the Binding Response MUST be Cp", and so on: Table 1.

    The three other endpoints are asked first, so that their answers are let in. Then a request
    with each of the three flags, to a server with OTHER-ADDRESS; where the answer is sent from.
    """
    other = _usable_other(subject)
    first = mapped_endpoint((yield Ask(subject.request().raw)).success())
    for (words, change), there in zip(CHANGES.items(), _alternates(subject, other), strict=True):
        opened = yield Ask(subject.request().raw, to=there)
        if not opened.answers():
            return unknown(f"{there} does not answer, so nothing can be expected from it")
        mapped = mapped_endpoint(opened.reply())
        heard = yield Ask(subject.request(change).raw, control=there)
        if not heard.arrivals and mapped != first:
            return unknown("no answer: a NAT that maps by destination may keep it out")
        reply = heard.reply()
        if reply.message_class is not MessageClass.SUCCESS_RESPONSE:
            return failed(f"{words}: answered with {describe(reply)}")
        source = heard.answers()[0][0].source
        if source != there:
            return failed(f"{words}: the answer is due from {there}, and came from {source}")
    return passed()


@group.case(MUST, "RFC 5780 section 6.1", "says the truth of a changed answer", transports=UDP)
def changed_origin(subject: Subject) -> Procedure[Verdict]:
    """It says: "... RESPONSE-ORIGIN ..., containing the source address and port used to send the
    Binding Response." "OTHER-ADDRESS ... Ca and Cp, respectively, regardless of the value of the
    CHANGE-REQUEST flags."

    A request to change the port; RESPONSE-ORIGIN is where the answer came from, and
    OTHER-ADDRESS the same as ever.
    """
    other = _usable_other(subject)
    there = subject.server.with_port(other.port)
    yield Ask(subject.request().raw, to=there)
    heard = yield Ask(subject.request(CHANGES["change port"]).raw)
    found = heard.answers()
    if not found or found[0][0].source != there:
        return unknown("no answer came from the other port")
    arrival, message = found[0]
    origin, named = _endpoint(message, ResponseOrigin), other_of(message)
    if origin is not None and origin != arrival.source:
        return failed(f"RESPONSE-ORIGIN is {origin}, and it came from {arrival.source}")
    if named != other:
        return failed(f"OTHER-ADDRESS is {named or 'missing'}, and was {other}")
    return passed()


@group.case(
    MUST, "RFC 5780 section 6", "refuses CHANGE-REQUEST if it has no other address", transports=UDP
)
def change_refused(subject: Subject) -> Procedure[Verdict]:
    """It says: "If the Request contains the CHANGE-REQUEST attribute and the server does not have
    an alternate address and port as described above, the server MUST generate an error response of
    type 420." Whoever ignores it makes every NAT look as if it filtered nothing.

    A request with each of the three flags, to a server without OTHER-ADDRESS.
    """
    if subject.other is not None:
        return skipped("it has an OTHER-ADDRESS")
    for words, change in CHANGES.items():
        reply = (yield Ask(subject.request(change).raw)).reply()
        verdict = expect_error(reply, Code.UNKNOWN_ATTRIBUTE)
        if not verdict.is_pass:
            return verdict._replace(why=f"{words}: {verdict.why}")
    return passed()


@group.case(
    MUST, "RFC 5780 section 6", "refuses CHANGE-REQUEST without flags as well", transports=UDP
)
def change_nothing(subject: Subject) -> Procedure[Verdict]:
    """It says: "... MUST respond with a 420 (Unknown Attribute) to any Request with a
    CHANGE-REQUEST attribute", by which a client learns early what it can expect.

    A request with CHANGE-REQUEST and no flag. With an OTHER-ADDRESS it is a plain request: "if
    neither flag is set ... the source IP address of the Binding Response MUST be Da and the
    source port of the Binding Response MUST be Dp".
    """
    heard = yield Ask(subject.request(ChangeRequest()).raw)
    reply = heard.reply()
    if subject.other is None:
        return expect_error(reply, Code.UNKNOWN_ATTRIBUTE)
    if reply.message_class is not MessageClass.SUCCESS_RESPONSE:
        return failed(f"answered with {describe(reply)}")
    return passed()


@group.case(MUST, "RFC 5780 section 7.5", "obeys RESPONSE-PORT or refuses it", transports=UDP)
def response_port(subject: Subject) -> Procedure[Verdict]:
    """It says: "For servers which support the RESPONSE-PORT attribute, the Binding Response MUST be
    transmitted to the source IP address of the Binding Request and the port contained in
    RESPONSE-PORT." Others do not know it, and refuse it with 420 (RFC 8489 section 6.3.1).

    Our second socket asks plainly, to learn its port as the server sees it; then the first one
    asks for an answer to there.
    """
    second = mapped_endpoint((yield Ask(subject.request().raw, socket=1)).success())
    first = mapped_endpoint((yield Ask(subject.request().raw)).success())
    if first is None or second is None or first.packed != second.packed:
        return unknown("our two sockets are not seen at one address")
    heard = yield Ask(subject.request(ResponsePort(second.port)).raw)
    if not heard.arrivals:
        return unknown(f"no answer came to port {first.port} or {second.port}")
    reply = heard.reply()
    if error_code(reply) == Code.UNKNOWN_ATTRIBUTE:
        return passed("refused with error 420: it is optional")
    if reply.message_class is not MessageClass.SUCCESS_RESPONSE:
        return failed(f"answered with {describe(reply)}")
    if heard.answers()[0][0].local == subject.locals[1]:
        return passed("obeyed")
    return failed(f"an answer to port {second.port} was asked for, and went to {first.port}")


@group.case(
    MUST, "RFC 5780 section 6.1", "answers PADDING with PADDING or refuses it", transports=UDP
)
def padding(subject: Subject) -> Procedure[Verdict]:
    """It says: "If the Request contained a PADDING attribute, PADDING MUST be included in the
    Binding Response." Who does not know it refuses it with 420 (RFC 8489 section 6.3.1).

    A request with 64 bytes of PADDING.
    """
    reply = _refused_or_not((yield Ask(subject.request(Padding(bytes(64))).raw)))
    if error_code(reply) == Code.UNKNOWN_ATTRIBUTE:
        return passed("refused with error 420: it is optional")
    if reply.message_class is not MessageClass.SUCCESS_RESPONSE:
        return failed(f"answered with {describe(reply)}")
    if reply.value(AttributeType.PADDING) is None:
        return failed("answered without PADDING")
    return passed("answered with PADDING")


@group.case(
    MUST, "RFC 5780 section 6.1", "refuses PADDING together with RESPONSE-PORT", transports=UDP
)
def padding_elsewhere(subject: Subject) -> Procedure[Verdict]:
    """It says: "If the Request also contains the RESPONSE-PORT attribute the server MUST return an
    error response of type 400." Else a long answer could be sent to another's port.

    A request with both, RESPONSE-PORT being our own port. 420 is right for who knows not both.
    """
    mapped = mapped_endpoint((yield Ask(subject.request().raw)).success())
    if mapped is None:
        return unknown("it does not say where it sees us")
    request = subject.request(Padding(bytes(64)), ResponsePort(mapped.port))
    reply = _refused_or_not((yield Ask(request.raw)))
    return expect_error(reply, Code.BAD_REQUEST, Code.UNKNOWN_ATTRIBUTE)


def _refused_or_not(heard: Heard) -> Message:
    """Return the answer. Raises Judged: unknown for silence (see ``unknown-required``)."""
    if heard.is_silence:
        raise Judged(unknown(f"neither answered nor refused: {heard.silence}"))
    return heard.reply()


def _behavioral(heard: Heard) -> Message:
    """Return the success of a server that follows RFC 5780. Raises Judged for any other."""
    message = heard.success()
    numbers = (AttributeType.RESPONSE_ORIGIN, AttributeType.OTHER_ADDRESS)
    if all(message.value(number) is None for number in numbers):
        raise Judged(skipped("it has neither RESPONSE-ORIGIN nor OTHER-ADDRESS"))
    return message


def _usable_other(subject: Subject) -> Endpoint:
    """Return OTHER-ADDRESS. Raises Judged where there is none that can be another address."""
    other, server = subject.other, subject.server
    if other is None:
        raise Judged(skipped(NO_OTHER))
    if other.family is not server.family or other.packed == server.packed:
        raise Judged(unknown("its OTHER-ADDRESS is no other address"))
    if other.port == server.port or not other.port or other.is_wildcard:
        raise Judged(unknown("its OTHER-ADDRESS is no other port"))
    return other


def _alternates(subject: Subject, other: Endpoint) -> tuple[Endpoint, Endpoint, Endpoint]:
    """Return the endpoints with the other port, the other address, and both."""
    server = subject.server
    return server.with_port(other.port), other.with_port(server.port), other


def _endpoint(message: Message, kind: type[MappedAddress | ResponseOrigin]) -> Endpoint | None:
    attribute = message.get(kind)
    return None if attribute is None else attribute.endpoint


CASES = tuple(group.cases)
