import pytest

from stunkit.dissect.value import SHOWN, describe, hexadecimal
from stunkit.endpoint import Endpoint, Family
from stunkit.wire.attributes import address, behavior, digest, error, ice, password, text, turn
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.nonce import SecurityFeature, nonce_cookie

IDENTITY = bytes(range(12))


def say(attribute):
    return describe(attribute, attribute.encode(IDENTITY))


@pytest.mark.parametrize(
    ("attribute", "said"),
    [
        (address.MappedAddress(Endpoint.parse("192.0.2.1:7")), "192.0.2.1:7"),
        (address.XorMappedAddress(Endpoint.parse("[2001:db8::1]:7")), "[2001:db8::1]:7"),
        (error.ErrorCode(420, "Unknown Attribute"), "420 Unknown Attribute"),
        (error.UnknownAttributes((0x24, 0x7777)), "PRIORITY, 0x7777"),
        (error.UnknownAttributes(()), "none"),
        (
            behavior.ChangeRequest(change_ip=True, change_port=True),
            "answer from the other address and port",
        ),
        (behavior.ChangeRequest(change_port=True), "answer from the other port"),
        (behavior.ChangeRequest(), "change nothing"),
        (behavior.ResponsePort(7), "7"),
        (behavior.CacheTimeout(7), "7 s"),
        (turn.Lifetime(600), "600 s"),
        (turn.ChannelNumber(0x4001), "0x4001"),
        (turn.RequestedTransport(17), "17 (UDP)"),
        (turn.RequestedTransport(99), "99"),
        (turn.EvenPort(reserve_next=True), "and reserve the next"),
        (turn.EvenPort(), "this one only"),
        (turn.RequestedAddressFamily(Family.IPV6), "IPv6"),
        (turn.DontFragment(), "set"),
        (turn.Icmp(3, 4, 1400), "type 3, code 4, data 1400"),
        (turn.Icmp(3, 1), "type 3, code 1"),
        (turn.AddressErrorCode(Family.IPV6, 440, "No"), "IPv6: 440 No"),
        (turn.ReservationToken(b"12345678"), b"12345678".hex()),
        (text.Software("stunkit"), "stunkit"),
        (text.Nonce(b"abc"), "abc"),
        (text.Nonce(b"\x1b[2J"), "1b5b324a"),
        (text.Password(b"secret"), "secret"),
        (digest.Fingerprint(0xE57A3BCF), "e57a3bcf"),
        (ice.IceControlled(1), "tie-breaker 0000000000000001"),
        (ice.Priority(0x7EFFFFFF), "2130706431 (type 126 (host), local 65535, component 1)"),
        (ice.Priority(0x050000FE), "83886334 (type 5, local 0, component 2)"),
        (password.PasswordAlgorithm(password.Algorithm(2)), "SHA-256"),
        (
            password.PasswordAlgorithms((password.Algorithm(1), password.Algorithm(9, b"abc"))),
            "MD5, 0x0009",
        ),
        (password.PasswordAlgorithms(()), "none"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_says_what_an_attribute_means(attribute, said):
    assert say(attribute).text == said


@pytest.mark.parametrize(
    ("attribute", "note"),
    [
        (text.Username("abcd:efgh"), "of ICE: to ufrag abcd, from efgh"),
        (text.Username("somebody"), ""),
        (text.Nonce(nonce_cookie(SecurityFeature(3)) + b"x"), "password algorithms"),
        (text.Nonce(nonce_cookie(SecurityFeature(0)) + b"x"), "security features: none"),
        (error.ErrorCode(401, "Nope"), "registered as Unauthorized"),
        (error.ErrorCode(401, "Unauthorized"), ""),
        (error.ErrorCode(333, "Odd"), "this code is not registered"),
    ],
    ids=str,
)
def test_remarks_what_the_value_does_not_say(attribute, note):
    said = say(attribute).note
    assert said == note or (note and note in said)


def test_parts_of_an_address_fill_it():
    parts = say(address.XorMappedAddress(Endpoint.parse("192.0.2.1:32853"))).parts
    assert [size for size, _, _ in parts] == [1, 1, 2, 4]
    assert parts[2][2].startswith("32853 (0x")


def test_parts_of_algorithms_fill_them_with_their_padding():
    algorithms = (password.Algorithm(1, b"abcde"), password.Algorithm(2))
    attribute = password.PasswordAlgorithms(algorithms)
    assert sum(size for size, _, _ in say(attribute).parts) == len(attribute.encode(IDENTITY))


def test_leaves_out_the_end_of_long_bytes():
    assert hexadecimal(bytes(SHOWN)) == "00" * SHOWN
    assert hexadecimal(bytes(1000)).endswith("... (1000 bytes)")


def test_knows_no_other_shape():
    with pytest.raises(TypeError, match="Attribute"):
        describe(Attribute(), b"")
