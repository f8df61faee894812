import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from stunkit.bench.identity import Identity
from stunkit.wire.message import Message
from stunkit.wire.registry import Method

SECRET = bytes(range(50, 62))


def rows_of(identity: Identity, *numbers: int) -> np.ndarray:
    rows = np.zeros((8, 128), np.uint8)
    identity.prepare(rows)
    identity.number(rows, np.array(numbers, np.uint64))
    return rows


@given(st.binary(min_size=12, max_size=12), st.lists(st.integers(0, 2**64 - 1), max_size=8))
def test_reads_the_numbers_that_it_wrote(secret, numbers):
    identity = Identity(secret)
    rows = rows_of(identity, *numbers)
    assert identity.numbers(rows)[: len(numbers)].tolist() == numbers


def test_writes_binding_requests_with_an_id_each():
    rows = rows_of(Identity(SECRET), 0, 1, 2)
    messages = [Message.decode(rows[row, :20].tobytes()) for row in range(3)]
    assert {(m.is_request, m.method, m.is_classic, m.attributes) for m in messages} == {
        (True, Method.BINDING, False, ())
    }
    assert len({m.transaction_id for m in messages}) == 3
    assert {m.transaction_id[8:] for m in messages} == {SECRET[8:]}


def test_numbers_of_another_socket_lead_nowhere():
    rows = rows_of(Identity(bytes(12)), 0, 1)
    assert Identity(SECRET).numbers(rows)[:2].min() > 1 << 32


def test_shares_rows_with_others():
    one, other = Identity(SECRET), Identity(bytes(12))
    rows = rows_of(one, 7)
    other.number(rows, np.array([9], np.uint64))
    assert Message.decode(rows[0, :20].tobytes()).transaction_id[8:] == bytes(4)
    assert other.numbers(rows)[0] == 9
