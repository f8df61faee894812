"""Certificates: whose we believe, which one we show, and what is wrong with one.

A client believes the system's roots, or those in a file of its user's; nothing makes it believe
everybody (RFC 8489 section 6.2.3). What is wrong is said in one sentence, for people.
"""

from __future__ import annotations

import os
import re
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from stunkit.errors import HandshakeFailed, SettingsError, TransactionError, Untrusted, UsageError
from stunkit.net.transport.tls import ALPN

# Verdicts of OpenSSL's (X509_V_ERR_* of x509_vfy.h) that have words of their own here.
NOT_YET_VALID, EXPIRED = 9, 10
SELF_SIGNED, SELF_SIGNED_ROOT, NO_ISSUER, NO_FIRST_ISSUER = 18, 19, 20, 21
WRONG_NAME, WRONG_ADDRESS = 62, 64
# Those that the certificate itself explains better; see ``lenient_context``.
IN_DETAIL = frozenset({NOT_YET_VALID, EXPIRED, WRONG_NAME, WRONG_ADDRESS})

_NO_CHECK_TIME = 0x20_0000  # X509_V_FLAG_NO_CHECK_TIME of x509_vfy.h
_MAX_NAMES = 5  # of a certificate that stand in a sentence
# What OpenSSL says when the first bytes are not TLS.
_NO_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"})

_DRESSING = re.compile(r"^\[.*?\] | \(_ssl\.c:.*\)$")  # what Python puts around OpenSSL's words


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """The certificate that a server shows, with its chain, and its key: both in PEM form.

    It is bytes, so that it can go from one process to another; ``load`` has seen that they fit.
    """

    chain: bytes
    key: bytes = field(repr=False)

    @classmethod
    def load(cls, chain: Path, key: Path | None = None) -> Self:
        """Read the files; without ``key``, that is in the first one too. Raises SettingsError."""
        loaded = cls(_read(chain), b"" if key is None else _read(key))
        try:
            loaded.context()
        except ssl.SSLError as error:
            file = str(chain if key is None else key)
            if error.reason == "KEY_VALUES_MISMATCH":
                raise SettingsError(file, "", f"the key is not that of {chain}") from None
            raise SettingsError(str(chain), "", f"no certificate and key with {file}") from None
        except _Encrypted:
            file = str(key or chain)
            raise SettingsError(
                file, "", "the key is encrypted; `openssl pkey` undoes it"
            ) from None
        return loaded

    def context(self) -> ssl.SSLContext:
        """Return a context that shows it. Raises ssl.SSLError.

        Deviation: the cipher suites with DHE keys that RFC 8489 section 6.2.3 wants are not there,
        those with ECDHE are: nobody is left who has the former alone.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.num_tickets = 0  # one connection is one handshake: nobody comes back to resume
        context.set_alpn_protocols([ALPN])
        with _as_file(self.key + b"\n" + self.chain) as path:
            context.load_cert_chain(path, password=_refuse_password)
        return context


class _Encrypted(Exception):
    """OpenSSL asks for a password."""


def _refuse_password() -> str:
    raise _Encrypted  # else OpenSSL would ask the terminal


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(str(path), "", (error.strerror or str(error)).lower()) from None


@contextmanager
def _as_file(data: bytes) -> Iterator[str]:
    """Yield a path under which OpenSSL, which reads nothing else, finds bytes: no disk on Linux."""
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        with os.fdopen(os.memfd_create("certificate"), "wb") as file:
            file.write(data)
            file.flush()
            yield f"/proc/self/fd/{file.fileno()}"
        return
    with tempfile.TemporaryDirectory() as folder:  # which is ours alone
        path = Path(folder, "certificate")
        path.write_bytes(data)
        yield str(path)


def client_context(ca_file: str | os.PathLike[str] | None = None) -> ssl.SSLContext:
    """Return a context that believes the system's roots, or only those in a file.

    Raises UsageError.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # SSLError is one
        reason = "it holds no certificate in PEM form"
        if not isinstance(error, ssl.SSLError):
            reason = (error.strerror or str(error)).lower()
        raise UsageError("a file of certificates to trust", str(ca_file), reason) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols([ALPN])
    return context


def lenient_context(ca_file: str | os.PathLike[str] | None = None) -> ssl.SSLContext:
    """Return a context that takes a certificate of any name and date, in order to look at it.

    Its issuer still has to be believed, since Python shows no other. Nothing may be sent.
    """
    context = client_context(ca_file)
    context.check_hostname = False
    context.verify_flags |= _NO_CHECK_TIME
    return context


def explain(
    error: Exception, server_name: str, certificate: dict[str, Any] | None = None
) -> TransactionError:
    """Return what went wrong in a handshake, in one sentence.

    ``certificate`` is what the server's says, in the form of ``SSLSocket.getpeercert``.
    """
    if isinstance(error, ssl.SSLCertVerificationError):
        return Untrusted(_distrust(error, server_name, certificate or {}))
    if not isinstance(error, ssl.SSLError):
        return HandshakeFailed(f"{error} during the TLS handshake; it may not speak TLS there")
    if getattr(error, "reason", None) in _NO_TLS:  # those that we raise have none
        return HandshakeFailed("what answers there is not TLS")
    words = _DRESSING.sub("", str(error))
    _, is_alert, alert = words.partition(" alert ")
    if is_alert:
        return HandshakeFailed(f"the server refused the TLS handshake: {alert}")
    return HandshakeFailed(f"the TLS handshake failed: {words}")


def _distrust(
    error: ssl.SSLCertVerificationError, server_name: str, certificate: dict[str, Any]
) -> str:
    code = error.verify_code
    if code in (WRONG_NAME, WRONG_ADDRESS):
        names = _names(certificate)
        whom = f" for {', '.join(names)} and" if names else ""
        return f"its certificate is{whom} not for {server_name}"
    if code == EXPIRED:
        end = _date(certificate, "notAfter")
        if end and end[0] < time.time():
            return f"its certificate expired on {end[1]}"
        return "its certificate, or one of its issuers', has expired"
    if code == NOT_YET_VALID:
        start = _date(certificate, "notBefore")
        if start and start[0] > time.time():
            return f"its certificate is not valid before {start[1]}"
        return "its certificate, or one of its issuers', is not valid yet"
    if code == SELF_SIGNED:
        return "its certificate is signed by itself alone, and unknown here"
    if code in (SELF_SIGNED_ROOT, NO_ISSUER, NO_FIRST_ISSUER):
        return "the issuer of its certificate is unknown here"
    return f"its certificate is not to be trusted: {error.verify_message}"


def _names(certificate: dict[str, Any]) -> list[str]:
    """Return the names and addresses that a certificate is for, a few of them."""
    names = [value for _, value in certificate.get("subjectAltName", ())]
    more = len(names) - _MAX_NAMES
    return [*names[:_MAX_NAMES], f"{more} more"] if more > 0 else names


def _date(certificate: dict[str, Any], which: str) -> tuple[float, str] | None:
    """Return a time in a certificate, in Unix seconds and in words."""
    if which not in certificate:
        return None
    seconds = ssl.cert_time_to_seconds(certificate[which])
    return seconds, time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))
