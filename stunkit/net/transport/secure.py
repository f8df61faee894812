"""A TLS connection to a server, with what there is to say about its certificate.

RFC 8489 section 6.2.3: the certificate has to be for the name that was asked for.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from enum import StrEnum
from typing import Any, NamedTuple, TypeVar

from stunkit.endpoint import Endpoint
from stunkit.errors import TransactionError, Untrusted
from stunkit.net.drive import Driver
from stunkit.net.transport.certificate import (
    EXPIRED,
    IN_DETAIL,
    NO_FIRST_ISSUER,
    NO_ISSUER,
    NOT_YET_VALID,
    SELF_SIGNED,
    SELF_SIGNED_ROOT,
    WRONG_ADDRESS,
    WRONG_NAME,
    client_context,
    explain,
    lenient_context,
)
from stunkit.net.transport.tls import TlsSession

E = TypeVar("E")

ALPN_TURN = "stun.turn"  # RFC 7443 section 6


class Fault(StrEnum):
    """Why a certificate is not believed."""

    UNKNOWN_ISSUER = "unknown issuer"
    SELF_SIGNED = "self-signed"
    EXPIRED = "expired"
    NOT_YET_VALID = "not yet valid"
    WRONG_NAME = "wrong name"
    OTHER = "other"


_FAULTS: dict[int | None, Fault] = {
    NOT_YET_VALID: Fault.NOT_YET_VALID,
    EXPIRED: Fault.EXPIRED,
    SELF_SIGNED: Fault.SELF_SIGNED,
    SELF_SIGNED_ROOT: Fault.UNKNOWN_ISSUER,
    NO_ISSUER: Fault.UNKNOWN_ISSUER,
    NO_FIRST_ISSUER: Fault.UNKNOWN_ISSUER,
    WRONG_NAME: Fault.WRONG_NAME,
    WRONG_ADDRESS: Fault.WRONG_NAME,
}


class Shown(NamedTuple):
    """What a server over TLS has shown: ``expires`` is Unix time in seconds."""

    version: str | None
    subject: str
    names: tuple[str, ...]
    issuer: str
    expires: float | None


class TimedSession(TlsSession):
    """A client's session that knows when its handshake began, on the loop's clock."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        super().__init__(context, name)
        self.name = name
        self.begun: float | None = None

    def start(self) -> None:
        """Begin the handshake."""
        self.begun = asyncio.get_running_loop().time()
        super().start()

    @property
    def shown(self) -> Shown:
        """What the certificate says, once there is a session."""
        certificate: dict[str, Any] = self.certificate
        ends = certificate.get("notAfter")
        return Shown(
            self.version,
            _name(certificate.get("subject", ())),
            tuple(value for _, value in certificate.get("subjectAltName", ())),
            _name(certificate.get("issuer", ())),
            None if ends is None else float(ssl.cert_time_to_seconds(ends)),
        )


class Secure:
    """Opens TLS connections for a driver; the context, slow to make, is made once."""

    def __init__(self, ca_file: str | os.PathLike[str] | None, alpn: str) -> None:
        """Take whom to trust: the system's roots, or those in a file. Raises UsageError."""
        self._ca_file = ca_file
        self._context = client_context(ca_file)
        self._context.set_alpn_protocols([alpn])

    def session(self, name: str) -> TimedSession:
        """Return a session with a server that has to be ``name``."""
        return TimedSession(self._context, name.partition("%")[0].rstrip("."))

    async def connect(
        self,
        driver: Driver[E],
        server: Endpoint,
        session: TimedSession,
        bind: Endpoint | None = None,
    ) -> Endpoint:
        """Open a connection and return its local endpoint.

        Raises OSError when there is no connection at all, else Untrusted and HandshakeFailed.
        """
        name = session.name
        try:
            return await driver.connect(server, bind, session)
        except ssl.SSLCertVerificationError as error:
            shown = {}
            if error.verify_code in IN_DETAIL:
                shown = await self._look(driver, server, name, bind)
            raise explain(error, name, shown) from error
        except ssl.SSLError as error:
            raise explain(error, name) from error
        except OSError as error:
            if session.is_begun:
                raise explain(error, name) from error
            raise

    async def _look(
        self, driver: Driver[E], server: Endpoint, name: str, bind: Endpoint | None
    ) -> dict[str, object]:
        """Return what the certificate says that was not believed: nothing else is asked or sent."""
        session = TlsSession(lenient_context(self._ca_file), name)
        try:
            await driver.connect(server, bind and bind.with_port(0), session)
        except OSError:
            return {}
        return session.certificate


def fault_of(error: TransactionError) -> Fault | None:
    """Return why a certificate is not believed, None for an error that is about something else."""
    if not isinstance(error, Untrusted):
        return None
    cause = error.__cause__
    code = cause.verify_code if isinstance(cause, ssl.SSLCertVerificationError) else None
    return _FAULTS.get(code, Fault.OTHER)


def _name(parts: Any) -> str:  # noqa: ANN401 (as ssl has it)
    """Return the common name of a subject or issuer, its organization where it has none."""
    found = {key: value for part in parts for key, value in part}
    return str(found.get("commonName") or found.get("organizationName") or "")
