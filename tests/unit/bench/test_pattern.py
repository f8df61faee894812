import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.bench.pattern import Pattern, Verdict, judge
from stunkit.endpoint import Endpoint
from stunkit.wire.attributes.address import MappedAddress, ResponseOrigin, XorMappedAddress
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.attributes.text import Software
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from tests.unit.bench.answers import (
    IPV4,
    IPV6,
    OTHER,
    SECRET,
    answer,
    columns,
    model,
    transaction_id,
)

TAIL = SECRET[8:]
KINDS = (XorMappedAddress, MappedAddress)

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
each_family = pytest.mark.parametrize("mapped", [IPV4, IPV6], ids=["ipv4", "ipv6"])


def matches(pattern: Pattern, *datagrams: bytes) -> list[bool]:
    arrived = columns(*datagrams)
    told = pattern.matches(arrived.heads, arrived.lengths).tolist()
    assert pattern.matches_all(arrived.heads, arrived.lengths) is all(told)
    return told


@each_kind
@each_family
def test_knows_right_answers_of_any_number(mapped, kind):
    pattern = Pattern(model(mapped, kind=kind), TAIL)
    datagrams = [answer(number, mapped, kind=kind) for number in (0, 1, 2**40)]
    assert matches(pattern, *datagrams) == [True] * 3
    assert [judge(data, TAIL, mapped) for data in datagrams] == [Verdict.RIGHT] * 3


@each_kind
@each_family
def test_every_byte_that_counts_is_compared(mapped, kind):
    pattern = Pattern(model(mapped, kind=kind), TAIL)
    right = answer(5, mapped, kind=kind)
    text = right.index(b"a server")
    value = Message.decode(right).offset(kind.type) + 4
    free = {*range(8, 16), *range(text, text + 8), value}  # number, SOFTWARE, a byte of nothing
    for place in range(len(right)):
        changed = bytearray(right)
        changed[place] ^= 0x01
        is_mixed = kind is XorMappedAddress and mapped is IPV6 and 8 <= place < 16
        assert matches(pattern, bytes(changed)) == [place in free and not is_mixed], place


def wrong_answers(mapped: Endpoint) -> dict[str, bytes]:
    right = answer(5, mapped)
    other = OTHER[mapped]
    no_address = Message.build(MessageClass.SUCCESS_RESPONSE, Method.BINDING, transaction_id(5))
    cut = bytearray(right)
    cut[23] += 4  # an attribute that says it is longer
    broken = bytearray(right[:-8])
    broken[3] -= 8  # the address attribute runs past the end
    return {
        "another address": answer(5, other),
        "another port": answer(5, mapped.with_port(9)),
        "another family": answer(5, IPV6 if mapped is IPV4 else IPV4),
        "no address": no_address.raw,
        "a broken attribute": bytes(cut),
        "an address cut off": bytes(broken),
        "another method": Message.build(
            MessageClass.SUCCESS_RESPONSE, Method.ALLOCATE, transaction_id(5), []
        ).raw,
        "an attribute that nobody knows": Message.decode(right).append(0x7FFF, b"").raw,
        "a wrong fingerprint": Message.decode(right).append(0x8028, bytes(4)).raw,
        "right in the one that does not count": answer(5, other, MappedAddress(mapped)),
    }


@pytest.mark.parametrize("name", wrong_answers(IPV4))
@each_family
def test_catches_wrong_answers(mapped, name):
    data = wrong_answers(mapped)[name]
    assert matches(Pattern(model(mapped), TAIL), data) == [False]
    assert judge(data, TAIL, mapped) is Verdict.WRONG


def test_tells_a_refusal():
    refusal = Message.build(
        MessageClass.ERROR_RESPONSE, Method.BINDING, transaction_id(5), [ErrorCode(500, "no")]
    ).raw
    assert matches(Pattern(model(IPV4), TAIL), refusal) == [False]
    assert judge(refusal, TAIL, IPV4) is Verdict.REFUSED


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        bytes(20),
        Message.request(Method.BINDING, transaction_id(5)).raw,
        answer(5, IPV4, secret=bytes(12)),
        answer(5, IPV4)[:4] + bytes(4) + answer(5, IPV4)[8:],
    ],
    ids=["empty", "text", "zeros", "a request", "of another socket", "no cookie"],
)
def test_strange_datagrams_answer_nothing(data):
    assert matches(Pattern(model(IPV4), TAIL), data) == [False]
    assert judge(data, TAIL, IPV4) is Verdict.STRANGE


def test_half_an_answer_is_a_wrong_one():
    half = answer(5, IPV4)[:-4]
    assert matches(Pattern(model(IPV4), TAIL), half) == [False]
    assert judge(half, TAIL, IPV4) is Verdict.WRONG


@each_family
def test_unlike_and_right_all_the_same(mapped):
    more = answer(5, mapped, ResponseOrigin(IPV4))
    assert matches(Pattern(model(mapped), TAIL), more) == [False]
    assert judge(more, TAIL, mapped) is Verdict.RIGHT


def test_other_values_may_change():
    sealed = add_fingerprint(model(IPV4))
    pattern = Pattern(sealed, TAIL)
    assert matches(pattern, add_fingerprint(Message.decode(answer(5, IPV4))).raw) == [True]


def test_long_answers_are_judged_one_by_one():
    text = Software("x" * 120)
    data = answer(5, IPV4, text)
    assert matches(Pattern(model(IPV4, text), TAIL), data) == [False]
    assert judge(data, TAIL, IPV4) is Verdict.RIGHT


@given(st.binary(max_size=100))
def test_any_bytes_have_a_verdict(data):
    assert judge(data, TAIL, IPV4) in Verdict
    assert matches(Pattern(model(IPV4), TAIL), data) == [False]
