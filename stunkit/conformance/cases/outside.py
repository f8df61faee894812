"""What the outside sees of a server, and its operator wants to know.

RFC 8489 sections 6.3.1.1, 14.14 and 16.1.2. Most of it is advice: no RFC has words for it.
"""

from __future__ import annotations

from stunkit.conformance.case import UDP, Group
from stunkit.conformance.conversation import Ask, Heard, Procedure
from stunkit.conformance.subject import Raw, Subject
from stunkit.conformance.verdict import Level, Verdict, failed, passed, skipped, unknown
from stunkit.endpoint import Family
from stunkit.protocol.client import mapped_endpoint
from stunkit.text import printable
from stunkit.wire.attributes.address import ResponseAddress
from stunkit.wire.attributes.behavior import Padding
from stunkit.wire.registry import AttributeType

group = Group("outside")
MUST, SHOULD, ADVICE = Level.MUST, Level.SHOULD, Level.ADVICE

# The most that an RFC makes a server send for a blank request, as a multiple of its UDP payload:
# four addresses, of a server with two (RFC 5780 section 6.1).
MOST = {Family.IPV4: 68 / 20, Family.IPV6: 116 / 20}
HEADERS = {Family.IPV4: 28, Family.IPV6: 48}  # bytes of IP and UDP
BURST = 20  # plain requests in 0.4 seconds
ROUNDS = 12  # plain requests until some were answered at the first try
TWICE = 8  # of them answered twice or more until it is no accident of the network
LINGER = 0.3  # seconds for a second answer


@group.case(
    ADVICE,
    "RFC 8489 section 16.1.2",
    "sends little more than it gets",
    transports=UDP,
    is_for_closed=True,
)
def amplification(subject: Subject) -> Procedure[Verdict]:
    """It says: "A rogue client may use a STUN server as a reflector ... there is a small increase
    in the amount of data." Abuse reports divide the UDP payload of the answer to a blank request by
    20.

    A blank request, a classic one, and one with an unknown attribute. Fails where an answer is
    a larger multiple than 3.4 over IPv4 or 5.8 over IPv6, the most that an RFC makes a server
    with two addresses send; a challenge to log in may be longer.
    """
    figures = []
    worst, shown = 0.0, Heard(b"")
    for name, request in (
        ("blank", subject.request()),
        ("classic", subject.classic()),
        ("unknown attribute", subject.request(Raw(0x7F53))),
    ):
        heard = yield Ask(request.raw, is_repeated=name == "blank")
        if heard.received is None:
            continue
        factor = len(heard.received) / len(request.raw)
        if factor > worst:
            worst, shown = factor, heard
        figures.append(f"{name} {_figures(len(request.raw), len(heard.received), subject)}")
    if not figures:
        return unknown("nothing was answered")
    why = "; ".join(figures)
    if worst <= MOST[subject.server.family]:
        verdict = passed(why)
    else:
        verdict = passed(f"{why}; a challenge to log in") if subject.is_closed else failed(why)
    return verdict._replace(sent=shown.sent, received=shown.received)


@group.case(
    ADVICE, "RFC 5780 section 10", "does not pad its answers beyond the request", transports=UDP
)
def padding_amplification(subject: Subject) -> Procedure[Verdict]:
    """RFC 5780 section 6.1 has a server answer PADDING with a length that "SHOULD" be the MTU; to
    whoever forges a source address, that is an amplifier. No more padding than the request had
    fragments as well, and is as long as the client made it.

    A request with 4 bytes of PADDING.
    """
    request = subject.request(Padding(bytes(4))).raw
    heard = yield Ask(request)
    if not heard.answers() or heard.reply().value(AttributeType.PADDING) is None:
        return skipped("it does not answer with PADDING")
    size = len(heard.received or b"")
    why = _figures(len(request), size, subject)
    return passed(why) if size / len(request) <= MOST[subject.server.family] else failed(why)


@group.case(ADVICE, "RFC 8489 section 16.1.2", "answers once", transports=UDP, is_for_closed=True)
def one_answer(subject: Subject) -> Procedure[Verdict]:
    """It says: "There is no amplification of the number of packets with this attack (the STUN
    server sends one packet for each packet sent by the client)."

    Plain requests, 0.3 seconds apart, until one is answered once: networks double a datagram now
    and then, but not every one.
    """
    counts = []
    for _ in range(ROUNDS):
        heard = yield Ask(subject.request().raw, linger=LINGER)
        if heard.tries == 1 and heard.arrivals:
            counts.append(len(heard.arrivals))
        if 1 in counts:
            return passed()
        if len(counts) == TWICE:
            return failed(f"{TWICE} requests got {', '.join(map(str, counts))} answers")
    return unknown("too much was lost")


@group.case(ADVICE, "RFC 5780 section 5", "answers a short burst", transports=UDP)
def burst(subject: Subject) -> Procedure[Verdict]:
    """It says: "A client SHOULD NOT generate more than ten new STUN transactions per second", so a
    limit that is lower than this, or counts all clients behind one address, turns honest clients
    away.

    20 plain requests in 0.4 seconds from one socket. Fewer answers may be a limit or loss.
    """
    requests = [subject.request().raw for _ in range(BURST)]
    heard = yield Ask(requests[0], tuple(requests[1:]), wants=BURST, is_repeated=False)
    count = len({arrival.data[8:20] for arrival in heard.arrivals})
    if count == BURST:
        return passed(f"all {BURST} in 0.4 s were answered")
    return unknown(f"{count} of {BURST} in 0.4 s were answered: a limit, or loss")


@group.case(SHOULD, "RFC 8489 section 6.3.1.1", "says what software it is")
def software(subject: Subject) -> Procedure[Verdict]:
    """It says: "In addition, the server SHOULD add a SOFTWARE attribute to the message." Yet
    "implementers SHOULD make usage of the SOFTWARE attribute a configurable option" (section
    16.1.2), so leaving it out is a choice and no fault.

    A plain request.
    """
    value = (yield Ask(subject.request().raw)).success().value(AttributeType.SOFTWARE)
    return skipped("left out, as an operator may choose") if value is None else passed()


@group.case(MUST, "RFC 8489 section 14.14", "words SOFTWARE within limits")
def software_form(subject: Subject) -> Procedure[Verdict]:
    """It says: "It MUST be a UTF-8-encoded [RFC3629] sequence of fewer than 128 characters."

    A plain request; SOFTWARE, if there is one.
    """
    value = (yield Ask(subject.request().raw)).success().value(AttributeType.SOFTWARE)
    if value is None:
        return skipped("it sends no SOFTWARE")
    try:
        text = value.decode()
    except UnicodeDecodeError as error:
        return failed(f"it is no UTF-8: {error.reason}")
    return passed() if len(text) < 128 else failed(f"it has {len(text)} characters")


@group.case(ADVICE, "RFC 8489 section 16.1.2", "keeps its version to itself")
def software_hidden(subject: Subject) -> Procedure[Verdict]:
    """It says: "Revealing the specific software version of the agent through the SOFTWARE attribute
    might allow them to become more vulnerable to attacks against software that is known to contain
    security holes."

    A plain request; SOFTWARE has no digit.
    """
    value = (yield Ask(subject.request().raw)).success().value(AttributeType.SOFTWARE)
    if value is None:
        return passed("it says nothing")
    text = printable(value.decode(errors="replace"))
    return failed(f"it says '{text}'") if any(c.isdigit() for c in text) else passed(f"'{text}'")


@group.case(ADVICE, "RFC 8489 section 14.14", "puts the mapped address before SOFTWARE")
def mapped_first(subject: Subject) -> Procedure[Verdict]:
    """Order means nothing here, but clients are in use that read no further than SOFTWARE.

    A plain request; XOR-MAPPED-ADDRESS comes before SOFTWARE.
    """
    message = (yield Ask(subject.request().raw)).success()
    numbers = [number for number, _ in message.attributes]
    if not {AttributeType.SOFTWARE, AttributeType.XOR_MAPPED_ADDRESS} <= set(numbers):
        return skipped("it does not send both")
    first, second = map(numbers.index, (AttributeType.XOR_MAPPED_ADDRESS, AttributeType.SOFTWARE))
    return passed() if first < second else failed("SOFTWARE comes first")


@group.case(
    ADVICE, "RFC 3489 section 11.2.2", "does not answer to where it is told", transports=UDP
)
def response_address(subject: Subject) -> Procedure[Verdict]:
    """RESPONSE-ADDRESS of RFC 3489 named where the answer should go: to anybody's address. RFC 5389
    took it away.

    Our second socket asks plainly, to learn where it is seen. Then the first one asks, with and
    without the magic cookie, for an answer to there.
    """
    second = mapped_endpoint((yield Ask(subject.request().raw, socket=1)).success())
    if second is None:
        return unknown("it does not say where it sees us")
    there = ResponseAddress(second)
    for request in (subject.request(there), subject.classic(there)):
        heard = yield Ask(request.raw)
        if any(arrival.local != subject.locals[0] for arrival in heard.arrivals):
            return failed(f"asked for an answer to {second}, it sends it there")
        if not heard.arrivals and not heard.is_silence:
            return unknown(heard.silence)
    return passed()


@group.case(ADVICE, "RFC 8489 section 6.3.1.1", "sees its clients, and no proxy of its own")
def sees_clients(subject: Subject) -> Procedure[Verdict]:
    """The mapped address is "the source transport address of the request message". A load balancer
    or container network in front of a server replaces it by one of its own, and every client is
    told a wrong address.

    A plain request to a server with a public address; the mapped address is public too.
    """
    mapped = mapped_endpoint((yield Ask(subject.request().raw)).success())
    if mapped is None:
        return unknown("it does not say where it sees us")
    if not subject.server.address.is_global:
        return skipped("the server's own address is not public")
    if mapped.address.is_global:
        return passed()
    return failed(f"it sees us at {mapped}, which cannot be seen from there")


def _figures(asked: int, answered: int, subject: Subject) -> str:
    headers = HEADERS[subject.server.family]
    whole = (answered + headers) / (asked + headers)
    return f"{asked} -> {answered} bytes, {answered / asked:.2f} times (IP packets {whole:.2f})"


CASES = tuple(group.cases)
