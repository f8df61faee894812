"""Gateways that say what tests want, each alone in a namespace with its client.

SSDP has one port, which on the host may be somebody's: so these are no tests of loopback.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import IPv4Address

import pytest

from stunkit.endpoint import Endpoint
from stunkit.lab import Namespace
from stunkit.lab.command import configure_links
from stunkit.nat.gateway import Reply
from stunkit.net.gateway.hypertext import MAX_BODY
from stunkit.net.gateway.upnp import IgdQuery
from stunkit.net.transport.udp import UdpSocket

GATEWAY = Endpoint.of("10.0.0.1", 0)
CLIENT = Endpoint.of("10.0.0.2", 0)
NEIGHBOR = Endpoint.of("10.0.0.3", 0)
PORT = 5000
PLACE = f"http://10.0.0.1:{PORT}/root.xml"
TIMEOUT = 1.0  # seconds for each gateway; a good one takes none of them

SERVICE = (
    "<service><serviceType>urn:schemas-upnp-org:service:WANIPConnection:{}</serviceType>"
    "<controlURL>{}</controlURL><SCPDURL>/scpd.xml</SCPDURL></service>"
)
DESCRIPTION = "<root>{}<device><serviceList>{}</serviceList></device></root>"
ACTIONS = "<scpd><actionList><action><name>AddPortMapping</name></action></actionList></scpd>"
STATUS = "<u:GetStatusInfoResponse><NewConnectionStatus>{}</NewConnectionStatus>"
STATUS += "</u:GetStatusInfoResponse>"
ADDRESS = "<u:GetExternalIPAddressResponse><NewExternalIPAddress>{}</NewExternalIPAddress>"
ADDRESS += "</u:GetExternalIPAddressResponse>"
NAT = "<u:GetNATRSIPStatusResponse><NewNATEnabled>{}</NewNATEnabled></u:GetNATRSIPStatusResponse>"

Pages = Mapping[str, str | bytes]  # by path, and for actions by path and action


def line(
    path: str, address: str, status: str = "Connected", nat: str = "1"
) -> dict[str, str | bytes]:
    return {
        f"{path}#GetExternalIPAddress": ADDRESS.format(address),
        f"{path}#GetStatusInfo": STATUS.format(status),
        f"{path}#GetNATRSIPStatus": NAT.format(nat),
    }


GOOD: Pages = {
    "/root.xml": DESCRIPTION.format("", SERVICE.format(1, "/ctl")),
    "/scpd.xml": ACTIONS,
    **line("/ctl", "203.0.113.1"),
}


class Gateway:
    """An IGD: one socket for searches, one for pages, and what was asked of it."""

    def __init__(self, pages: Pages, location: str, source: Endpoint) -> None:
        self.pages = pages
        self.location = location
        self.asked: list[str] = []
        self.stuck: list[asyncio.StreamWriter] = []
        self.searches = UdpSocket(source.with_port(1900))

    async def start(self) -> None:
        self.searches.start(self._answer)
        self.server = await asyncio.start_server(self._serve, GATEWAY.host, PORT)
        self.neighbor = await asyncio.start_server(self._serve, NEIGHBOR.host, PORT)

    async def stop(self) -> None:
        self.searches.close()
        for writer in self.stuck:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()
        self.server.close()
        self.neighbor.close()

    def _answer(self, data: bytes, source: Endpoint, local: Endpoint) -> None:
        del data, local
        answer = f"HTTP/1.1 200 OK\r\nLOCATION: {self.location}\r\nSERVER: Fake\x1b[2J/1\r\n\r\n"
        self.searches.send(answer.encode(), source)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        own = writer.get_extra_info("sockname")[0]
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        method, path, _ = lines[0].split(" ")
        if method == "POST":
            path += "#" + next(x for x in lines if x.startswith("SOAPAction")).split("#")[1][:-1]
        self.asked.append(path if own == GATEWAY.host else f"{own}{path}")
        page = self.pages.get(path)
        if page is None:
            writer.write(b"HTTP/1.1 404 Not Found\r\n\r\n")
        elif isinstance(page, str):
            body = f'<e xmlns:u="u">{page}</e>' if method == "POST" else page
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        else:
            writer.write(page)
            if not page.endswith(b"\r\n"):  # the rest never comes
                self.stuck.append(writer)
                return
        writer.close()


@pytest.fixture
def link() -> Iterator[Namespace]:
    with Namespace("link") as namespace:
        lines = ["link set lo up", "link add name eth0 type veth peer name far", "link set eth0 up"]
        lines += [f"address add {one.host}/24 dev eth0" for one in (GATEWAY, CLIENT, NEIGHBOR)]
        namespace.call(configure_links, "set up a link", lines)
        yield namespace


def converse(
    link: Namespace, pages: Pages, location: str = PLACE, source: Endpoint = GATEWAY
) -> tuple[Reply, list[str]]:
    async def run() -> tuple[Reply, list[str]]:
        gateway = Gateway(pages, location, source)
        await gateway.start()
        query = IgdQuery(GATEWAY, CLIENT)
        asking = asyncio.create_task(query.ask())
        await asyncio.wait({asking}, timeout=TIMEOUT)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await gateway.stop()
        return query.reply, sorted(gateway.asked)

    return link.call(asyncio.run, run())


def test_a_good_gateway_is_asked_each_thing_once(link: Namespace):
    began = time.monotonic()
    reply, asked = converse(link, GOOD)
    assert time.monotonic() - began < TIMEOUT
    assert asked == sorted(GOOD)
    assert (reply.is_answered, reply.is_nameless, reply.maps) == (True, False, True)
    assert reply.addresses == (IPv4Address("203.0.113.1"),)
    assert r"Fake\x1b[2J/1" in reply.why


def test_a_line_in_a_state_of_its_own_counts(link: Namespace):
    reply, _ = converse(link, {**GOOD, **line("/ctl", "203.0.113.1", "Up")})
    assert reply.addresses == (IPv4Address("203.0.113.1"),)


def test_a_line_that_is_not_connected_does_not_count(link: Namespace):
    services = SERVICE.format(1, "/one") + SERVICE.format(1, "/two")
    pages = {**GOOD, "/root.xml": DESCRIPTION.format("", services)}
    pages |= line("/one", "198.51.100.9", "Disconnected") | line("/two", "203.0.113.1")
    assert converse(link, pages)[0].addresses == (IPv4Address("203.0.113.1"),)
    pages |= line("/two", "203.0.113.1", "Unconfigured")
    reply, _ = converse(link, pages)
    assert (reply.addresses, reply.is_nameless) == ((), False)
    assert reply.why.endswith("says that its line is Disconnected")


@pytest.mark.parametrize("nothing", ["", "0.0.0.0", "no address"])
def test_no_address_is_said(link: Namespace, nothing: str):
    reply, _ = converse(link, {**GOOD, **line("/ctl", nothing, nat="0")})
    assert (reply.addresses, reply.is_nameless, reply.maps) == ((), True, True)
    assert reply.why.endswith(
        "says that it has no address outside; it says that it does not translate"
    )


def test_places_may_be_relative_to_a_base(link: Namespace):
    base = f"<URLBase>http://10.0.0.1:{PORT}/x/</URLBase>"
    pages = {"/root.xml": DESCRIPTION.format(base, SERVICE.format(1, "ctl"))}
    reply, asked = converse(link, pages | line("/x/ctl", "203.0.113.1"))
    assert reply.addresses == (IPv4Address("203.0.113.1"),)
    assert "/x/ctl#GetExternalIPAddress" in asked
    assert reply.maps is None


@pytest.mark.parametrize(
    "location", [f"http://10.0.0.3:{PORT}/root.xml", "http://router/root.xml", "gopher://10.0.0.1/"]
)
def test_a_description_elsewhere_is_not_read(link: Namespace, location: str):
    reply, asked = converse(link, GOOD, location)
    assert not asked
    assert (reply.is_answered, reply.addresses) == (True, ())
    assert "answers, but not what its address is" in reply.why


def test_a_control_place_elsewhere_is_not_asked(link: Namespace):
    control = f"http://10.0.0.3:{PORT}/ctl"
    pages = {**GOOD, "/root.xml": DESCRIPTION.format("", SERVICE.format(1, control))}
    reply, asked = converse(link, pages)
    assert asked == ["/root.xml", "/scpd.xml"]
    assert reply.why.endswith("it names another device than itself, which is not asked")


def test_a_base_elsewhere_is_not_asked(link: Namespace):
    base = f"<URLBase>http://10.0.0.3:{PORT}/</URLBase>"
    pages = {**GOOD, "/root.xml": DESCRIPTION.format(base, SERVICE.format(1, "/ctl"))}
    assert converse(link, pages)[1] == ["/root.xml"]


def test_another_device_of_the_link_is_not_believed(link: Namespace):
    reply, asked = converse(link, GOOD, source=NEIGHBOR)
    assert (reply.is_answered, reply.why, asked) == (False, "no answer", [])


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ('<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>', "it has a DTD"),
        ("<root>", "no element found"),
        ("<root/>", "names no line to the outside"),
        ("<a>" * 100, "too many elements"),
        (b"SSH-2.0\r\n\r\n", "something else than HTTP"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b" " * MAX_BODY + b"x\r\n", "something else than HTTP"),
        (b"HTTP/1.1 500 No\r\n\r\n", "HTTP status 500"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n<root>", "not what its address is"),
    ],
)
def test_a_bad_description_has_its_reason(link: Namespace, page: str | bytes, why: str):
    reply, asked = converse(link, {"/root.xml": page})
    assert asked == ["/root.xml"]
    assert (reply.is_answered, reply.addresses, reply.maps) == (True, (), None)
    assert why in reply.why


def test_one_answer_that_never_comes_holds_no_other_up(link: Namespace):
    stuck = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n<scpd>"
    began = time.monotonic()
    reply, _ = converse(link, {**GOOD, "/scpd.xml": stuck})
    assert time.monotonic() - began < TIMEOUT + 0.5
    assert (reply.addresses, reply.maps) == ((IPv4Address("203.0.113.1"),), None)


def test_a_failure_has_the_gateways_reason(link: Namespace):
    error = "<UPnPError><errorCode>501</errorCode><errorDescription>No \u2603</errorDescription>"
    pages = {**GOOD, "/ctl#GetExternalIPAddress": f"{error}</UPnPError>".replace("\u2603", "way")}
    reply, _ = converse(link, pages)
    assert reply.why.endswith("GetExternalIPAddress failed with 501 No way")
    assert (reply.addresses, reply.is_nameless, reply.maps) == ((), False, True)


def test_a_long_reason_is_cut(link: Namespace):
    error = f"<UPnPError><errorCode>5</errorCode><errorDescription>{'x' * 99999}</errorDescription>"
    reply, _ = converse(link, {**GOOD, "/ctl#GetExternalIPAddress": f"{error}</UPnPError>"})
    assert "GetExternalIPAddress failed with 5 xxx" in reply.why
    assert len(reply.why) < 400


def test_a_place_that_is_no_url_leaves_the_rest(link: Namespace):
    device = GOOD["/root.xml"].replace("/scpd.xml", "//[")
    reply, _ = converse(link, {**GOOD, "/root.xml": device})
    assert (reply.addresses, reply.maps) == ((IPv4Address("203.0.113.1"),), None)
