"""Logging in with a long-term credential: who is let in, who is refused, and with what.

RFC 8489 section 9.2. Needs a credential that the server knows: without one, that it asks for one is
all that can be seen.
"""

from __future__ import annotations

from stunkit.conformance.case import Group
from stunkit.conformance.cases.challenge import (
    challenged,
    expect_challenge,
    has_challenge,
    refused,
    sign,
    sign_sha256,
)
from stunkit.conformance.conversation import Ask, Procedure, error_code, expect_error
from stunkit.conformance.subject import Raw, Subject
from stunkit.conformance.verdict import Level, Verdict, failed, passed, skipped, unknown
from stunkit.wire.integrity import check_integrity, check_integrity_sha256
from stunkit.wire.nonce import SecurityFeature, security_features
from stunkit.wire.registry import AttributeType, Code

group = Group("login")
MUST = Level.MUST

WRONG = "surely not this one"  # a password, and a username
UNKNOWN = Raw(0x7F53)  # comprehension-required, in nobody's registry
STALE = b"a nonce that this server has never sent"


@group.case(
    MUST, "RFC 8489 section 9.2.4", "challenges who comes without a login", is_for_closed=True
)
def challenge(subject: Subject) -> Procedure[Verdict]:
    """It says: "If the message does not contain a MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256
    attribute, the server MUST generate an error response with an error code of 401
    (Unauthenticated). This response MUST include a REALM value. The response MUST include a
    NONCE."

    A plain request, to a server that asks for a long-term login.
    """
    reply = yield from refused(subject)
    if reply.value(AttributeType.REALM) is None:
        return failed("the 401 has no REALM")
    return passed() if reply.value(AttributeType.NONCE) else failed("the 401 has no NONCE")


@group.case(MUST, "RFC 8489 section 9.2", "marks its nonces as RFC 8489's", is_for_closed=True)
def nonce_cookie(subject: Subject) -> Procedure[Verdict]:
    """It says: "To indicate that it supports this specification, a server MUST prepend the NONCE
    attribute value with the character string composed of 'obMatJos2' concatenated with the
    (4-character) base64 [RFC4648] encoding of the 24-bit STUN Security Features."

    A plain request; the challenge's NONCE.
    """
    reply = yield from refused(subject)
    nonce = reply.value(AttributeType.NONCE) or b""
    return failed(f"it is {nonce!r}") if security_features(nonce) is None else passed()


@group.case(
    MUST,
    "RFC 8489 section 9.2.4",
    "announces its password algorithms in the nonce",
    is_for_closed=True,
)
def nonce_feature(subject: Subject) -> Procedure[Verdict]:
    """It says: "If the server adds a PASSWORD-ALGORITHMS attribute, it MUST set the STUN Security
    Feature 'Password algorithms' bit to 1."

    A plain request; the challenge, if it has PASSWORD-ALGORITHMS. Else somebody on the way could
    take them off.
    """
    reply = yield from refused(subject)
    if reply.value(AttributeType.PASSWORD_ALGORITHMS) is None:
        return skipped("it sends no PASSWORD-ALGORITHMS")
    features = security_features(reply.value(AttributeType.NONCE) or b"")
    if features is not None and SecurityFeature.PASSWORD_ALGORITHMS in features:
        return passed()
    return failed("the bit is not set")


@group.case(
    MUST, "RFC 8489 section 9.2.4", "gives everybody a nonce of his own", is_for_closed=True
)
def nonce_apart(subject: Subject) -> Procedure[Verdict]:
    """It says: "The server MUST NOT choose the same NONCE for two requests unless they have the
    same source IP address and port."

    A plain request from each of two sockets, over UDP.
    """
    if subject.is_stream:
        return skipped("one connection is one source")
    reply = yield from refused(subject)
    other = (yield Ask(subject.request().raw, socket=1)).reply()
    if reply.value(AttributeType.NONCE) is None:
        return skipped("there is no NONCE")
    if reply.value(AttributeType.NONCE) == other.value(AttributeType.NONCE):
        return failed("both got the same")
    return passed()


@group.case(MUST, "RFC 8489 section 9.2.4", "lets in who has the password", is_for_closed=True)
def login_accepted(subject: Subject) -> Procedure[Verdict]:
    """It says: "If these checks pass, the server continues to process the request. ... the
    MESSAGE-INTEGRITY attribute MUST be used instead of the MESSAGE-INTEGRITY-SHA256 attribute",
    where the request named no password algorithm.

    A request signed as RFC 5389 has it, with MD5 and HMAC-SHA1. The success is signed with the same
    key.
    """
    met = yield from challenged(subject)
    signed = sign(subject, met)
    message = (yield Ask(signed.request.raw)).success()
    if check_integrity(message, signed.key):
        return passed()
    return failed("the success has no MESSAGE-INTEGRITY that fits the password")


@group.case(
    MUST, "RFC 8489 section 9.2.4", "lets in who has the password, with SHA-256", is_for_closed=True
)
def login_sha256(subject: Subject) -> Procedure[Verdict]:
    """It says: "Any response generated by the server MUST include the MESSAGE-INTEGRITY-SHA256
    attribute, computed using the username and password utilized to authenticate the request."

    To a server that offers PASSWORD-ALGORITHMS: a request with the first of them that we know.
    """
    met = yield from challenged(subject)
    signed = sign_sha256(subject, met)
    message = (yield Ask(signed.request.raw)).success()
    if check_integrity_sha256(message, signed.key):
        return passed()
    return failed("the success has no MESSAGE-INTEGRITY-SHA256 that fits the password")


@group.case(MUST, "RFC 8489 section 9.2.4", "refuses a wrong password", is_for_closed=True)
def wrong_password(subject: Subject) -> Procedure[Verdict]:
    """It says: "If the resulting value does not match ... the server MUST reject the request with
    an error response. This response MUST use an error code of 401 (Unauthenticated). It MUST
    include the REALM and NONCE attributes."

    A request signed with another password.
    """
    met = yield from challenged(subject)
    wrong = met.credential._replace(password=WRONG)
    return expect_challenge((yield Ask(sign(subject, met._replace(credential=wrong)).request.raw)))


@group.case(MUST, "RFC 8489 section 9.2.4", "refuses a wrong username", is_for_closed=True)
def wrong_username(subject: Subject) -> Procedure[Verdict]:
    """It says: "If the value of the USERNAME or USERHASH attribute is not valid, the server MUST
    generate an error response with an error code of 401 (Unauthenticated). This response MUST
    include a REALM value. The response MUST include a NONCE."

    A request signed in another name.
    """
    met = yield from challenged(subject)
    wrong = met.credential._replace(username=WRONG)
    return expect_challenge((yield Ask(sign(subject, met._replace(credential=wrong)).request.raw)))


@group.case(MUST, "RFC 8489 section 9.2.4", "refuses a login that is not whole", is_for_closed=True)
def login_incomplete(subject: Subject) -> Procedure[Verdict]:
    """It says: "If the message contains a MESSAGE-INTEGRITY or a MESSAGE-INTEGRITY-SHA256
    attribute, but is missing either the USERNAME or USERHASH, REALM, or NONCE attribute, the server
    MUST generate an error response with an error code of 400 (Bad Request)."

    A signed request without NONCE.
    """
    met = yield from challenged(subject)
    signed = sign(subject, met, leaves_out=AttributeType.NONCE)
    return expect_error((yield Ask(signed.request.raw)).reply(), Code.BAD_REQUEST)


@group.case(
    MUST, "RFC 8489 section 9.2.4", "does not take a nonce that is not its own", is_for_closed=True
)
def stale_nonce(subject: Subject) -> Procedure[Verdict]:
    """It says: "If the NONCE is no longer valid, the server MUST generate an error response with an
    error code of 438 (Stale Nonce). This response MUST include NONCE, REALM, and
    PASSWORD-ALGORITHMS attributes."

    A request, signed with the right password, with a nonce that we made up. A server may also say
    401: it never sent that nonce.
    """
    met = yield from challenged(subject)
    reply = (yield Ask(sign(subject, met._replace(nonce=STALE)).request.raw)).reply()
    verdict = expect_error(reply, Code.STALE_NONCE, Code.UNAUTHORIZED)
    if verdict.is_pass and not has_challenge(reply):
        return failed(f"the {error_code(reply)} has no REALM or no NONCE")
    return verdict


@group.case(MUST, "RFC 8489 section 9", "acts on nothing that is not signed", is_for_closed=True)
def unsigned_rest(subject: Subject) -> Procedure[Verdict]:
    """It says: "Agents MUST ignore all attributes that follow MESSAGE-INTEGRITY, with the exception
    of the MESSAGE-INTEGRITY-SHA256 and FINGERPRINT attributes."

    A signed request, with an unknown required attribute after MESSAGE-INTEGRITY.
    """
    met = yield from challenged(subject)
    signed = sign(subject, met)
    if not (yield Ask(sign(subject, met).request.raw)).is_success:
        return unknown("it does not let us in without either")
    request = signed.request.append(UNKNOWN.type, b"")
    (yield Ask(request.raw)).success()
    return passed()


@group.case(
    MUST, "RFC 8489 section 9.2.4", "says 420 only to those whom it knows", is_for_closed=True
)
def login_first(subject: Subject) -> Procedure[Verdict]:
    """Section 6.3 says: "Once the authentication checks are done, the STUN agent checks for unknown
    attributes."

    An unsigned request with an unknown required attribute, to a server that asks for a login: it is
    refused as any other would be.
    """
    yield from refused(subject)
    reply = (yield Ask(subject.request(UNKNOWN).raw)).reply()
    return expect_error(reply, Code.UNAUTHORIZED)


CASES = tuple(group.cases)
