import pytest

from stunkit.conformance.catalogue import CASES
from stunkit.conformance.fault import honest, on_answer, replaced
from stunkit.conformance.subject import Credential
from stunkit.conformance.verdict import Outcome
from stunkit.protocol.credentials import Credentials
from stunkit.protocol.site import Site
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType
from stunkit.wire.uri import Transport
from tests.unit.conformance.rehearsal import examine_all, ids, met, verdict_of, world_of

LOGIN = [case.id for case in CASES if case.group == "login" and "short" not in case.id]
ME = Credential("me", "secret")
SITE = Site(
    credentials=Credentials(
        passwords={"me": "secret"}, realm="stun.example", nonce_secret=bytes(range(32))
    )
)


def closed(wrap=None, credential=ME):
    server = honest(SITE)
    return met(server if wrap is None else wrap(server, SITE), credential=credential)


@pytest.mark.parametrize("case", LOGIN)
def test_our_closed_server_passes(case):
    assert verdict_of(case, closed()).is_pass


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
def test_our_closed_server_breaks_nothing_but_that_it_is_closed(transport):
    verdicts = examine_all(met(honest(SITE), credential=ME, transport=transport))
    assert ids(verdicts) == {"open-to-all"}
    assert not ids(verdicts, Outcome.UNKNOWN)


def test_wrong_credential_is_told():
    world = closed(credential=Credential("me", "forgotten"))
    assert verdict_of("login-accepted", world).outcome is Outcome.FAIL
    assert verdict_of("unsigned-rest", world).outcome is Outcome.UNKNOWN


def test_without_credential_the_challenge_alone_is_seen():
    world = closed(credential=None)
    assert verdict_of("challenge", world).is_pass
    assert verdict_of("nonce-apart", world).is_pass
    assert verdict_of("login-accepted", world).outcome is Outcome.SKIP


@pytest.mark.parametrize("case", LOGIN)
def test_open_server_asks_for_none_of_it(case):
    world = world_of(credential=ME)
    assert verdict_of(case, world).outcome is Outcome.SKIP


def without(number):
    return on_answer(lambda message, _: replaced(message, number))


def same_nonce(message, request):
    del request
    number = AttributeType.NONCE
    return replaced(message, number, (number, b"obMatJos2AAABthesameforall"))


def old_nonce(message, request):
    del request
    return replaced(message, AttributeType.NONCE, (AttributeType.NONCE, b"as in RFC 5389"))


def letting_in(server, site):
    """Return a server that answers whoever signs with anything."""

    def serve(received):
        message = Message.decode(received.data)
        if message.value(AttributeType.MESSAGE_INTEGRITY) is None:
            return server(received)
        return honest(Site())(received)

    return serve


@pytest.mark.parametrize(
    ("wrap", "broken"),
    [
        (without(AttributeType.REALM), "challenge"),
        (without(AttributeType.NONCE), "challenge"),
        (on_answer(same_nonce), "nonce-apart"),
        (on_answer(old_nonce), "nonce-cookie"),
        (on_answer(old_nonce), "nonce-feature"),
        (without(AttributeType.MESSAGE_INTEGRITY), "login-accepted"),
        (without(AttributeType.MESSAGE_INTEGRITY_SHA256), "login-sha256"),
        (letting_in, "wrong-password"),
        (letting_in, "wrong-username"),
        (letting_in, "login-incomplete"),
        (letting_in, "stale-nonce"),
    ],
)
def test_fault_of_a_closed_server_is_found(wrap, broken):
    world = closed()
    world.server = wrap(world.server, SITE)
    assert verdict_of(broken, world).outcome is Outcome.FAIL


def test_a_nonce_that_is_missing_is_one_fault_alone():
    world = closed()
    world.server = without(AttributeType.NONCE)(world.server, SITE)
    assert verdict_of("nonce-apart", world).outcome is Outcome.SKIP
    assert verdict_of("challenge", world).outcome is Outcome.FAIL


def test_acting_on_what_follows_the_signature_is_found():
    def reading_on(server, site):
        def serve(received):
            message = Message.decode(received.data)
            if message.attributes and message.attributes[-1][0] == 0x7F53:
                return honest(Site())(received._replace(data=received.data[:20]))
            return server(received)

        return serve

    world = closed()
    world.server = reading_on(world.server, SITE)
    verdict = verdict_of("unsigned-rest", world)
    assert verdict.outcome is not Outcome.PASS


def test_a_login_comes_first():
    honest_server = closed().server

    def hasty(received):
        if b"\x7f\x53" in received.data[20:]:
            return honest(Site())(received)
        return honest_server(received)

    assert verdict_of("login-first", met(hasty)).outcome is Outcome.FAIL
