import pytest

from stunkit.conformance.cases.challenge import Challenge, has_challenge, sign, sign_sha256
from stunkit.conformance.subject import Credential
from stunkit.conformance.verdict import Judged, Outcome
from stunkit.wire.attributes.password import Algorithm, PasswordAlgorithms
from stunkit.wire.integrity import check_integrity, check_integrity_sha256, long_term_key
from stunkit.wire.registry import AttributeType
from tests.unit.conformance.rehearsal import world_of

SHA256 = PasswordAlgorithms((Algorithm(2),))
MET = Challenge("stun.example", b"obMatJos2AAAB1234", SHA256, Credential("me", "secret"))


def test_signs_as_rfc_5389_has_it():
    signed = sign(world_of().subject, MET)
    assert signed.key == long_term_key("me", "stun.example", "secret")
    assert check_integrity(signed.request, signed.key)
    assert signed.request.value(AttributeType.NONCE) == MET.nonce
    assert signed.request.value(AttributeType.PASSWORD_ALGORITHMS) is None


def test_leaves_out_what_is_asked():
    signed = sign(world_of().subject, MET, leaves_out=AttributeType.NONCE)
    assert signed.request.value(AttributeType.NONCE) is None
    assert check_integrity(signed.request, signed.key)
    assert not has_challenge(signed.request)


def test_signs_with_the_algorithm_that_is_offered():
    signed = sign_sha256(world_of().subject, MET)
    assert len(signed.key) == 32
    assert check_integrity_sha256(signed.request, signed.key)
    assert signed.request.value(AttributeType.PASSWORD_ALGORITHM) == b"\0\2\0\0"


@pytest.mark.parametrize(
    ("offered", "outcome"),
    [(None, Outcome.SKIP), (PasswordAlgorithms((Algorithm(99),)), Outcome.UNKNOWN)],
)
def test_needs_an_algorithm_that_is_known(offered, outcome):
    with pytest.raises(Judged) as caught:
        sign_sha256(world_of().subject, MET._replace(offered=offered))
    assert caught.value.verdict.outcome is outcome


def test_realm_that_cannot_be_used_is_unknown():
    with pytest.raises(Judged) as caught:
        sign(world_of().subject, MET._replace(realm=""))
    assert caught.value.verdict.outcome is Outcome.UNKNOWN
