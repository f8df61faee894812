"""What an operator can choose about TLS, and about proxies in front of TCP and TLS.

Two sections of the tree in ``settings``.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

from stunkit.endpoint import Endpoint
from stunkit.server.settings.kinds import File, Flag, Many, Number, Whole, Written, endpoints
from stunkit.server.settings.setting import setting
from stunkit.wire.uri import DEFAULT_TLS_PORT


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """TLS over TCP; none without a certificate. See `stunkit explain tls`."""

    certificate: Path | None = setting(
        File("a certificate"),
        None,
        "Serve TLS with this certificate, and the chain after it, in PEM form. SIGHUP reads the "
        "files again.",
        needs_restart=True,
    )
    key: Path | None = setting(
        File("a key"),
        None,
        "The certificate's key in PEM form; empty: it is in the certificate's file.",
        needs_restart=True,
    )
    listen: tuple[Endpoint, ...] = setting(
        endpoints(DEFAULT_TLS_PORT),
        (),
        "Serve TLS, and nothing else, here; none, unless shared: port "
        f"{DEFAULT_TLS_PORT} of the addresses of the server's listen.",
        needs_restart=True,
    )
    shared: bool = setting(
        Flag(),
        False,
        "Serve TLS on the ports of plain TCP too: the first byte of a connection decides.",
        needs_restart=True,
    )
    handshake_timeout: float = setting(
        Number("a time"),
        5.0,
        "A connection that takes longer to begin, with TLS or a PROXY header, is closed.",
        unit="seconds",
    )
    max_handshakes: int = setting(
        Whole("a number of handshakes", 1),
        250,
        "Handshakes under way at a time in each process. One more ends the oldest.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """The PROXY protocol, versions 1 and 2, in front of TCP and TLS."""

    trusted: tuple[IPv4Network | IPv6Network, ...] = setting(
        Many(Written("a network", "NETWORK", ip_network)),
        (),
        "Connections from here have to begin with a PROXY header, which is believed: it says who "
        "the client is. From elsewhere none is.",
        needs_restart=True,
    )
