"""What streams add: messages cut out of bytes, several of them, how a connection ends; TLS.

RFC 8489 sections 6.2.2 and 6.2.3; RFC 9325 (BCP 195) section 3.1.1; RFC 7443.
"""

from __future__ import annotations

from stunkit.conformance.case import STREAMS, TLS, Group
from stunkit.conformance.conversation import Ask, Procedure, decoded
from stunkit.conformance.subject import Raw, Subject
from stunkit.conformance.verdict import Level, Verdict, failed, passed, skipped, unknown
from stunkit.wire.uri import Transport

group = Group("stream")
MUST, SHOULD, ADVICE = Level.MUST, Level.SHOULD, Level.ADVICE

CUTS = (1, 3, 19, 20, 23)  # bytes of a request after which it is cut
GARBAGE = b"GET / HTTP/1.1\r\nHost: stun\r\n\r\n" * 4  # no STUN: its first byte is over 0x3F
IDLE = 0.5  # seconds for which a connection is left alone


@group.case(MUST, "RFC 8489 section 6.2.2", "takes a request in pieces", transports=STREAMS)
def split(subject: Subject) -> Procedure[Verdict]:
    """It says: "It can be sent without the aid of any additional framing": a message's own length
    says where it ends, however TCP cuts it.

    A request of 32 bytes, written in six pieces with pauses between them.
    """
    raw = subject.request(Raw(0xFE53, b"eight by")).raw
    pieces = [raw[start:end] for start, end in zip((0, *CUTS), (*CUTS, len(raw)), strict=True)]
    heard = yield Ask(pieces[0], tuple(pieces[1:]), is_repeated=False)
    if heard.arrivals:
        heard._replace(sent=raw).success()
        return passed()
    if heard.closed is not None:
        return failed(heard.silence)
    whole = yield Ask(subject.request().raw)
    if whole.arrivals:
        return unknown("not answered at once, but something was answered later")
    return failed("a request in pieces is not answered, nor is what follows it")


@group.case(
    MUST, "RFC 8489 section 6.2.2", "answers several requests in one piece", transports=STREAMS
)
def pipelined(subject: Subject) -> Procedure[Verdict]:
    """It says: "The client MAY send multiple transactions over a single TCP (or TLS-over-TCP)
    connection, and it MAY send another request before receiving a response to the previous
    request."

    Three requests, written at once. Whether the connection stays is another case.
    """
    requests = [subject.request().raw for _ in range(3)]
    heard = yield Ask(b"".join(requests), wants=len(requests), is_repeated=False)
    ids = {arrival.data[8:20] for arrival in heard.arrivals}
    answered = sum(raw[8:20] in ids for raw in requests)
    if answered == len(requests):
        return passed()
    if answered and heard.closed is not None:
        return unknown(f"the connection was closed after {answered} of {len(requests)} answers")
    return failed(f"{answered} of {len(requests)} were answered")


@group.case(
    SHOULD, "RFC 8489 section 6.2.2", "leaves it to the client to close", transports=STREAMS
)
def stays_open(subject: Subject) -> Procedure[Verdict]:
    """It says: "At the server end, the server SHOULD keep the connection open and let the client
    close it, unless the server has determined that the connection has timed out."

    A request, half a second of nothing, and another request on the same connection.
    """
    heard = yield Ask(subject.request().raw, linger=IDLE)
    heard.reply()
    if heard.closed is None:
        heard = yield Ask(subject.request().raw)
    if heard.closed is not None:
        return failed(f"the server ended it after the first answer ({heard.closed})")
    heard.reply()
    return passed()


@group.case(
    SHOULD,
    "RFC 8489 section 6.2.2",
    "answers a client that has finished sending",
    transports=frozenset({Transport.TCP}),
)
def half_closed(subject: Subject) -> Procedure[Verdict]:
    """It says: "The server SHOULD NOT close a connection if a request was received over that
    connection for which a response was not sent."

    A request, and the end of our side of the connection at once (a half-close).
    """
    heard = yield Ask(subject.request().raw, finishes=True)
    if heard.answers():
        return passed()
    if heard.closed is not None:
        return failed("the connection was closed without an answer")
    return unknown("neither an answer nor the end of the connection came")


@group.case(MUST, "RFC 8489 section 6.3", "says nothing to what is no STUN", transports=STREAMS)
def garbage(subject: Subject) -> Procedure[Verdict]:
    """It says: "It checks that the first two bits are 0 ... If any errors are detected, the message
    is silently discarded."

    The words of an HTTP request. A stream in which a message cannot be found any more is best
    closed; to leave it open is no fault.
    """
    del subject
    heard = yield Ask(GARBAGE, is_repeated=False)
    if heard.arrivals:
        message = decoded(heard.arrivals[0].data)
        return failed("it was answered" if message is None else f"answered with {message}")
    if heard.closed is not None:
        return passed("the server ends the connection")
    return passed("the server leaves the connection open")


@group.case(
    MUST,
    "RFC 8489 section 6.2.3",
    "shows a certificate that clients can believe",
    transports=TLS,
    is_for_closed=True,
    needs_answer=False,
)
def certificate(subject: Subject) -> Procedure[Verdict]:
    """It says: "The client MUST verify the certificate and inspect the site identified by the
    certificate. If the certificate is invalid or revoked, or if it does not identify the
    appropriate party, the client MUST NOT send the STUN message."

    A TLS handshake that verifies the certificate for the name that was asked. Without that
    nothing is sent over TLS.
    """
    yield from ()
    handshake = subject.handshake
    if handshake.is_untrusted:
        return failed(handshake.reason or "")
    return passed() if handshake.reason is None else skipped(handshake.reason)


@group.case(
    MUST,
    "RFC 9325 section 3.1.1",
    "speaks TLS 1.2 or newer",
    transports=TLS,
    is_for_closed=True,
    needs_answer=False,
)
def tls_version(subject: Subject) -> Procedure[Verdict]:
    """It says: "Implementations MUST support TLS 1.2." RFC 8489 section 6.2.3 has deployments
    follow BCP 195.

    A TLS handshake that offers 1.2 and 1.3.
    """
    yield from ()
    handshake = subject.handshake
    if handshake.version is None:
        return skipped(handshake.reason or "there is no session")
    return passed(handshake.version)


@group.case(
    ADVICE,
    "RFC 7443",
    "names its protocol in the handshake (ALPN)",
    transports=TLS,
    is_for_closed=True,
    needs_answer=False,
)
def alpn(subject: Subject) -> Procedure[Verdict]:
    """It says: "stun.nat-discovery" identifies this use, so that a port may be shared with other
    protocols.

    A TLS handshake that offers that name. A server need not answer to it.
    """
    yield from ()
    handshake = subject.handshake
    if handshake.version is None:
        return skipped(handshake.reason or "there is no session")
    if handshake.alpn is None:
        return skipped("the server does not use it")
    return passed(handshake.alpn)


CASES = tuple(group.cases)
