"""What is said of certificates.

What OpenSSL finds is in tests/integration/net/transport/test_tls.py.
"""

import ssl

import pytest

from stunkit.errors import HandshakeFailed, Untrusted
from stunkit.net.transport import certificate as module
from stunkit.net.transport.certificate import explain

NOW = 1_800_000_000.0
PAST, FUTURE = "Jan  1 00:00:00 2026 GMT", "Jan  2 03:04:05 2030 GMT"


def verdict(code: int, message: str = "what OpenSSL says") -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "no")
    error.verify_code = code
    error.verify_message = message
    return error


@pytest.mark.parametrize(
    ("code", "certificate", "sentence"),
    [
        (10, {"notAfter": PAST}, "its certificate expired on 2026-01-01 00:00 UTC"),
        (10, {"notAfter": FUTURE}, "its certificate, or one of its issuers', has expired"),
        (10, {}, "its certificate, or one of its issuers', has expired"),
        (9, {"notBefore": FUTURE}, "its certificate is not valid before 2030-01-02 03:04 UTC"),
        (9, {"notBefore": PAST}, "its certificate, or one of its issuers', is not valid yet"),
        (9, {}, "its certificate, or one of its issuers', is not valid yet"),
        (
            62,
            {"subjectAltName": (("DNS", "a.example"), ("IP Address", "192.0.2.1"))},
            "its certificate is for a.example, 192.0.2.1 and not for h.example",
        ),
        (64, {}, "its certificate is not for h.example"),
        (18, {}, "its certificate is signed by itself alone, and unknown here"),
        (19, {}, "the issuer of its certificate is unknown here"),
        (20, {}, "the issuer of its certificate is unknown here"),
        (21, {}, "the issuer of its certificate is unknown here"),
        (26, {}, "its certificate is not to be trusted: what OpenSSL says"),
    ],
)
def test_says_why_a_certificate_is_not_believed(monkeypatch, code, certificate, sentence):
    monkeypatch.setattr(module.time, "time", lambda: NOW)
    error = explain(verdict(code), "h.example", certificate)
    assert isinstance(error, Untrusted)
    assert str(error) == sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version (_ssl.c:1006)",
            "the server refused the TLS handshake: protocol version",
        ),
        ("[SSL] no ciphers available (_ssl.c:1)", "the TLS handshake failed: no ciphers available"),
        ("a handshake of over 1 bytes", "the TLS handshake failed: a handshake of over 1 bytes"),
    ],
)
def test_says_why_there_is_no_session(text: str, sentence: str):
    error = explain(ssl.SSLError(1, text), "h.example")
    assert isinstance(error, HandshakeFailed)
    assert str(error) == sentence


def test_says_that_a_connection_ended():
    error = explain(ConnectionResetError("connection reset by peer"), "h.example")
    assert isinstance(error, HandshakeFailed)
    assert str(error).startswith("connection reset by peer during the TLS handshake")
