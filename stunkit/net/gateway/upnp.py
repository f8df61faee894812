"""Asking the gateway over UPnP IGD what its address outside is, and whether it maps ports.

No library: the one that is well kept, async-upnp-client, brings aiohttp, voluptuous and python-
didl-lite, and follows what a device says; the four questions below need none of it.

Rules of this file: questions only. Whoever answers is believed for itself alone: only answers from
the gateway's own address count, and only its own address is asked, whatever it names. What is
multicast stays on the link (TTL 1).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable
from contextlib import suppress
from ipaddress import IPv4Address
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from stunkit.endpoint import Endpoint
from stunkit.errors import InvalidAnswer, Malformed, StunkitError, UsageError
from stunkit.nat.gateway import MappingProtocol, Reply
from stunkit.net.gateway.hypertext import Request, fetch
from stunkit.net.transport.udp import UdpSocket, bind_udp, describe_errno
from stunkit.text import printable
from stunkit.wire import igd, ssdp
from stunkit.wire.igd import Action, Device, Service
from stunkit.wire.ssdp import SsdpAnswer

SEARCH_INTERVAL = 0.4  # seconds between two searches; a lost datagram is nobody's absence
MAX_SEARCHES = 3
MAX_SERVICES = 4  # lines to the outside that are asked
MAX_PLACES = 3  # descriptions that are read, of one gateway
MAX_SHOWN = 60  # characters of a device's name
MAX_REASON = 200  # characters of what went wrong, some of which are the device's own

_TRUTHS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


class Line(NamedTuple):
    """What is known of one of a gateway's lines to the outside; None: it did not say.

    ``address`` is "" where the gateway says that there is none.
    """

    address: str | None = None
    status: str | None = None
    maps: bool | None = None
    translates: bool | None = None


class IgdQuery:
    """Asks one gateway; ``ask`` it once. What is known by then is in ``reply`` at any time."""

    def __init__(self, gateway: Endpoint, source: Endpoint) -> None:
        self._gateway = gateway
        self._source = source.with_port(0)
        self._lines: list[Line] = []
        self._server: str | None = None
        self._trouble = ""

    async def ask(self) -> None:
        """Find the description, and ask every line in it, until cancelled at the latest."""
        try:
            await self._search()
        except OSError as error:
            self._trouble = describe_errno(error.errno or 0)

    @property
    def reply(self) -> Reply:
        """What is known."""
        protocol = MappingProtocol.UPNP_IGD
        if self._server is None:
            return Reply(protocol, is_answered=False, why=self._trouble or "no answer")
        lines = [line for line in self._lines if line.status not in igd.DOWN]
        addresses = [a for line in lines if (a := igd.parse_address(line.address or ""))]
        said = [line.maps for line in self._lines]
        return Reply(
            protocol,
            is_answered=True,
            why=self._describe(lines, addresses),
            addresses=tuple(dict.fromkeys(addresses)),
            is_nameless=not addresses and any(line.address is not None for line in lines),
            maps=True if True in said else False if False in said else None,
        )

    def _describe(self, lines: list[Line], addresses: list[IPv4Address]) -> str:
        name = f" ({self._server})" if self._server else ""
        if addresses:
            why = f"the gateway{name} says that its address is {', '.join(map(str, addresses))}"
        elif any(line.address is not None for line in lines):
            why = f"the gateway{name} says that it has no address outside"
        elif self._lines and not lines:
            why = f"the gateway{name} says that its line is {self._lines[0].status}"
        else:
            why = f"the gateway{name} answers, but not what its address is"
        if any(line.translates is False for line in lines):
            why += "; it says that it does not translate"
        return f"{why}: {self._trouble}" if self._trouble and not addresses else why

    async def _search(self) -> None:
        """Send the searches, and follow the answers one after the other until one leads on."""
        made = bind_udp(self._source)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, self._source.packed)
        udp = UdpSocket(made)
        answers: asyncio.Queue[SsdpAnswer] = asyncio.Queue(maxsize=MAX_PLACES)
        seen: set[str] = set()

        def take(data: bytes, source: Endpoint, local: Endpoint) -> None:
            del local
            if source.packed != self._gateway.packed or answers.full():
                return
            try:
                answer = SsdpAnswer.decode(data)
            except Malformed:
                return
            if answer.location not in seen and len(seen) < MAX_PLACES:
                seen.add(answer.location)
                answers.put_nowait(answer)

        udp.start(take)
        searching = asyncio.create_task(self._repeat(udp))
        try:
            while not self._lines:
                answer = await answers.get()
                searching.cancel()
                self._server = printable(answer.server)[:MAX_SHOWN]
                await self._follow(answer.location)
        finally:
            searching.cancel()
            await asyncio.gather(searching, return_exceptions=True)
            udp.close()

    async def _repeat(self, udp: UdpSocket) -> None:
        """Search the link, and at the gateway itself: many answer to one of both alone."""
        for _ in range(MAX_SEARCHES):
            for destination in (self._gateway.with_port(ssdp.PORT), ssdp.GROUP):
                for target in ssdp.GATEWAYS:
                    with suppress(OSError):  # no route for the group, say: the other one is left
                        udp.send(ssdp.search(target, destination), destination)
            await asyncio.sleep(SEARCH_INTERVAL)

    async def _follow(self, location: str) -> None:
        """Read a description and ask its lines."""
        try:
            device = igd.decode_device(await self._get(location))
        except StunkitError as error:
            self._trouble = _shown(error)
            return
        if not device.services:
            self._trouble = "its description names no line to the outside"
        base = device.base or location
        self._lines = [Line() for _ in device.services[:MAX_SERVICES]]
        await asyncio.gather(
            *(self._ask_line(index, base, device) for index in range(len(self._lines)))
        )

    async def _ask_line(self, index: int, base: str, device: Device) -> None:
        """Ask a line everything, side by side; what comes is noted as it comes."""
        service = device.services[index]

        async def note(answer: Awaitable[Line]) -> None:
            try:
                news = (await answer)._asdict().items()
            except StunkitError as error:
                self._trouble = _shown(error)
                return
            known = self._lines[index]._asdict() | {k: v for k, v in news if v is not None}
            self._lines[index] = Line(**known)

        async def address() -> Line:
            said = await self._call(base, service, Action.ADDRESS)
            return Line(address=said.get("NewExternalIPAddress", ""))

        async def status() -> Line:
            said = await self._call(base, service, Action.STATUS)
            return Line(status=printable(said.get("NewConnectionStatus", ""))[:MAX_SHOWN] or None)

        async def nat() -> Line:
            said = await self._call(base, service, Action.NAT)
            return Line(translates=_TRUTHS.get(said.get("NewNATEnabled", "")))

        async def actions() -> Line:
            known = igd.decode_actions(await self._get(service.description, base))
            return Line(maps=bool(igd.MAKES_MAPPINGS & known))

        await asyncio.gather(note(address()), note(status()), note(nat()), note(actions()))

    async def _get(self, url: str, base: str = "") -> bytes:
        page = await fetch(locate(url, self._gateway, base), self._source)
        if page.status != 200:
            raise InvalidAnswer(f"HTTP status {page.status}")
        return page.body

    async def _call(self, base: str, service: Service, action: Action) -> dict[str, str]:
        headers = {
            "Content-Type": 'text/xml; charset="utf-8"',
            "SOAPAction": igd.call_header(service, action),
        }
        request = locate(service.control, self._gateway, base)
        request = request._replace(headers=headers, body=igd.encode_call(service, action))
        page = await fetch(request, self._source)
        if page.status not in (200, 500):  # 500 brings the reason of a failure
            raise InvalidAnswer(f"HTTP status {page.status}")
        return igd.decode_answer(page.body, action)


def locate(url: str, gateway: Endpoint, base: str = "") -> Request:
    """Return the question for a place, which has to be the gateway's own.

    ``base`` is what a relative one is relative to. Raises InvalidAnswer for any other host, and for
    what is no address at all.
    """
    try:
        parts = urlsplit(urljoin(base, url))
        server = Endpoint.of(parts.hostname or "", 80 if parts.port is None else parts.port)
    except (ValueError, UsageError):
        raise InvalidAnswer("it names no address") from None
    if parts.scheme != "http" or server.packed != gateway.packed:
        raise InvalidAnswer("it names another device than itself, which is not asked")
    query = f"?{parts.query}" if parts.query else ""
    return Request(server, f"{parts.path or '/'}{query}")


def _shown(error: StunkitError) -> str:
    return printable(str(error))[:MAX_REASON]
