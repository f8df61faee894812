import asyncio
import socket
import threading
from contextlib import asynccontextmanager

import dns.asyncresolver
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.resolver
import dns.rrset
import pytest

import stunkit.net.resolve as module
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import ResolutionError
from stunkit.net.resolve import resolve
from stunkit.wire.uri import Uri
from tests.integration.loopback import silent

ZONE = {
    ("one.example.", "A"): ["192.0.2.1"],
    ("one.example.", "AAAA"): ["2001:db8::1"],
    ("two.example.", "A"): ["192.0.2.2"],
    ("three.example.", "A"): ["192.0.2.3"],
    ("plain.example.", "A"): ["192.0.2.4"],
    ("six.example.", "AAAA"): ["2001:db8::6"],
    ("_stun._udp.ordered.example.", "SRV"): [
        "20 0 3000 three.example.",
        "10 0 1000 one.example.",
        "15 0 2000 two.example.",
    ],
    ("_stun._tcp.ordered.example.", "SRV"): ["10 0 4000 two.example."],
    ("_stuns._tcp.ordered.example.", "SRV"): ["10 0 5000 three.example."],
    ("_stun._udp.heavy.example.", "SRV"): [
        "10 65535 1 one.example.",
        "10 0 2 two.example.",
    ],
    ("_stun._udp.none.example.", "SRV"): ["0 0 0 ."],
    ("_stun._udp.half.example.", "SRV"): [
        "10 0 1000 lost.example.",
        "20 0 2000 two.example.",
    ],
    ("_stun._udp.dead.example.", "SRV"): ["10 0 1000 lost.example."],
    ("_stun._udp.twice.example.", "SRV"): ["10 0 1 two.example.", "10 0 1 TWO.example."],
}
NAMES = {name for name, _ in ZONE}


class NameServer(asyncio.DatagramProtocol):
    """Answers from ``ZONE``; NXDOMAIN for names that it does not hold."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._transport: asyncio.DatagramTransport

    def connection_made(self, transport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, source) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text().lower(), dns.rdatatype.to_text(question.rdtype)
        self.asked.append(f"{name} {kind}")
        answer = dns.message.make_response(query, recursion_available=True)
        if records := ZONE.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *records))
        elif name not in NAMES:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        self._transport.sendto(answer.to_wire(), source)


@asynccontextmanager
async def name_server():
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        NameServer, local_addr=("127.0.0.1", 0)
    )
    yield protocol, transport.get_extra_info("sockname")[1]
    transport.close()


def resolver_at(kind, port: int):
    resolver = kind(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = port
    return resolver


@pytest.fixture
async def names():
    async with name_server() as (protocol, _):
        yield protocol


@pytest.fixture
async def resolver(names: NameServer, monkeypatch):
    """A resolver that asks our name server; the system's own lookups end there too."""
    port = names._transport.get_extra_info("sockname")[1]
    system = resolver_at(dns.resolver.Resolver, port)

    def getaddrinfo(host, port, family=0, type=0, *_):  # noqa: A002
        found = []
        for wanted, kind in ((socket.AF_INET6, "AAAA"), (socket.AF_INET, "A")):
            if family not in (0, wanted):
                continue
            try:
                records = system.resolve(host, kind)
            except dns.resolver.NXDOMAIN:
                raise socket.gaierror(-2, "Name or service not known") from None
            except dns.resolver.NoAnswer:
                continue
            for record in records:
                sockaddr = (record.address, port) + (0, 0) * (wanted == socket.AF_INET6)
                found.append((wanted, type, 0, "", sockaddr))
        if not found:
            raise socket.gaierror(-5, "No address associated with hostname")
        return found

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return resolver_at(dns.asyncresolver.Resolver, port)


async def found(text: str, **options) -> list[str]:
    return [str(endpoint) for endpoint in await resolve(Uri.parse(text), **options)]


@pytest.mark.parametrize(
    ("text", "endpoint"),
    [
        ("192.0.2.1", "192.0.2.1:3478"),
        ("192.0.2.1:5000", "192.0.2.1:5000"),
        ("stuns:192.0.2.1", "192.0.2.1:5349"),
        ("stun:[2001:db8::1]:5000?transport=tcp", "[2001:db8::1]:5000"),
        ("[2001:db8::1]", "[2001:db8::1]:3478"),
        ("192.0.2.1:0", "192.0.2.1:0"),
    ],
)
async def test_asks_nobody_about_an_address(text, endpoint, resolver, names):
    assert await found(text, resolver=resolver) == [endpoint]
    assert names.asked == []


@pytest.mark.parametrize(
    ("text", "family"), [("192.0.2.1", Family.IPV6), ("2001:db8::1", Family.IPV4)]
)
async def test_finds_nothing_in_the_other_family(text, family):
    with pytest.raises(ResolutionError, match=f"it is no {family} address"):
        await found(text, family=family)


async def test_asks_the_system_about_a_name_with_a_port(resolver, names):
    assert await found("one.example:5000", resolver=resolver) == [
        "[2001:db8::1]:5000",
        "192.0.2.1:5000",
    ]
    assert not [asked for asked in names.asked if "SRV" in asked]


async def test_knows_localhost():
    assert await found("localhost:5000", family=Family.IPV4) == ["127.0.0.1:5000"]


@pytest.mark.parametrize(
    ("family", "endpoints"),
    [
        (None, ["[2001:db8::1]:1000", "192.0.2.1:1000", "192.0.2.2:2000", "192.0.2.3:3000"]),
        (Family.IPV4, ["192.0.2.1:1000", "192.0.2.2:2000", "192.0.2.3:3000"]),
        (Family.IPV6, ["[2001:db8::1]:1000"]),
    ],
)
async def test_orders_services_by_priority(family, endpoints, resolver):
    assert await found("ordered.example", family=family, resolver=resolver) == endpoints


async def test_asks_for_the_service_of_the_transport(resolver):
    tcp = await found("stun:ordered.example?transport=tcp", resolver=resolver)
    tls = await found("stuns:ordered.example", resolver=resolver)
    assert (tcp, tls) == (["192.0.2.2:4000"], ["192.0.2.3:5000"])


async def test_draws_services_of_one_priority_by_weight(resolver):
    firsts = [
        (await found("heavy.example", family=Family.IPV4, resolver=resolver))[0] for _ in range(20)
    ]
    assert firsts.count("192.0.2.1:1") >= 19


async def test_takes_the_default_port_when_there_is_no_service(resolver, names):
    assert await found("plain.example", resolver=resolver) == ["192.0.2.4:3478"]
    assert names.asked[0] == "_stun._udp.plain.example. SRV"


async def test_names_an_endpoint_once(resolver):
    assert await found("twice.example", resolver=resolver) == ["192.0.2.2:1"]


async def test_leaves_out_a_service_that_has_no_address(resolver):
    assert await found("half.example", resolver=resolver) == ["192.0.2.2:2000"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (
            "none.example",
            "cannot resolve none.example: its SRV record says that it has no stun service",
        ),
        ("lost.example", "cannot resolve lost.example: name or service not known"),
        ("lost.example:1", "cannot resolve lost.example: name or service not known"),
        ("dead.example", "cannot resolve dead.example: name or service not known"),
    ],
)
async def test_says_why_a_name_leads_nowhere(text, sentence, resolver):
    with pytest.raises(ResolutionError) as caught:
        await found(text, resolver=resolver)
    assert str(caught.value) == sentence


async def test_says_when_a_name_has_no_address_of_the_family(resolver):
    with pytest.raises(ResolutionError, match="no address associated with hostname"):
        await found("six.example:1", family=Family.IPV4, resolver=resolver)


@pytest.mark.parametrize("text", ["a..b:1", "a..b", "a" * 64 + ":1", "a" * 64 + ".example"])
async def test_says_when_a_name_is_none(text):
    with pytest.raises(ResolutionError, match="not a host name"):
        await found(text, resolver=resolver_at(dns.asyncresolver.Resolver, 9))


@pytest.mark.alone
async def test_waits_for_no_name_server_for_long(monkeypatch, resolver):
    monkeypatch.setattr(module, "SRV_TIMEOUT", 0.2)
    loop = asyncio.get_running_loop()
    with silent("127.0.0.1") as quiet:
        started = loop.time()
        deaf = resolver_at(dns.asyncresolver.Resolver, quiet.port)
        assert await found("plain.example", resolver=deaf) == ["192.0.2.4:3478"]
        assert 0.1 < loop.time() - started < 1.5


def test_is_patient_with_name_servers_and_not_for_ever():
    assert 1 <= module.SRV_TIMEOUT <= 5


def test_leaves_a_lookup_behind_that_does_not_end(monkeypatch):
    released = threading.Event()

    def hang(*_):
        released.wait()
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    async def look_up():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(found("slow.example:1"), 0.1)

    asyncio.run(look_up())  # waits for the threads of asyncio's executor, were it one of them
    looking = [thread for thread in threading.enumerate() if "slow.example" in thread.name]
    assert len(looking) == 1
    released.set()
    looking[0].join()


async def test_comes_with_the_endpoints_as_values():
    assert await resolve(Uri.parse("192.0.2.1:1")) == [Endpoint.of("192.0.2.1", 1)]
