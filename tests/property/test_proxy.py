"""The PROXY protocol: any bytes, and headers that are right."""

from hypothesis import given
from hypothesis import strategies as st

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed
from stunkit.wire.proxy import MAX_SIZE, ProxyHeader
from tests import strategies as some


@given(st.binary(max_size=300) | some.damaged_proxy_headers())
def test_any_bytes_are_a_proxy_header_or_none_or_malformed(data: bytes) -> None:
    try:
        header = ProxyHeader.decode(data)
    except Malformed:
        return
    if header is not None:
        assert 0 < header.size <= min(len(data), MAX_SIZE)
        assert (header.source is None) == (header.destination is None)
        assert ProxyHeader.decode(data[: header.size]) == header


@given(some.proxy_headers, st.binary(max_size=40))
def test_a_proxy_header_ends_where_it_says(data: bytes, more: bytes) -> None:
    header = ProxyHeader.decode(data + more)
    assert header is not None
    assert header.size == len(data)
    for size in range(len(data)):
        assert ProxyHeader.decode(data[:size]) is None


@given(some.pairs_of_endpoints)
def test_a_proxy_header_names_both_ends(pair: tuple[Endpoint, Endpoint]) -> None:
    source, destination = pair
    for data in (some.proxy_line(source, destination), some.proxy_block(source, destination)):
        assert ProxyHeader.decode(data) == (len(data), source, destination)
