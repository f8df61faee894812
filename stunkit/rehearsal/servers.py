"""Servers for ICE, chosen for aiortc out of those that a site hands out.

aioice asks one STUN server and one relay, by IPv4 (RFC 8445 section 5.1.1 leaves how many to the
agent), and where none is named aiortc asks a public one of its own: so ours are always named.

Rules of this file: what came from a server is looked at before a library gets it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from stunkit.errors import UsageError
from stunkit.signal.ice_server import IceServer
from stunkit.wire.uri import Scheme, Transport, Uri

if TYPE_CHECKING:
    from aiortc import RTCConfiguration

# The cheapest way to a relay first: media over TCP waits for what was lost (RFC 8656 section 3.1).
_ORDER = (Transport.UDP, Transport.TCP, Transport.TLS)


class Way(NamedTuple):
    """A relay under one URI, and whom it knows us as."""

    uri: Uri
    username: str
    credential: str


class Chosen(NamedTuple):
    """What is used, and the relays that are not."""

    stun: Uri | None = None
    relay: Way | None = None
    others: tuple[Way, ...] = ()


def choose(servers: Iterable[IceServer]) -> Chosen:
    """Choose one STUN server and one relay. URIs that cannot be used are passed over."""
    stun: Uri | None = None
    ways: list[Way] = []
    for server in servers:
        for uri in filter(None, map(_parse, server.urls)):
            if uri.scheme is Scheme.STUN:
                stun = stun or uri
            elif uri.scheme.is_relay and server.username is not None:
                ways.append(Way(uri, server.username, server.credential or ""))
    ways.sort(key=lambda way: _ORDER.index(way.uri.carrier))
    return Chosen(stun, ways[0] if ways else None, tuple(ways[1:]))


def configuration(chosen: Chosen, *, offers: bool) -> RTCConfiguration:
    """Return what aiortc takes.

    Who offers has one transport for everything from the start. Who answers learns from the offer
    which one that is: aiortc would close it if it had chosen another (RFC 8843 section 7.3).
    """
    from aiortc import RTCBundlePolicy, RTCConfiguration, RTCIceServer  # noqa: PLC0415 (slow)

    servers = []
    if chosen.stun is not None:
        servers.append(RTCIceServer(urls=_format(chosen.stun)))
    if (way := chosen.relay) is not None:
        servers.append(
            RTCIceServer(urls=_format(way.uri), username=way.username, credential=way.credential)
        )
    policy = RTCBundlePolicy.MAX_BUNDLE if offers else RTCBundlePolicy.BALANCED
    return RTCConfiguration(iceServers=servers, bundlePolicy=policy)


def _parse(text: str) -> Uri | None:
    try:
        uri = Uri.parse(text)
    except UsageError:
        return None
    is_dtls = uri.scheme.is_secure and uri.transport is Transport.UDP
    return None if ":" in uri.host or uri.scheme is Scheme.STUNS or is_dtls else uri


def _format(uri: Uri) -> str:
    """Return a URI in the form that aiortc reads."""
    port = uri.default_port if uri.port is None else uri.port
    if not uri.scheme.is_relay:
        return f"{uri.scheme}:{uri.host}:{port}"
    transport = Transport.UDP if uri.carrier is Transport.UDP else Transport.TCP
    return f"{uri.scheme}:{uri.host}:{port}?transport={transport}"
