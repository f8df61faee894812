"""What a probe of a relay has found: the steps that it took, and one word for how it went."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stunkit.endpoint import Endpoint
from stunkit.ice.scope import Scope, scope_of
from stunkit.net.transport.secure import Shown
from stunkit.wire.uri import Transport, Uri

DAY = 86400.0  # seconds


class RelayOutcome(StrEnum):
    """How it went, by the word that output uses. The manual's page ``relays`` explains each."""

    WORKS = "works"
    UNPROVEN = "unproven"  # allocates; whether data comes through could not be tried
    PORTS_UNREACHABLE = "ports-unreachable"  # relays, and not to a plain socket of ours
    PEER_DENIED = "peer-denied"  # allocates, and forbids the peers that we have to try it with
    NO_DATA = "no-data"  # allocates, and nothing comes through
    PRIVATE_RELAY = "private-relay"  # allocates an address that the internet does not reach

    NAME_NOT_FOUND = "name-not-found"
    UNREACHABLE = "unreachable"
    REFUSED_CONNECTION = "refused-connection"
    TIMED_OUT = "timed-out"
    CLOSED = "closed"  # the connection, without an answer
    NOT_TURN = "not-turn"

    TLS_FAILED = "tls-failed"
    CERTIFICATE_EXPIRED = "certificate-expired"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid"
    CERTIFICATE_WRONG_NAME = "certificate-wrong-name"
    CERTIFICATE_SELF_SIGNED = "certificate-self-signed"
    CERTIFICATE_UNKNOWN_ISSUER = "certificate-unknown-issuer"
    CERTIFICATE_UNTRUSTED = "certificate-untrusted"

    REDIRECTED = "redirected"  # 300
    BAD_REQUEST = "bad-request"  # 400
    CREDENTIALS_NEEDED = "credentials-needed"  # 401, and we had none
    WRONG_CREDENTIALS = "wrong-credentials"  # 401
    EXPIRED_CREDENTIALS = "expired-credentials"  # 401, and the username says so
    FORBIDDEN = "forbidden"  # 403
    UNKNOWN_ATTRIBUTE = "unknown-attribute"  # 420
    ALLOCATION_MISMATCH = "allocation-mismatch"  # 437
    STALE_NONCE = "stale-nonce"  # 438, again and again
    FAMILY_UNSUPPORTED = "family-unsupported"  # 440
    OTHER_CREDENTIALS = "other-credentials"  # 441
    TRANSPORT_UNSUPPORTED = "transport-unsupported"  # 442
    FAMILY_MISMATCH = "family-mismatch"  # 443
    QUOTA_REACHED = "quota-reached"  # 486
    SERVER_ERROR = "server-error"  # 500
    NO_CAPACITY = "no-capacity"  # 508
    REFUSED = "refused"  # any other code
    INVALID_ANSWER = "invalid-answer"


# The relay allocates, and what we could try does not tell whether other peers' data comes through.
_UNDECIDED = frozenset(
    {RelayOutcome.UNPROVEN, RelayOutcome.PORTS_UNREACHABLE, RelayOutcome.PEER_DENIED}
)


class StepName(StrEnum):
    """What a probe does, in this order."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    TLS = "tls"
    ALLOCATE = "allocate"
    REDIRECT = "redirect"
    PERMISSION = "permission"
    ECHO = "echo"


class StepOutcome(StrEnum):
    """How a step went."""

    OK = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Step:
    """One step, the time it took in seconds where that is known, and what there is to say."""

    name: StepName
    outcome: StepOutcome
    seconds: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Echo:
    """Datagrams that went from ``peer`` through the relay to us, and back the same way.

    Round trips are in seconds, None where none came back.
    """

    peer: Endpoint
    sent: int
    received: int
    rtt_min: float | None
    rtt_median: float | None

    @property
    def loss(self) -> float:
        """Which part was lost, from 0 to 1."""
        return 1 - self.received / self.sent


@dataclass(frozen=True, slots=True)
class RelayReport:
    """A URI, over one transport, at one address: what works, or which step fails, why, what to do.

    ``lifetime`` is in seconds. ``is_open`` says that nobody has to log in. ``redirected_by`` is the
    server that sent us to this one.
    """

    uri: Uri
    transport: Transport
    server: Endpoint | None
    outcome: RelayOutcome
    why: str
    remedy: str = ""
    steps: tuple[Step, ...] = ()
    tls: Shown | None = None
    relayed: Endpoint | None = None
    mapped: Endpoint | None = None
    lifetime: int | None = None
    software: str | None = None
    is_open: bool | None = None
    echo: Echo | None = None
    redirected_by: Endpoint | None = None

    @property
    def is_usable(self) -> bool | None:
        """Whether a call can use it; None where that is not known."""
        if self.outcome is RelayOutcome.WORKS:
            return True
        return None if self.outcome in _UNDECIDED else False

    @property
    def relayed_scope(self) -> Scope | None:
        """How far the relayed address reaches."""
        return None if self.relayed is None else scope_of(self.relayed.host)

    @property
    def rtt(self) -> float | None:
        """The median round trip of the echo, in seconds."""
        return None if self.echo is None else self.echo.rtt_median

    def step(self, name: StepName) -> Step | None:
        """Return a step, the last of its name; None where it was not reached."""
        return next((step for step in reversed(self.steps) if step.name is name), None)

    def days_left(self, now: float) -> int | None:
        """Return the days until the certificate expires; ``now`` is Unix time in seconds."""
        if self.tls is None or self.tls.expires is None:
            return None
        return int((self.tls.expires - now) // DAY)
