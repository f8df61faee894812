from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.errors import Malformed
from stunkit.wire.pmp import ADDRESS_REQUEST, PmpAnswer, PmpResult

# RFC 6886 section 3.2: version 0, opcode 128, result, epoch, address
ANSWER = bytes.fromhex("0080 0000 00000e10 cb007101")


def test_the_only_request_is_the_one_without_effect():
    assert ADDRESS_REQUEST == b"\0\0"


def test_decodes_an_answer():
    answer = PmpAnswer.decode(ANSWER)
    assert answer == PmpAnswer(PmpResult.SUCCESS, 3600, IPv4Address("203.0.113.1"))


def test_a_failure_has_no_address_whatever_follows():
    failure = PmpAnswer(PmpResult.NETWORK_FAILURE, 9, None)
    assert PmpAnswer.decode(bytes.fromhex("00800003 00000009")) == failure
    assert PmpAnswer.decode(bytes.fromhex("00800003 00000009 cb007101")) == failure


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "0 bytes"),
        (ANSWER[:7], "7 bytes"),
        (ANSWER[:11], "cut off"),
        (b"\2" + ANSWER[1:], "version is 2"),
        (b"\0\0" + ANSWER[2:], "opcode is 0"),
        (b"\0\x81" + ANSWER[2:], "opcode is 129"),
    ],
)
def test_refuses_what_is_no_answer(data: bytes, reason: str):
    with pytest.raises(Malformed, match=reason):
        PmpAnswer.decode(data)


@given(st.binary(max_size=40) | st.binary(max_size=40).map(lambda rest: ANSWER[:3] + rest))
def test_any_bytes_are_an_answer_or_malformed(data: bytes):
    try:
        answer = PmpAnswer.decode(data)
    except Malformed:
        return
    assert (answer.external is None) == (answer.result != PmpResult.SUCCESS)
