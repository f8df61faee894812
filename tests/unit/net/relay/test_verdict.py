"""From what went wrong with a relay to one word, and why."""

from __future__ import annotations

import ssl

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import (
    HandshakeFailed,
    InvalidAnswer,
    NoAnswer,
    Refused,
    ResolutionError,
    Unreachable,
    Untrusted,
)
from stunkit.net.relay.connection import Site
from stunkit.net.relay.echo import Ending, Try
from stunkit.net.relay.report import Echo
from stunkit.net.relay.report import RelayOutcome as Outcome
from stunkit.net.relay.verdict import judge_allocated, judge_error, judge_rejection, make_verdict
from stunkit.protocol.allocation_event import Allocated, Redirect, Rejected
from stunkit.protocol.turn_credentials import TurnCredentials
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass, Method
from stunkit.wire.uri import Transport

NOW = 1_800_000_000.0
ANN = TurnCredentials("ann", "secret")
PEER = Endpoint.parse("192.0.2.1:1")
ECHO = Echo(PEER, 12, 12, 0.01, 0.02)
BACK = Try(Ending.CAME_BACK, PEER, "12 of 12 datagrams came back", ECHO)
SILENT = Try(Ending.SILENT, PEER, "none of 12 datagrams came back", ECHO)
DENIED = Try(Ending.DENIED, PEER, "the relay's rules forbid 192.0.2.1 as a peer (403)")
IMPOSSIBLE = Try(Ending.IMPOSSIBLE, None, "it cannot be tried")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ResolutionError("a.example", "no address"), Outcome.NAME_NOT_FOUND),
        (Untrusted("nobody knows why"), Outcome.CERTIFICATE_UNTRUSTED),
        (HandshakeFailed("no TLS"), Outcome.TLS_FAILED),
        (NoAnswer(4, 7.5), Outcome.TIMED_OUT),
        (Unreachable("connection refused"), Outcome.REFUSED_CONNECTION),
        (Unreachable("not STUN: it is HTTP"), Outcome.NOT_TURN),
        (Unreachable("not STUN: the length is no multiple of four"), Outcome.NOT_TURN),
        (Unreachable("connection reset by peer"), Outcome.CLOSED),
        (Unreachable("the connection was closed"), Outcome.CLOSED),
        (Unreachable("network is unreachable"), Outcome.UNREACHABLE),
        (InvalidAnswer("it is broken"), Outcome.INVALID_ANSWER),
    ],
)
def test_each_error_has_a_name_and_a_remedy(error, outcome: Outcome):
    judged = judge_error(error)
    assert judged.outcome is outcome
    assert judged.why
    assert judged.remedy


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (10, Outcome.CERTIFICATE_EXPIRED),
        (9, Outcome.CERTIFICATE_NOT_YET_VALID),
        (62, Outcome.CERTIFICATE_WRONG_NAME),
        (64, Outcome.CERTIFICATE_WRONG_NAME),
        (18, Outcome.CERTIFICATE_SELF_SIGNED),
        (19, Outcome.CERTIFICATE_UNKNOWN_ISSUER),
        (20, Outcome.CERTIFICATE_UNKNOWN_ISSUER),
        (21, Outcome.CERTIFICATE_UNKNOWN_ISSUER),
        (26, Outcome.CERTIFICATE_UNTRUSTED),
    ],
)
def test_each_fault_of_a_certificate_has_a_name(code: int, outcome: Outcome):
    cause = ssl.SSLCertVerificationError()
    cause.verify_code = code
    error = Untrusted("it is not to be trusted")
    error.__cause__ = cause
    assert judge_error(error).outcome is outcome


def refused(code: int, reason: str = "", **more) -> Rejected:
    return Rejected(Method.ALLOCATE, Refused(code, reason), is_signed=True, **more)


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (300, Outcome.REDIRECTED),
        (400, Outcome.BAD_REQUEST),
        (401, Outcome.WRONG_CREDENTIALS),
        (403, Outcome.FORBIDDEN),
        (420, Outcome.UNKNOWN_ATTRIBUTE),
        (437, Outcome.ALLOCATION_MISMATCH),
        (438, Outcome.STALE_NONCE),
        (440, Outcome.FAMILY_UNSUPPORTED),
        (441, Outcome.OTHER_CREDENTIALS),
        (442, Outcome.TRANSPORT_UNSUPPORTED),
        (443, Outcome.FAMILY_MISMATCH),
        (486, Outcome.QUOTA_REACHED),
        (500, Outcome.SERVER_ERROR),
        (508, Outcome.NO_CAPACITY),
        (699, Outcome.REFUSED),
    ],
)
def test_each_code_has_a_name_and_a_remedy(code: int, outcome: Outcome):
    judged = judge_rejection(refused(code), ANN, NOW)
    assert judged.outcome is outcome
    assert f"Allocate: {code}" in judged.why
    assert judged.remedy


def test_the_servers_own_words_are_told_where_they_say_more():
    assert (
        '500 Server Error ("disk full")'
        in judge_rejection(refused(500, "disk full\0\0"), ANN, NOW).why
    )
    assert '"' not in judge_rejection(refused(500, "server error"), ANN, NOW).why
    assert judge_rejection(refused(666, "no"), ANN, NOW).why == "Allocate: 666 no"


def test_the_unknown_attribute_and_the_other_server_are_named():
    error = Refused(420, "", (0x0019,))
    assert "REQUESTED-TRANSPORT" in judge_rejection(Rejected(Method.ALLOCATE, error), ANN, NOW).why
    redirected = refused(300, redirect=Redirect(PEER, None))
    assert str(PEER) in judge_rejection(redirected, ANN, NOW).why


def test_who_is_not_let_in_is_told_why():
    rejected = refused(401, realm="example.org")
    nobody = judge_rejection(rejected._replace(is_signed=False), None, NOW)
    assert nobody.outcome is Outcome.CREDENTIALS_NEEDED
    assert 'realm "example.org"' in nobody.why
    wrong = judge_rejection(rejected, ANN, NOW)
    assert wrong.outcome is Outcome.WRONG_CREDENTIALS
    mute = judge_rejection(refused(401)._replace(is_signed=False), ANN, NOW)
    assert mute.outcome is Outcome.INVALID_ANSWER
    assert "REALM" in mute.why


@pytest.mark.parametrize(
    ("ahead", "outcome", "word"),
    [
        (-30, Outcome.EXPIRED_CREDENTIALS, "30 seconds ago"),
        (-600, Outcome.EXPIRED_CREDENTIALS, "10 minutes ago"),
        (-7200, Outcome.EXPIRED_CREDENTIALS, "2 hours ago"),
        (-864000, Outcome.EXPIRED_CREDENTIALS, "10 days ago"),
        (600, Outcome.WRONG_CREDENTIALS, "clock is over 10 minutes ahead"),
    ],
)
def test_a_username_that_says_when_it_expires_is_believed(ahead: int, outcome, word: str):
    made = TurnCredentials(f"{int(NOW) + ahead}:ann", "secret")
    judged = judge_rejection(refused(401), made, NOW)
    assert judged.outcome is outcome
    assert word in judged.why


def test_an_unsigned_answer_is_told_with_doubt():
    kind = MessageClass.ERROR_RESPONSE
    said = Message.build(kind, Method.ALLOCATE, bytes(12), (ErrorCode(486, "too many"),))
    rejected = Rejected(Method.ALLOCATE, InvalidAnswer("not signed"), unsigned=said)
    judged = judge_rejection(rejected, ANN, NOW)
    assert judged.outcome is Outcome.QUOTA_REACHED
    assert "too many" in judged.why
    assert "somebody else may have sent it" in judged.why
    blank = Message.build(kind, Method.ALLOCATE, bytes(12))
    broken = blank.append(AttributeType.ERROR_CODE, b"\0")
    for strange in (blank, broken):
        found = judge_rejection(rejected._replace(unsigned=strange), ANN, NOW)
        assert found.outcome is Outcome.INVALID_ANSWER


def judge(relayed: str, *tries: Try, server: str = "198.51.100.1", is_signed: bool = True):
    allocated = Allocated(
        (Endpoint.of(relayed, 50000),), PEER, 600, None, None, 0.01, is_signed=is_signed
    )
    site = Site(Endpoint.of(server, 3478), Transport.UDP, "relay.example")
    return judge_allocated(allocated, site, tries)


@pytest.mark.parametrize(
    ("tries", "outcome"),
    [
        ((BACK,), Outcome.WORKS),
        ((DENIED, BACK), Outcome.WORKS),
        ((IMPOSSIBLE, BACK), Outcome.WORKS),
        ((SILENT, BACK), Outcome.PORTS_UNREACHABLE),
        ((SILENT, SILENT), Outcome.NO_DATA),
        ((DENIED, DENIED), Outcome.PEER_DENIED),
        ((IMPOSSIBLE, DENIED), Outcome.PEER_DENIED),
        ((DENIED, IMPOSSIBLE), Outcome.UNPROVEN),
        ((SILENT, DENIED), Outcome.UNPROVEN),
        ((DENIED, SILENT), Outcome.UNPROVEN),
        ((SILENT, IMPOSSIBLE), Outcome.UNPROVEN),
        ((IMPOSSIBLE, IMPOSSIBLE), Outcome.UNPROVEN),
    ],
)
def test_what_came_back_decides(tries: tuple[Try, ...], outcome: Outcome):
    assert judge("198.51.100.1", *tries).outcome is outcome


@pytest.mark.parametrize(
    ("relayed", "server", "is_private"),
    [
        ("10.0.0.1", "198.51.100.1", True),
        ("10.0.0.1", "8.8.8.8", True),
        ("192.0.2.1", "8.8.8.8", True),
        ("127.0.0.1", "10.0.0.1", True),
        ("169.254.0.1", "10.0.0.1", True),
        ("0.0.0.0", "10.0.0.1", True),
        ("fd00::1", "8.8.8.8", True),
        ("100.64.0.1", "8.8.8.8", True),
        ("8.8.4.4", "8.8.8.8", False),
        ("10.0.0.1", "10.0.0.1", False),
        ("10.0.0.1", "192.168.0.1", False),
        ("10.0.0.1", "127.0.0.1", False),
        ("8.8.8.8", "10.0.0.1", False),
        ("2a00::1", "8.8.8.8", False),
    ],
)
def test_an_address_that_reaches_less_far_than_the_relays_own_is_private(
    relayed: str, server: str, is_private: bool
):
    judged = judge(relayed, BACK, server=server)
    assert (judged.outcome is Outcome.PRIVATE_RELAY) is is_private


def test_closed_ports_are_not_put_down_to_udp_that_works():
    for is_open in (False, True):
        why = judge("198.51.100.1", SILENT._replace(is_udp_open=is_open), BACK).why
        assert ("UDP does not leave" in why) is not is_open


def test_an_open_relay_is_told():
    assert "anyone may use" in judge("198.51.100.1", BACK, is_signed=False).why


def test_a_verdict_comes_with_its_remedy():
    assert make_verdict(Outcome.WORKS, "well").remedy == ""
    assert make_verdict(Outcome.QUOTA_REACHED, "full").remedy
