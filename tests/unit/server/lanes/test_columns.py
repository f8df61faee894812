from zlib import crc32

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import Malformed, NotStun
from stunkit.net.transport.batch import HEAD, NAME_SIZE, Inbox, Outbox, write_name
from stunkit.protocol.site import Quartet, Site
from stunkit.protocol.template import Plain, make_templates, plain_kind
from stunkit.protocol.throttle import TABLE_SIZE, Limit, Throttle
from stunkit.server.lanes.columns import (
    NOT_STUN,
    OTHER,
    Filler,
    ThrottleColumns,
    crc32_rows,
    sort_out,
)
from stunkit.wire.message import MAGIC_COOKIE, Message
from tests.lanes import FINGERPRINT, FOUR, assemble
from tests.strategies import datagrams

IDENTITY = MAGIC_COOKIE + bytes(range(12))
rows_of_bytes = st.integers(0, HEAD).flatmap(
    lambda size: st.lists(st.binary(min_size=size, max_size=size), min_size=1, max_size=20)
)


@given(rows_of_bytes)
def test_crc_of_rows_is_that_of_zlib(rows: list[bytes]):
    array = np.frombuffer(b"".join(rows), np.uint8).reshape(len(rows), -1)
    assert crc32_rows(array).tolist() == [crc32(row) for row in rows]


def one_by_one(data: bytes) -> int:
    """What ``sort_out`` has to say, by the functions that look at one datagram."""
    kind = plain_kind(data) if len(data) <= HEAD else None
    if kind is not None:
        return kind
    try:
        Message.decode(data)
    except NotStun:
        return NOT_STUN
    except Malformed:
        return OTHER
    return OTHER


def laid(batch: list[bytes], before: bytes) -> tuple[np.ndarray, np.ndarray]:
    """A batch in rows in which something else lay before."""
    heads = np.zeros((len(batch), HEAD), np.uint8)
    for row, data in enumerate(batch):
        heads[row] = np.frombuffer(before[:HEAD].ljust(HEAD, b"\xff"), np.uint8)
        heads[row, : min(HEAD, len(data))] = np.frombuffer(data[:HEAD], np.uint8)
    return heads, np.array([len(data) for data in batch], np.uint32)


pieces = st.lists(
    st.just(FINGERPRINT)
    | st.tuples(st.just(0x8022), st.binary(max_size=110))
    | st.tuples(st.sampled_from([0x8028, 0x0006, 0x0003]), st.binary(max_size=5)),
    max_size=3,
)
nearly = st.builds(
    assemble,
    st.just(IDENTITY) | st.binary(min_size=16, max_size=16),
    pieces,
    kind=st.sampled_from([1, 1, 1, 1, 0x0011, 0x4001, 0x0101]),
    excess=st.sampled_from([0, 0, 0, 0, 4, -4, 1, 2]),
)
cut = st.tuples(nearly, st.integers(0, 60)).map(lambda pair: pair[0][: pair[1]])


@given(st.lists(nearly | cut | datagrams, min_size=1, max_size=20), nearly)
def test_sorts_out_as_it_would_one_by_one(batch: list[bytes], before: bytes):
    heads, lengths = laid(batch, before)
    assert sort_out(heads, lengths).tolist() == [one_by_one(data) for data in batch]


BLANK = assemble(IDENTITY)
SORTS = {
    "blank": (BLANK, Plain.MODERN),
    "classic": (assemble(bytes(16)), Plain.CLASSIC),
    "marked": (assemble(IDENTITY, [FINGERPRINT]), Plain.MARKED),
    "named": (assemble(IDENTITY, [(0x8022, b"someone")]), Plain.MODERN),
    "named with nothing": (assemble(IDENTITY, [(0x8022, b"")]), Plain.MODERN),
    "named and marked": (assemble(IDENTITY, [(0x8022, b"x"), FINGERPRINT]), Plain.MARKED),
    "marked and named": (assemble(IDENTITY, [FINGERPRINT, (0x8022, b"x")]), OTHER),
    "as long as a head": (assemble(IDENTITY, [(0x8022, bytes(104))]), Plain.MODERN),
    "marked, as long as a head": (
        assemble(IDENTITY, [(0x8022, bytes(96)), FINGERPRINT]),
        Plain.MARKED,
    ),
    "longer than a head": (assemble(IDENTITY, [(0x8022, bytes(105))]), OTHER),
    "a name past the end": (assemble(IDENTITY, [(0x8022, b"\xff" * 8)])[:24] + b"", NOT_STUN),
    "a name that claims too much": (BLANK[:3] + b"\4" + BLANK[4:] + b"\x80\x22\xff\xff", OTHER),
    "an indication": (assemble(IDENTITY, kind=0x0011), OTHER),
    "nothing": (b"", NOT_STUN),
    "19 bytes": (BLANK[:19], NOT_STUN),
    "RTP": (b"\x80" + BLANK[1:], NOT_STUN),
    "too long by its header": (assemble(IDENTITY, excess=4), NOT_STUN),
    "a multiple of two": (assemble(IDENTITY, excess=2) + b"\0\0", NOT_STUN),
}


@pytest.mark.parametrize(("data", "kind"), SORTS.values(), ids=SORTS)
def test_sorts_out(data: bytes, kind: int):
    assert one_by_one(data) == kind
    # the bytes that lie behind the datagram would make it something else
    for before in (BLANK, assemble(IDENTITY, [(0x8022, b"x"), FINGERPRINT]), b"\xff" * HEAD):
        for size in (1, 2, 40):
            heads, lengths = laid([data] * size, before)
            assert set(sort_out(heads, lengths).tolist()) == {kind}


def test_sorts_out_a_batch_of_everything():
    heads, lengths = laid([data for data, _ in SORTS.values()], b"\0" * HEAD)
    assert sort_out(heads, lengths).tolist() == [kind for _, kind in SORTS.values()]


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("kind", Plain)
@pytest.mark.parametrize("quartet", [False, True])
def test_fills_as_the_template_would(family: Family, kind: Plain, quartet: bool):
    four = FOUR[family]
    site = Site(None, Quartet(four, four, proven=True)) if quartet else Site("stunkit")
    template = make_templates(site, four[0], family)[kind]
    hosts = ["192.0.2.1", "255.255.255.255"] if family is Family.IPV4 else ["2001:db8::1", "ff::"]
    clients = [Endpoint.of(host, port) for host in hosts for port in (1, 65535)]
    identities = [bytes(range(n, n + 16)) for n in range(4)]
    if kind is not Plain.CLASSIC:
        identities = [MAGIC_COOKIE + identity[4:] for identity in identities]
    requests = [
        assemble(identity, [FINGERPRINT] if kind is Plain.MARKED else []) for identity in identities
    ]
    heads, _ = laid(requests, b"\xee" * HEAD)
    names = np.frombuffer(b"".join(map(write_name, clients)), np.uint8)
    inbox, outbox = Inbox(family, 8), Outbox(family, 8)
    inbox.heads[:4], inbox.names[:4] = heads, names.reshape(-1, NAME_SIZE[family])
    outbox.rows[:] = 0xDD
    filler = Filler(template, inbox, outbox)
    filler.lay(2, 6)
    filler.fill(np.array([3, 2, 1, 0]), 2, 6)  # once for others, to leave something behind
    filler.fill(slice(0, 4), 2, 6)
    assert set(outbox.rows[:2].flat) == set(outbox.rows[6:].flat) == {0xDD}
    for row, (request, client) in enumerate(zip(requests, clients, strict=True), 2):
        number = int.from_bytes(client.port.to_bytes(2, "big") + client.packed, "big")
        assert outbox.lengths[row] == template.size
        assert outbox.rows[row, : template.size].tobytes() == template.fill(request, number)
        assert set(outbox.rows[row, template.size :].tolist()) <= {0xDD}


# That ThrottleColumns equals Throttle for any limit and crowd: tests/property/test_throttle.py.
@pytest.mark.parametrize("crowd", [b"\1" * 30, b"\1\2" * 15, bytes(range(30)), b"\1\1\2" * 10])
def test_judges_a_crowd_as_the_throttle_would(crowd: bytes):
    limit = Limit(rate=10, burst=10)
    tables = [bytearray(TABLE_SIZE) for _ in range(2)]
    throttle, shared = (Throttle(limit, bytes(32), memoryview(table)) for table in tables)
    columns = ThrottleColumns(shared, Family.IPV4)
    sources = [bytes((192, 0, 2, last)) for last in crowd]
    rows = np.frombuffer(b"".join(sources), np.uint8).reshape(-1, 4)
    for now_ns in (0, 10**8, 10**9, 10**12):
        expected = [throttle.admit(source, now_ns) for source in sources]
        assert columns.admit(rows, now_ns).tolist() == expected
        assert tables[0] == tables[1]


def test_judges_nobody():
    columns = ThrottleColumns(Throttle(Limit(), bytes(32)), Family.IPV6)
    assert columns.admit(np.zeros((0, 16), np.uint8), 1).tolist() == []
