from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.errors import Malformed
from stunkit.wire.pcp import PcpAnswer, PcpResult, announce

ANSWER = bytes.fromhex("02 80 00 00 00000000 00000e10") + bytes(12)


def test_announce_names_the_client_and_nothing_else():
    request = announce(IPv4Address("10.0.0.2").packed)
    assert request.hex() == "02000000" + "00000000" + "00" * 10 + "ffff" + "0a000002"
    address = IPv6Address("2001:db8::1").packed
    assert announce(address) == request[:8] + address


def test_decodes_an_answer():
    assert PcpAnswer.decode(ANSWER) == PcpAnswer(PcpResult.SUCCESS, 3600)
    refusal = ANSWER[:3] + bytes((PcpResult.NOT_AUTHORIZED,)) + ANSWER[4:]
    assert PcpAnswer.decode(refusal).result == PcpResult.NOT_AUTHORIZED


@pytest.mark.parametrize("opcode", ["00", "80"])
def test_knows_a_router_that_speaks_nat_pmp_alone(opcode: str):
    # RFC 6886 section 3.5, as printed and with erratum 3618
    answer = PcpAnswer.decode(bytes.fromhex(f"00 {opcode} 0001 00000007"))
    assert answer == PcpAnswer(PcpResult.UNSUPP_VERSION, 7)


def test_knows_a_router_of_another_version():
    # RFC 6887 section 9: the version is the highest that it knows
    assert PcpAnswer.decode(b"\1\x80\0\1" + ANSWER[4:]).result == PcpResult.UNSUPP_VERSION


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 bytes"),
        (ANSWER[:20], "20 bytes"),
        (ANSWER + b"\0", "25 bytes"),
        (ANSWER + bytes(1080), "1104 bytes"),
        (b"\1" + ANSWER[1:], "version is 1"),
        (b"\0\x80\0\0" + ANSWER[4:], "version is 0"),
        (b"\2\0" + ANSWER[2:], "opcode is 0"),
        (b"\2\x81" + ANSWER[2:], "opcode is 129"),
    ],
)
def test_refuses_what_is_no_answer(data: bytes, reason: str):
    with pytest.raises(Malformed, match=reason):
        PcpAnswer.decode(data)


@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda rest: ANSWER[:3] + rest))
def test_any_bytes_are_an_answer_or_malformed(data: bytes):
    try:
        answer = PcpAnswer.decode(data)
    except Malformed:
        return
    assert data[0] == 2 or answer.result == PcpResult.UNSUPP_VERSION
