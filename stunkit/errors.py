"""Every error that stunkit raises, as one tree.

    StunkitError
    ├─ WireError               about bytes; carries place and offset
    │   ├─ NotStun             the sender's: drop, count, never answer
    │   ├─ Malformed           the sender's: answer 400 if it was a request, else drop
    │   └─ Unencodable         ours: the caller asked for an impossible message
    ├─ TransactionError        a question that got no usable answer
    │   ├─ NoAnswer            silence until the last retransmission timed out
    │   ├─ Refused             an error response; carries its code and reason
    │   ├─ InvalidAnswer       a success response that cannot be used
    │   ├─ Untrusted           over TLS: a certificate that does not show who the server is
    │   ├─ HandshakeFailed     over TLS: no session, whatever the certificate
    │   └─ Unreachable         the operating system or an ICMP message says so
    ├─ ResolutionError         a server's name that leads to no address
    ├─ UsageError              text from a person that names nothing: a server, a URI, an address
    ├─ SettingsError           a settings file, or a file that settings name: which, where, why
    ├─ SignalError             a message of the signalling protocol that is refused: code, reason
    ├─ StartError              a server that cannot start: what, why, and how to mend it
    └─ LabError                a network namespace that could not be built: step, command, stderr

Errors are data; the sentence is made in ``__str__``.
"""

from __future__ import annotations


class StunkitError(Exception):
    """The root: catch this to catch everything that stunkit raises on purpose."""


class WireError(StunkitError):
    """Something about bytes.

    ``place`` names the header or the attribute, ``offset`` counts bytes from the start of the
    message.
    """

    def __init__(self, reason: str, *, place: str = "", offset: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place
        self.offset = offset

    def __str__(self) -> str:
        where = f"{self.place} at byte {self.offset}" if self.place else f"byte {self.offset}"
        return f"{where}: {self.reason}"


class NotStun(WireError):
    """The bytes are no STUN message (RFC 8489 section 6.3): drop them, never answer."""


class Malformed(WireError):
    """A STUN header with a broken body: 400 to a request, silence to anything else.

    ``header`` holds the 20 bytes of the message's header when they are known, so that a server
    can address its answer.
    """

    def __init__(
        self, reason: str, *, place: str = "", offset: int = 0, header: bytes = b""
    ) -> None:
        super().__init__(reason, place=place, offset=offset)
        self.header = header


class Unencodable(WireError):
    """The caller asked for a message that cannot exist on the wire."""

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}" if self.place else self.reason


class TransactionError(StunkitError):
    """A request that led to no usable answer (RFC 8489 section 6.3)."""


class NoAnswer(TransactionError):
    """Silence. ``sends`` counts the requests that left, ``waited`` is in seconds.

    ``forged_by`` names an endpoint that answered though another one was asked, as text.
    """

    def __init__(self, sends: int, waited: float, forged_by: str = "") -> None:
        super().__init__(sends, waited, forged_by)
        self.sends = sends
        self.waited = waited
        self.forged_by = forged_by

    def __str__(self) -> str:
        times = "once" if self.sends == 1 else f"{self.sends} times"
        sentence = f"no answer in {self.waited:.1f} s (asked {times})"
        if self.forged_by:
            sentence += f"; {self.forged_by} answered, which was not asked"
        return sentence


class Refused(TransactionError):
    """An error response: ``code`` and ``reason`` of its ERROR-CODE (RFC 8489 section 14.8)."""

    def __init__(self, code: int, reason: str, unknown: tuple[int, ...] = ()) -> None:
        super().__init__(code, reason, unknown)
        self.code = code
        self.reason = reason
        self.unknown = unknown

    def __str__(self) -> str:
        detail = "".join(f" 0x{number:04X}" for number in self.unknown)
        return f"refused with {self.code} {self.reason}".rstrip() + detail


class InvalidAnswer(TransactionError):
    """A success response that cannot be used, and why."""


class Untrusted(TransactionError):
    """The server's certificate does not show that it is who we asked (RFC 8489 section 6.2.3)."""


class HandshakeFailed(TransactionError):
    """There is no TLS session: refused, broken off, or no TLS is spoken there."""


class Unreachable(TransactionError):
    """The operating system refused to send, or a hard ICMP error came back."""


class ResolutionError(StunkitError):
    """``name`` leads to no address."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(name, reason)
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot resolve {self.name}: {self.reason}"


class UsageError(StunkitError):
    """``text`` was meant to name ``what``, and does not; ``option`` is where it was given."""

    def __init__(self, what: str, text: str, reason: str, option: str = "") -> None:
        super().__init__(what, text, reason, option)
        self.what = what
        self.text = text
        self.reason = reason
        self.option = option

    def __str__(self) -> str:
        sentence = f"{self.text!r} is not {self.what}: {self.reason}"
        return f"{self.option}: {sentence}" if self.option else sentence


class SettingsError(StunkitError):
    """Settings that a server cannot take: ``file`` and ``key``, if it is about one, and why.

    ``line`` is that of the file, None where it is not known.
    """

    def __init__(self, file: str, key: str, reason: str, line: int | None = None) -> None:
        super().__init__(file, key, reason, line)
        self.file = file
        self.key = key
        self.reason = reason
        self.line = line

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return ": ".join(part for part in (place, self.key, self.reason) if part)


class SignalError(StunkitError):
    """A message of the signalling protocol that is refused: ``code`` is the protocol's word."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


class StartError(StunkitError):
    """A server that cannot start; ``remedy`` says how to mend it."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}; {self.remedy}"


class LabError(StunkitError):
    """A step of the lab that failed, with the command and what it wrote to stderr."""

    def __init__(self, step: str, command: str, stderr: str) -> None:
        super().__init__(step, command, stderr)
        self.step = step
        self.command = command
        self.stderr = stderr

    def __str__(self) -> str:
        return f"{self.step}: `{self.command}` failed: {self.stderr.strip()}"
