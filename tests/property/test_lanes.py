"""Whatever arrives, from whomever, at whichever socket, with whatever settings: a lane says what
``respond`` says, and limits whom the throttle limits."""

from __future__ import annotations

import random
from ipaddress import IPv4Network, IPv6Network, ip_network

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from stunkit.endpoint import Endpoint, Family
from stunkit.protocol.credentials import Credentials
from stunkit.protocol.site import Quartet, Site
from stunkit.protocol.throttle import Limit
from stunkit.wire.message import MAGIC_COOKIE
from tests.lanes import (
    ASKED,
    BENCHES,
    EVERYWHERE,
    FINGERPRINT,
    FOUR,
    FULL,
    PUBLIC,
    UNROUTABLE,
    Arrival,
    Bench,
    assemble,
)
from tests.strategies import datagrams, phrases, ports

CLOSED = Credentials(secrets=["s"], realm="example.org", nonce_secret=bytes(16))

small = st.binary(max_size=12)
pieces = st.one_of(
    st.just(FINGERPRINT),
    st.just(FINGERPRINT),
    st.tuples(st.just(0x8022), small | st.binary(min_size=60, max_size=200)),  # SOFTWARE
    st.tuples(st.just(0x8028), st.binary(min_size=3, max_size=5)),  # FINGERPRINT, wrong
    st.tuples(st.just(0x0008), st.binary(min_size=20, max_size=20)),  # MESSAGE-INTEGRITY
    st.tuples(st.just(0x0003), st.sampled_from([0, 2, 4, 6]).map(lambda n: n.to_bytes(4, "big"))),
    st.tuples(
        st.just(0x0027), st.sampled_from([0, 1, 9, 40000]).map(lambda n: n.to_bytes(2, "big"))
    ),
    st.tuples(st.just(0x0026), st.integers(0, 300).map(bytes)),  # PADDING
    st.tuples(st.sampled_from([0x0006, 0x7FFF, 0x8000, 0xFFFF]), small),
)
modern = st.binary(min_size=12, max_size=12).map(MAGIC_COOKIE.__add__)
identities = modern | modern | modern | st.binary(min_size=16, max_size=16)
blanks = st.builds(assemble, identities)
nearly_plain = st.builds(
    assemble,
    identities,
    st.lists(pieces, max_size=3),
    kind=st.sampled_from([1, 1, 1, 1, 1, 1, 0x0011, 0x0101, 0x0003, 0x4001]),
    excess=st.sampled_from([0, 0, 0, 0, 0, 0, 0, 4, -4, 1, 8]),
)


@st.composite
def truncated(draw: st.DrawFn) -> bytes:
    raw = draw(nearly_plain)
    return raw[: draw(st.integers(0, len(raw)))]


long = st.integers(129, 3000).map(lambda size: b"\0\1" + bytes([size & 0xFF]) * (size - 2))
arriving = st.sampled_from(
    [blanks, blanks, blanks, nearly_plain, nearly_plain, nearly_plain, truncated(), datagrams, long]
).flatmap(lambda strategy: strategy)
busy_ports = st.sampled_from([UNROUTABLE, FULL, 7, 53, 3478]) | ports


def sources(family: Family) -> st.SearchStrategy[Endpoint]:
    if family is Family.IPV4:
        return st.builds(Endpoint, st.binary(min_size=4, max_size=4), busy_ports)
    scoped = st.builds(
        Endpoint,
        st.binary(min_size=8, max_size=8).map((b"\xfe\x80" + bytes(6)).__add__),
        busy_ports,
        st.integers(0, 3),
    )
    prefixed = st.binary(min_size=1, max_size=12).map(
        lambda end: (b"\x20\x01\x0d\xb8".ljust(16 - len(end), b"\0")) + end
    )
    return st.builds(Endpoint, prefixed, busy_ports) | scoped


@st.composite
def limits(draw: st.DrawFn, clients: list[Endpoint]) -> Limit:
    """A limit, with a network around some of the clients on its list of those without."""
    allow: list[IPv4Network | IPv6Network] = []
    for client in draw(st.lists(st.sampled_from(clients), max_size=2)):
        length = draw(st.integers(0, 8 * len(client.packed)))
        allow.append(ip_network((client.packed, length), strict=False))
    return Limit(
        rate=draw(st.sampled_from([10.0, 33.3, 1e4])),
        burst=draw(st.sampled_from([10, 13, 100])),
        prefix4=draw(st.integers(1, 32)),
        prefix6=draw(st.integers(1, 128)),
        allow=tuple(allow),
    )


@st.composite
def sites(draw: st.DrawFn, family: Family, *, is_wildcard: bool) -> Site:
    quartet = None
    if not is_wildcard:
        public = st.sampled_from([FOUR[family], PUBLIC[family]])
        quartet = draw(st.none() | st.builds(Quartet, st.just(FOUR[family]), public, st.booleans()))
    return Site(
        draw(st.none() | phrases | st.just("x" * 127)),
        quartet,
        refused_ports=draw(st.frozensets(st.sampled_from([0, 1, 7, 53, 3478]), max_size=3)),
        credentials=draw(st.sampled_from([None, None, None, CLOSED])),
    )


@st.composite
def scenes(draw: st.DrawFn, kind: type[Bench]) -> tuple[Bench, list[list[Arrival]], list[Site]]:
    """A bench, what arrives there batch by batch, and the settings of each batch."""
    family = draw(st.sampled_from(Family))
    is_wildcard = draw(st.booleans())
    four = FOUR[family]
    bound = EVERYWHERE[family] if is_wildcard else draw(st.sampled_from(four))
    asked = ASKED[family] if is_wildcard else (bound,)
    clients = draw(st.lists(sources(family), min_size=1, max_size=5))
    stock = draw(st.lists(arriving, min_size=1, max_size=12))
    chosen = draw(st.lists(sites(family, is_wildcard=is_wildcard), min_size=1, max_size=2))
    limit = draw(st.none() | limits(clients))
    ration = draw(st.none() | st.none() | st.tuples(st.floats(1, 1e4), st.integers(1, 30)))
    bench = kind(bound, chosen[0], four[1::2] if is_wildcard else four, limit, ration)
    pick = random.Random(draw(st.integers(0, 999)))
    sizes = draw(st.lists(st.integers(1, 24) | st.integers(1, 300), min_size=1, max_size=4))
    batches = [
        [Arrival(pick.choice(stock), pick.choice(clients), pick.choice(asked)) for _ in range(size)]
        for size in sizes
    ]
    return bench, batches, [pick.choice(chosen) for _ in sizes]


# to several seconds of pause, and over the change of a throttle's key
pauses = st.sampled_from([0, 1, 10**6, 10**8, 10**9, 61 * 10**9])


@pytest.mark.parametrize("kind", BENCHES)
@given(data=st.data())
def test_lane_says_what_respond_says(kind: type[Bench], data: st.DataObject):
    bench, batches, settings = data.draw(scenes(kind))
    now_ns = 1_000_000_000
    for batch, site in zip(batches, settings, strict=True):
        now_ns += data.draw(pauses)
        bench.adopt(site)
        bench.ask(batch, now_ns, now_ns / 1e9)
    for disposition in bench.reference.figures:
        event(disposition)
