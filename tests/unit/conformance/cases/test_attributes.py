import pytest

from stunkit.conformance.fault import Reaction
from stunkit.conformance.subject import Raw
from stunkit.conformance.verdict import Outcome
from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.registry import AttributeType
from tests.unit.conformance.rehearsal import met, saying, verdict_of, world_of

DEPENDENT = ("unknown-listed", "unknown-exact", "unknown-padded", "error-number", "error-phrase")


def silent_to(number):
    """Return an honest server that leaves requests with an attribute unanswered."""
    honest = world_of().server
    mark = number.to_bytes(2, "big")
    return lambda received: Reaction() if mark in received.data[20:] else honest(received)


def test_silence_to_an_unknown_attribute_is_one_fault_and_no_more():
    world = met(silent_to(0x7F53))
    assert verdict_of("unknown-required", world).outcome is Outcome.FAIL
    assert {verdict_of(name, world).outcome for name in DEPENDENT} == {Outcome.SKIP}


def test_silence_to_what_follows_message_integrity_is_found():
    assert verdict_of("after-integrity", met(silent_to(0x7F53))).outcome is Outcome.FAIL


def test_silence_to_message_integrity_says_nothing_of_what_follows():
    world = met(silent_to(AttributeType.MESSAGE_INTEGRITY))
    assert verdict_of("after-integrity", world).outcome is Outcome.UNKNOWN
    assert verdict_of("unknown-user", world).outcome is Outcome.UNKNOWN


def test_padding_is_not_blamed_where_odd_lengths_are():
    world = met(silent_to(0xFE53))
    assert verdict_of("padded", world).outcome is Outcome.FAIL
    assert verdict_of("padding-any", world).outcome is Outcome.SKIP


@pytest.mark.parametrize(
    ("case", "value"),
    [
        ("error-number", b"\0\0"),
        ("error-number", b"\0\0\x07\x14"),
        ("error-number", b"\0\0\x04\x64"),
        ("error-phrase", b"\0\0\x04\x14" + b"\xff"),
        ("error-phrase", b"\0\0\x04\x14" + b"x" * 128),
    ],
)
def test_error_that_is_worded_wrong_fails(case, value):
    server = saying(Raw(AttributeType.ERROR_CODE, value), is_error=True)
    world = met(server)
    world.subject = world.subject._replace(plain=None)  # it is no plain request that is refused
    assert verdict_of(case, world).outcome is Outcome.FAIL


def test_list_of_odd_length_fails():
    listed = Raw(AttributeType.UNKNOWN_ATTRIBUTES, b"\x7f\x53\x00")
    world = met(saying(ErrorCode(420), listed, is_error=True))
    assert verdict_of("unknown-exact", world).outcome is Outcome.FAIL


def test_list_with_more_than_is_unknown_fails():
    listed = UnknownAttributes((0x7F53, 0x7A11, 0x6C3B, 0x8022))
    verdict = verdict_of("unknown-exact", met(saying(ErrorCode(420), listed, is_error=True)))
    assert verdict.why == (
        "0x7f53, 0x7a11, 0x6c3b are unknown, and it lists 0x7f53, 0x7a11, 0x6c3b, 0x8022"
    )


def test_what_a_server_does_not_send_it_need_not_know():
    assert verdict_of("known-unexpected", met(saying())).outcome is Outcome.SKIP
    known = saying(XorMappedAddress(Endpoint.of("192.0.2.1", 1)))
    assert verdict_of("known-unexpected", met(known)).is_pass


@pytest.mark.parametrize("number", [AttributeType.MESSAGE_INTEGRITY, AttributeType.USERNAME])
def test_refusal_of_a_stranger_has_no_secrets(number):
    server = saying(ErrorCode(401), Raw(number, bytes(20)), is_error=True)
    world = met(server)
    world.subject = world.subject._replace(plain=None)
    assert verdict_of("unknown-user", world).outcome is Outcome.FAIL


def test_long_term_refusal_may_be_signed():
    secret = Raw(AttributeType.MESSAGE_INTEGRITY, bytes(20))
    realm = Raw(AttributeType.REALM, b"here")
    world = met(saying(ErrorCode(401), realm, secret, is_error=True))
    world.subject = world.subject._replace(plain=None)
    assert verdict_of("unknown-user", world).is_pass


def test_success_to_what_is_cut_off_fails():
    honest = world_of().server

    def forgiving(received):
        return honest(received._replace(data=received.data[:2] + bytes(2) + received.data[4:20]))

    assert verdict_of("cut-off", met(forgiving)).outcome is Outcome.FAIL
