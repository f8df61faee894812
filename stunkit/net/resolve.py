"""From a server's name to the endpoints to ask (RFC 8489 section 8.1).

An address needs nothing. A name with a port needs its A and AAAA records. A name without a port is
first looked up as a service: ``_stun._udp.NAME`` and so on (RFC 2782); where no SRV record exists
the default port of A and AAAA does.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import ResolutionError
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY, endpoint_of
from stunkit.wire.uri import Transport, Uri

if TYPE_CHECKING:
    from random import Random

    from dns.asyncresolver import Resolver

SRV_TIMEOUT = 3.0  # seconds; a name server that is slower than this is taken to know of no service


class Service(NamedTuple):
    """A host and port from an SRV record, or the name itself where there is none."""

    host: str
    port: int


async def resolve(
    uri: Uri, *, family: Family | None = None, resolver: Resolver | None = None
) -> list[Endpoint]:
    """Return the endpoints that a URI names, best first, of one family or both.

    Within each service the system's own order of addresses holds (RFC 6724). ``resolver`` is
    dnspython's, for the SRV records; the system's configuration otherwise. Raises
    ResolutionError.
    """
    port = uri.default_port if uri.port is None else uri.port
    if uri.is_address and "%" not in uri.host:  # the system knows what a zone's name means
        endpoint = Endpoint.of(uri.host, port)
        if family in (None, endpoint.family):
            return [endpoint]
        raise ResolutionError(uri.host, f"it is no {family} address")
    if uri.is_address or uri.port is not None:
        services = [Service(uri.host, port)]
    else:
        services = await _look_up_services(uri, resolver)
    found = await asyncio.gather(
        *(_look_up_addresses(service, uri.carrier, family) for service in services),
        return_exceptions=True,
    )
    endpoints: dict[Endpoint, None] = {}
    for addresses in found:
        if isinstance(addresses, list):
            endpoints.update(dict.fromkeys(addresses))
        elif not isinstance(addresses, OSError):
            raise addresses
    if endpoints:
        return list(endpoints)
    reason = next((_reason(error) for error in found if isinstance(error, OSError)), "no address")
    raise ResolutionError(uri.host, reason)


async def _look_up_services(uri: Uri, resolver: Resolver | None) -> list[Service]:
    import dns.asyncresolver  # noqa: PLC0415 (slow to import, and most names come with a port)
    import dns.exception  # noqa: PLC0415

    fallback = [Service(uri.host, uri.default_port)]
    protocol = Transport.UDP if uri.carrier is Transport.UDP else Transport.TCP
    name = f"_{uri.scheme}._{protocol}.{uri.host}"
    try:
        resolver = resolver or dns.asyncresolver.Resolver()
        answer = await resolver.resolve(name, "SRV", lifetime=SRV_TIMEOUT)
    except (dns.exception.DNSException, OSError):
        return fallback
    records = [(r.priority, r.weight, str(r.target).rstrip("."), r.port) for r in answer]
    if not records:
        return fallback
    if all(not host for _, _, host, _ in records):  # "." says that there is none; RFC 2782
        raise ResolutionError(uri.host, f"its SRV record says that it has no {uri.scheme} service")
    from random import SystemRandom  # noqa: PLC0415

    return order_services(records, SystemRandom())


def order_services(
    records: list[tuple[int, int, str, int]], random_source: Random
) -> list[Service]:
    """Order (priority, weight, host, port) as RFC 2782 says: by priority, then drawn by weight."""
    services = []
    for priority in sorted({record[0] for record in records}):
        # Those of weight 0 stand first, so that they have a small chance of being drawn.
        group = sorted((r for r in records if r[0] == priority), key=lambda record: record[1])
        while group:
            mark = random_source.randint(0, sum(record[1] for record in group))
            for record in group:
                mark -= record[1]
                if mark <= 0:
                    break
            group.remove(record)
            services.append(Service(record[2], record[3]))
    return services


async def _look_up_addresses(
    service: Service, transport: Transport, family: Family | None
) -> list[Endpoint]:
    """Ask the system, in a daemon thread: unlike asyncio's own, nobody has to wait for its end."""
    found: Future[list[Endpoint]] = Future()
    found.set_running_or_notify_cancel()  # from now on it takes a result, wanted or not

    def look_up() -> None:
        try:
            addresses = socket.getaddrinfo(
                service.host,
                service.port,
                socket.AF_UNSPEC if family is None else ADDRESS_FAMILY[family],
                socket.SOCK_DGRAM if transport is Transport.UDP else socket.SOCK_STREAM,
            )
            found.set_result([endpoint_of(sockaddr) for *_, sockaddr in addresses])
        except UnicodeError:  # a label that is empty, over 63 bytes long, or no IDNA
            found.set_exception(OSError(errno.EINVAL, "not a host name"))
        except OSError as error:
            found.set_exception(error)

    threading.Thread(target=look_up, name=f"look up {service.host}", daemon=True).start()
    return await asyncio.wrap_future(found)


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
