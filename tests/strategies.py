"""All Hypothesis strategies: those that ship, and what only tests here need."""

from __future__ import annotations

from hypothesis import strategies as st

from stunkit.endpoint import Endpoint, Family
from stunkit.fuzz.strategies import (  # noqa: F401 (the tests have one place for all of them)
    algorithms,
    almost_right_datagrams,
    almost_right_pieces,
    attribute_lists,
    attributes,
    attributes_of,
    classic_ids,
    classic_messages,
    codes,
    conversations,
    cut_streams,
    datagrams,
    endpoints,
    families,
    hosts,
    messages,
    methods,
    modern_messages,
    mutated_datagrams,
    packed_addresses,
    phrases,
    ports,
    scoped_endpoints,
    transaction_ids,
    truncated_datagrams,
    type_numbers,
    uris,
    utf8,
)
from stunkit.wire.attributes.table import ATTRIBUTES
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass

# What aioice's codec reads and writes too, each in the same bytes.
SHARED_TYPES = (
    AttributeType.MAPPED_ADDRESS,
    AttributeType.CHANGE_REQUEST,
    AttributeType.SOURCE_ADDRESS,
    AttributeType.CHANGED_ADDRESS,
    AttributeType.USERNAME,
    AttributeType.ERROR_CODE,
    AttributeType.CHANNEL_NUMBER,
    AttributeType.LIFETIME,
    AttributeType.XOR_PEER_ADDRESS,
    AttributeType.DATA,
    AttributeType.REALM,
    AttributeType.NONCE,
    AttributeType.XOR_RELAYED_ADDRESS,
    AttributeType.REQUESTED_TRANSPORT,
    AttributeType.XOR_MAPPED_ADDRESS,
    AttributeType.PRIORITY,
    AttributeType.USE_CANDIDATE,
    AttributeType.SOFTWARE,
    AttributeType.ICE_CONTROLLED,
    AttributeType.ICE_CONTROLLING,
    AttributeType.RESPONSE_ORIGIN,
    AttributeType.OTHER_ADDRESS,
)
shared_messages = st.builds(
    Message.build,
    st.sampled_from(MessageClass),
    st.sampled_from((1, 2, 3, 4, 6, 7, 8, 9)),
    transaction_ids,
    st.lists(
        st.one_of([attributes_of(ATTRIBUTES[number]) for number in SHARED_TYPES]),
        max_size=6,
        unique_by=lambda attribute: attribute.type,
    ),
)


def proxy_line(source: Endpoint, destination: Endpoint) -> bytes:
    """Return a PROXY header of version 1."""
    protocol = "TCP4" if source.family is Family.IPV4 else "TCP6"
    both = f"{source.host} {destination.host}"
    return f"PROXY {protocol} {both} {source.port} {destination.port}\r\n".encode()


def proxy_block(source: Endpoint, destination: Endpoint, more: bytes = b"") -> bytes:
    """Return a PROXY header of version 2; ``more`` follows its addresses."""
    family = b"\x11" if source.family is Family.IPV4 else b"\x21"
    numbers = source.port.to_bytes(2, "big") + destination.port.to_bytes(2, "big")
    body = source.packed + destination.packed + numbers + more
    return b"\r\n\r\n\0\r\nQUIT\n\x21" + family + len(body).to_bytes(2, "big") + body


pairs_of_endpoints = st.tuples(endpoints, endpoints).filter(
    lambda pair: pair[0].family is pair[1].family
)
proxy_headers = (
    pairs_of_endpoints.map(lambda pair: proxy_line(*pair))
    | st.builds(
        lambda pair, more: proxy_block(*pair, more), pairs_of_endpoints, st.binary(max_size=300)
    )
    | st.sampled_from((b"PROXY UNKNOWN\r\n", b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"))
)


@st.composite
def damaged_proxy_headers(draw: st.DrawFn) -> bytes:
    """A PROXY header of which a byte is another."""
    data = bytearray(draw(proxy_headers))
    data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)
