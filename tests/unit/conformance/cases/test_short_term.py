import pytest

from stunkit.conformance.fault import honest, on_answer, replaced
from stunkit.conformance.subject import Credential, Raw
from stunkit.conformance.verdict import Outcome
from stunkit.protocol.credentials import Credentials
from stunkit.protocol.site import Site
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.registry import AttributeType
from tests.unit.conformance.rehearsal import met, saying, verdict_of, world_of

NAMES = ("short-term-missing", "short-term-login", "short-term-wrong")
ME = Credential("me", "secret", is_short_term=True)
SITE = Site(credentials=Credentials(passwords={"me": "secret"}))


@pytest.mark.parametrize("case", NAMES)
def test_our_server_passes(case):
    assert verdict_of(case, met(honest(SITE), credential=ME)).is_pass


@pytest.mark.parametrize("case", NAMES)
@pytest.mark.parametrize("credential", [None, Credential("me", "secret")], ids=["none", "long"])
def test_nothing_is_asked_without_such_a_credential(case, credential):
    world = met(honest(SITE), credential=credential)
    assert verdict_of(case, world).outcome is Outcome.SKIP


@pytest.mark.parametrize("case", NAMES)
def test_open_server_asks_for_none_of_it(case):
    assert verdict_of(case, world_of(credential=ME)).outcome is Outcome.SKIP


@pytest.mark.parametrize("case", NAMES)
def test_long_term_server_is_told_apart(case):
    realm = Raw(AttributeType.REALM, b"here")
    world = met(saying(ErrorCode(401), realm, is_error=True), credential=ME)
    assert verdict_of(case, world).outcome is Outcome.SKIP


def test_unsigned_success_fails():
    wrap = on_answer(lambda message, _: replaced(message, AttributeType.MESSAGE_INTEGRITY))
    world = met(wrap(honest(SITE), SITE), credential=ME)
    assert verdict_of("short-term-login", world).outcome is Outcome.FAIL


def test_signed_refusal_fails():
    secret = Raw(AttributeType.MESSAGE_INTEGRITY, bytes(20))
    world = met(saying(ErrorCode(401), secret, is_error=True), credential=ME)
    assert verdict_of("short-term-wrong", world).outcome is Outcome.FAIL


def test_refusal_with_another_code_fails():
    world = met(saying(ErrorCode(401), is_error=True), credential=ME)
    assert verdict_of("short-term-missing", world).outcome is Outcome.FAIL
