"""The settings of a server: one tree, where name, type, default, unit and help are stated once.

The command line (``--SECTION-FIELD``), the settings file, ``stunkit serve --check`` and the sample
are made of this tree; see ``setting`` and ``settings_file``. A new section is a class of
this kind and a field of ``Settings``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Self

from stunkit.endpoint import Endpoint
from stunkit.protocol.throttle import LEAST_RATE, Limit
from stunkit.server.logs import LogSettings
from stunkit.server.metrics.monitor import MetricsSettings
from stunkit.server.settings.authentication import AuthenticationSettings
from stunkit.server.settings.kinds import (
    Choice,
    File,
    Many,
    Number,
    Text,
    Whole,
    Written,
    count_processors,
    endpoints,
)
from stunkit.server.settings.setting import Setting, setting, settings_of
from stunkit.server.settings.tls import ProxySettings, TlsSettings
from stunkit.server.settings.web import WebSettings
from stunkit.wire.attributes.text import Software
from stunkit.wire.uri import DEFAULT_PORT

ANY_IPV4 = Endpoint(bytes(4), DEFAULT_PORT)
ANY_IPV6 = Endpoint(bytes(16), DEFAULT_PORT)

# Nobody outside can send from these, so no limit keeps anything from anybody.
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
# The UDP ports of services that answer whatever comes, or are asked with forged sources every day:
# echo, daytime, qotd, chargen, time, DNS, TFTP, portmap, NTP, NetBIOS, SNMP, CLDAP, RIP, SSDP, mDNS
# and memcached; and 0, which is nobody's. Two of them talking to each other would never end.
REFUSED_PORTS = (0, 7, 13, 17, 19, 37, 53, 69, 111, 123, 137, 161, 389, 520, 1900, 5353, 11211)
MOST_WORKERS = 512  # far more processes than processors would only wait for each other

_LIMIT = Limit()  # for what its numbers are by default


def _check_software(text: str) -> None:
    Software(text).encode(bytes(12))


def _parse_pair(text: str) -> tuple[str, str]:
    """Split LOCAL=PUBLIC, two addresses of one family."""
    local, sign, public = text.partition("=")
    if not sign:
        raise ValueError("it has no =")
    pair = Endpoint.of(local, 0), Endpoint.of(public, 0)
    if pair[0].family is not pair[1].family:
        raise ValueError("the two are of different families")
    return pair[0].host, pair[1].host


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpSettings:
    """What clients over TCP can take."""

    max_connections: int = setting(
        Whole("a number of connections", 1, 1_000_000),
        1000,
        "Connections at a time, of all workers together. One more ends one that never completed a "
        "message, or the one that has been idle longest.",
    )
    idle_timeout: float = setting(
        Number("a time"),
        60.0,
        "A connection without a whole message for so long is closed.",
        unit="seconds",
    )
    max_message: int = setting(
        Whole("a size", 20, 65_555),  # a header, and what it can announce
        2048,
        "The longest message; a longer one ends its connection.",
        unit="bytes",
    )
    max_unsent: int = setting(
        Whole("a size", 1),
        4096,
        "Answers that a client may leave unread; one with more is not read from.",
        unit="bytes",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitSettings:
    """How many answers over UDP a source may get."""

    rate: float = setting(
        Number("a rate", LEAST_RATE, zero="no limit"),
        _LIMIT.rate,
        f"Answers to each source prefix: at least {LEAST_RATE:g}, or 0 for no limit.",
        unit="answers a second",
    )
    burst: int = setting(
        Whole("a burst", int(LEAST_RATE), 1_000_000),
        _LIMIT.burst,
        "Answers at once to a source prefix that has been silent.",
    )
    prefix_ipv4: int = setting(
        Whole("a prefix's length", 1, 32),
        _LIMIT.prefix4,
        "Sources whose IPv4 addresses begin with the same bits share one limit.",
        unit="bits",
    )
    prefix_ipv6: int = setting(
        Whole("a prefix's length", 1, 128),
        _LIMIT.prefix6,
        "Sources whose IPv6 addresses begin with the same bits share one limit.",
        unit="bits",
    )
    allow: tuple[IPv4Network | IPv6Network, ...] = setting(
        Many(Written("a network", "NETWORK", ip_network)),
        LOOPBACK,
        "Sources without a limit.",
    )

    @property
    def limit(self) -> Limit | None:
        """The limit itself, None without one."""
        if self.rate == 0:
            return None
        return Limit(self.rate, self.burst, self.prefix_ipv4, self.prefix_ipv6, self.allow)


def _endpoint(metavar: str) -> Written[Endpoint | None]:
    """Return the kind of one endpoint, None for an empty text."""
    return Written(
        "an address and port",
        metavar,
        lambda text: Endpoint.parse(text) if text else None,
        lambda one: "" if one is None else str(one),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerSettings:
    """The machine that has the other address, where this one has one; none without an address."""

    address: Endpoint | None = setting(
        _endpoint("ADDRESS:PORT"),
        None,
        "Be an RFC 5780 server together with another machine, whose link is there; see "
        "`stunkit explain partner`.",
        needs_restart=True,
        alias="--partner",
    )
    key_file: Path | None = setting(
        File("a file"),
        None,
        "The key of the link, the same on both machines: 64 hexadecimal digits.",
        needs_restart=True,
    )
    listen: Endpoint | None = setting(
        _endpoint("ADDRESS:PORT"),
        None,
        "Our end of the link. Empty: the partner's port at our address in listen.",
        needs_restart=True,
    )
    other_port: int = setting(
        Whole("a port", 0, 65535),
        0,
        "The other port of both machines; 0 for the one after that of listen.",
        needs_restart=True,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator can choose."""

    listen: tuple[Endpoint, ...] = setting(
        endpoints(DEFAULT_PORT),
        (),
        f"Serve UDP and TCP here; none: port {DEFAULT_PORT} of every address, IPv6 only where the "
        "machine has it.",
        needs_restart=True,
    )
    alternate: tuple[Endpoint, ...] = setting(
        endpoints(0),
        (),
        "The other address, and port, of an RFC 5780 server, once for each family of listen. "
        "Without a port: the one after that of listen.",
        needs_restart=True,
    )
    advertise: tuple[tuple[str, str], ...] = setting(
        Many(Written("LOCAL=PUBLIC", "LOCAL=PUBLIC", _parse_pair, "=".join)),
        (),
        "Behind a one-to-one NAT: clients know this local address by that public one.",
        needs_restart=True,
    )
    software: str | None = setting(
        Text("a text for SOFTWARE", check=_check_software),
        None,
        "Send this as SOFTWARE in every answer; empty: send none.",
    )
    workers: int = setting(
        Whole("a number of workers", 1, MOST_WORKERS, {"auto": count_processors}),
        1,
        "Serve with so many processes; auto: one for each processor. Linux.",
        needs_restart=True,
    )
    closer_looks: int = setting(
        Whole("a number of datagrams"),
        5000,
        "How many datagrams each process looks at closely: broken ones, and requests with "
        "attributes that matter. What is more is dropped unseen, so that plain requests are "
        "answered under any flood; 0 for no limit.",
        unit="datagrams a second",
    )
    refused_ports: tuple[int, ...] = setting(
        Many(Whole("a port", 0, 65535)),
        REFUSED_PORTS,
        "Source ports over UDP that get no answer, since what listens there would answer back.",
    )
    lane: str = setting(
        Choice("a lane", "auto", "batch", "portable"),
        "auto",
        "How datagrams are carried; auto: in batches where the extra fast is installed.",
        needs_restart=True,
    )
    user: str | None = setting(
        Text("a user"),
        None,
        "Started as root, the server becomes this user (NAME or NAME:GROUP) for good once every "
        "socket is bound; none: nobody. What it reads later, on SIGHUP, this user has to be able "
        "to read.",
        needs_restart=True,
    )
    tcp: TcpSettings = TcpSettings()
    tls: TlsSettings = TlsSettings()
    proxy: ProxySettings = ProxySettings()
    limit: LimitSettings = LimitSettings()
    authentication: AuthenticationSettings = AuthenticationSettings()
    partner: PartnerSettings = PartnerSettings()
    metrics: MetricsSettings = MetricsSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """Return the settings with other values for some keys, such as ``limit.rate``."""
        changes: dict[str, Any] = {}
        for key, value in values.items():
            section, _, name = key.rpartition(".")
            if section:
                changes[section] = replace(
                    changes.get(section, getattr(self, section)), **{name: value}
                )
            else:
                changes[name] = value
        return replace(self, **changes)

    def changes(self, other: Settings) -> list[Setting]:
        """Return the settings for which another tree has another value."""
        return [one for one in SETTINGS if one.of(self) != one.of(other)]


SETTINGS = settings_of(Settings)  # all that there are, in their order
