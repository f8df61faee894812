"""From what went wrong with a relay to one word, the reason, and what to do about it.

The codes are those of RFC 8489 section 14.8 and RFC 8656 section 19.

Rules of this file: it says what was seen before what it may mean; where there are two explanations,
it names both. It decides, and touches nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from stunkit.errors import (
    HandshakeFailed,
    InvalidAnswer,
    Malformed,
    NoAnswer,
    Refused,
    ResolutionError,
    StunkitError,
    Unreachable,
    Untrusted,
)
from stunkit.ice.scope import Scope, scope_of
from stunkit.net.relay.connection import Site
from stunkit.net.relay.echo import Ending, Try
from stunkit.net.relay.remedy import REMEDIES
from stunkit.net.relay.report import RelayOutcome as Outcome
from stunkit.net.transport.secure import Fault, fault_of
from stunkit.protocol.allocation_event import Allocated, Rejected
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.registry import Code, attribute_name, method_name, reason_phrase

NOT_STUN = "not STUN"  # how a stream says that something else came (net.stream)


class Verdict(NamedTuple):
    """One word, and in words: why, and what to do."""

    outcome: Outcome
    why: str
    remedy: str = ""


# How far an address reaches, where that is not as far as a public one; documentation's stand for
# public ones in a lab.
_REACH = {
    Scope.UNSPECIFIED: 0,
    Scope.LOOPBACK: 0,
    Scope.LINK_LOCAL: 1,
    Scope.PRIVATE: 2,
    Scope.SHARED: 2,
    Scope.UNIQUE_LOCAL: 2,
    Scope.SITE_LOCAL: 2,
    Scope.PUBLIC: 4,
}
WIDE = 3  # all others

_FAULTS = {
    Fault.EXPIRED: Outcome.CERTIFICATE_EXPIRED,
    Fault.NOT_YET_VALID: Outcome.CERTIFICATE_NOT_YET_VALID,
    Fault.WRONG_NAME: Outcome.CERTIFICATE_WRONG_NAME,
    Fault.SELF_SIGNED: Outcome.CERTIFICATE_SELF_SIGNED,
    Fault.UNKNOWN_ISSUER: Outcome.CERTIFICATE_UNKNOWN_ISSUER,
    Fault.OTHER: Outcome.CERTIFICATE_UNTRUSTED,
}
_CODES: dict[int, Outcome] = {
    Code.TRY_ALTERNATE: Outcome.REDIRECTED,
    Code.BAD_REQUEST: Outcome.BAD_REQUEST,
    Code.UNAUTHORIZED: Outcome.WRONG_CREDENTIALS,
    Code.FORBIDDEN: Outcome.FORBIDDEN,
    Code.UNKNOWN_ATTRIBUTE: Outcome.UNKNOWN_ATTRIBUTE,
    Code.ALLOCATION_MISMATCH: Outcome.ALLOCATION_MISMATCH,
    Code.STALE_NONCE: Outcome.STALE_NONCE,
    Code.ADDRESS_FAMILY_NOT_SUPPORTED: Outcome.FAMILY_UNSUPPORTED,
    Code.WRONG_CREDENTIALS: Outcome.OTHER_CREDENTIALS,
    Code.UNSUPPORTED_TRANSPORT_PROTOCOL: Outcome.TRANSPORT_UNSUPPORTED,
    Code.PEER_ADDRESS_FAMILY_MISMATCH: Outcome.FAMILY_MISMATCH,
    Code.ALLOCATION_QUOTA_REACHED: Outcome.QUOTA_REACHED,
    Code.SERVER_ERROR: Outcome.SERVER_ERROR,
    Code.INSUFFICIENT_CAPACITY: Outcome.NO_CAPACITY,
}


def judge_error(error: StunkitError) -> Verdict:
    """Return what an error before any answer amounts to."""
    if isinstance(error, ResolutionError):
        return make_verdict(Outcome.NAME_NOT_FOUND, str(error))
    if isinstance(error, Untrusted):
        return make_verdict(_FAULTS[fault_of(error) or Fault.OTHER], str(error))
    if isinstance(error, HandshakeFailed):
        return make_verdict(Outcome.TLS_FAILED, str(error))
    if isinstance(error, NoAnswer):
        return make_verdict(Outcome.TIMED_OUT, str(error))
    if isinstance(error, Unreachable):
        return _judge_unreachable(str(error))
    return make_verdict(Outcome.INVALID_ANSWER, str(error))


def judge_rejection(rejected: Rejected, credentials: TurnCredentials | None, now: float) -> Verdict:
    """Return what an answer, or the lack of one, amounts to. ``now`` is Unix time in seconds."""
    error = rejected.error
    if isinstance(error, Refused):
        return _judge_code(rejected, error.code, credentials, now)
    if isinstance(error, InvalidAnswer) and rejected.unsigned is not None:
        unsigned = _error_code(rejected)
        if unsigned is not None:
            judged = _judge_code(rejected, unsigned.code, credentials, now)
            doubt = "the answer was not signed, so somebody else may have sent it"
            return judged._replace(why=f"{judged.why} ({doubt})")
    return judge_error(error)


def make_verdict(outcome: Outcome, why: str) -> Verdict:
    """Return a verdict with what to do about it."""
    return Verdict(outcome, why, REMEDIES[outcome])


def _judge_unreachable(reason: str) -> Verdict:
    if reason.startswith(NOT_STUN):
        what = "HTTP, as from a web server or a portal" if "HTTP" in reason else reason
        return make_verdict(Outcome.NOT_TURN, f"what answers there is no TURN: {what}")
    if "refused" in reason:
        return make_verdict(Outcome.REFUSED_CONNECTION, "nothing listens there: connection refused")
    if "reset" in reason or "closed" in reason:
        return make_verdict(Outcome.CLOSED, f"{reason} before there was an answer")
    return make_verdict(Outcome.UNREACHABLE, reason)


def _judge_code(
    rejected: Rejected, code: int, credentials: TurnCredentials | None, now: float
) -> Verdict:
    said = f"{method_name(rejected.method)}: {code} {_words(rejected, code)}".rstrip()
    if code == Code.UNAUTHORIZED:
        return _judge_unauthorized(rejected, said, credentials, now)
    error = rejected.error
    detail = _DETAILS.get(code, "")
    if code == Code.UNKNOWN_ATTRIBUTE and isinstance(error, Refused) and error.unknown:
        detail = f"it does not know {', '.join(map(attribute_name, error.unknown))}"
    elif code == Code.TRY_ALTERNATE and rejected.redirect is not None:
        detail = f"it sends us to {rejected.redirect.server}"
    outcome = _CODES.get(code, Outcome.REFUSED)
    return make_verdict(outcome, f"{said}: {detail}" if detail else said)


_DETAILS: dict[int, str] = {
    Code.BAD_REQUEST: "the server does not understand the request; it may be no relay",
    Code.FORBIDDEN: "a rule of the server's",
    Code.ALLOCATION_MISMATCH: "it knows our address and port from somebody before us",
    Code.STALE_NONCE: "again and again, with each nonce that it gave",
    Code.ADDRESS_FAMILY_NOT_SUPPORTED: "it has no relayed addresses of this family",
    Code.WRONG_CREDENTIALS: "it takes us for another user than the one who made the allocation",
    Code.UNSUPPORTED_TRANSPORT_PROTOCOL: "it does not relay UDP",
    Code.PEER_ADDRESS_FAMILY_MISMATCH: "the peer's address is of another family than the relayed",
    Code.ALLOCATION_QUOTA_REACHED: "this user, or all together, have as many as they may",
    Code.INSUFFICIENT_CAPACITY: "it has no relayed address left",
}


def _judge_unauthorized(
    rejected: Rejected, said: str, credentials: TurnCredentials | None, now: float
) -> Verdict:
    realm = f' in the realm "{rejected.realm}"' if rejected.realm else ""
    if credentials is None:
        return make_verdict(
            Outcome.CREDENTIALS_NEEDED, f"{said}: the relay wants a user{realm} to log in"
        )
    if not rejected.is_signed:
        return make_verdict(
            Outcome.INVALID_ANSWER,
            f"{said}: the relay wants a login, and does not say what is needed for it"
            " (REALM, NONCE)",
        )
    expires = credentials.expires
    if expires is None:
        return make_verdict(
            Outcome.WRONG_CREDENTIALS,
            f"{said}: the relay knows no such user with this password{realm}",
        )
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(expires))
    if expires <= now:
        return make_verdict(
            Outcome.EXPIRED_CREDENTIALS,
            f"{said}: the username says that it expired on {when}, {_ago(now - expires)} ago",
        )
    return make_verdict(
        Outcome.WRONG_CREDENTIALS,
        f"{said}: the username is good until {when}, so the password is not of the relay's"
        f" secret{realm}; or the relay's clock is over {_ago(expires - now)} ahead",
    )


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _words(rejected: Rejected, code: int) -> str:
    """Return the code's own phrase, and the server's where that is another."""
    error = _error_code(rejected)
    phrase = reason_phrase(code)
    told = rejected.error.reason if isinstance(rejected.error, Refused) else ""
    told = (told or (error.reason if error else "")).rstrip("\0 ")
    if not phrase or told.lower() in ("", phrase.lower()):
        return phrase or told
    return f'{phrase} ("{told}")'


def _error_code(rejected: Rejected) -> ErrorCode | None:
    """Return what an answer says that does not count."""
    if rejected.unsigned is None:
        return None
    try:
        return rejected.unsigned.get(ErrorCode)
    except Malformed:
        return None


def judge_allocated(allocated: Allocated, site: Site, tries: Sequence[Try]) -> Verdict:
    """Return what an allocation, and the tries to get data through it, amount to."""
    relayed = allocated.relayed[0]
    reach, needed = scope_of(relayed.host), scope_of(site.server.host)
    if _REACH.get(reach, WIDE) < _REACH.get(needed, WIDE):
        return make_verdict(
            Outcome.PRIVATE_RELAY,
            f"the relayed address {relayed} is {reach}, the relay's own {needed}:"
            " peers elsewhere do not reach it",
        )
    texts = "; ".join(one.text for one in tries)
    endings = [one.ending for one in tries]
    if endings == [Ending.SILENT, Ending.CAME_BACK]:
        doubt = "" if tries[0].is_udp_open else ", or UDP does not leave this network"
        return make_verdict(
            Outcome.PORTS_UNREACHABLE,
            f"between two relayed addresses {tries[1].text}, but what a plain socket here sends to"
            f" {relayed} is lost: the relay's own ports are closed to us, or its address is wrong"
            f"{doubt}",
        )
    if Ending.CAME_BACK in endings:
        is_open = "" if allocated.is_signed else "; nobody has to log in: anyone may use this relay"
        return make_verdict(Outcome.WORKS, tries[-1].text + is_open)
    if endings == [Ending.SILENT, Ending.SILENT]:
        return make_verdict(
            Outcome.NO_DATA,
            f"it gives us {relayed}, and no data comes through, neither from a plain socket nor"
            " from a second relayed address",
        )
    if set(endings) == {Ending.DENIED} or endings == [Ending.IMPOSSIBLE, Ending.DENIED]:
        return make_verdict(Outcome.PEER_DENIED, f"it gives us {relayed}, but {texts}")
    return make_verdict(Outcome.UNPROVEN, f"it gives us {relayed}, but {texts}")
