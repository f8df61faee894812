"""coturn: its server asked by our client, its clients asking our server."""

import re

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import Untrusted
from stunkit.net.query import Asker
from stunkit.net.whoami import whoami
from stunkit.protocol.client import mapped_endpoint
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message
from stunkit.wire.uri import NAMED, Transport
from tests.integration.certificates import Authority
from tests.integration.command import stunkit
from tests.integration.loopback import HOSTS, free_port
from tests.integration.peers.conftest import Ours
from tests.integration.peers.program import run, running

REFLEXIVE = re.compile(r"IPv([46])\. UDP reflexive addr: (\S+):(\d+)$", re.MULTILINE)
ORIGIN = re.compile(r"Response origin: : (\S+)$", re.MULTILINE)
OTHER = re.compile(r"Other addr: : (\S+)$", re.MULTILINE)

each_family = pytest.mark.parametrize("host", HOSTS)


@pytest.fixture(scope="module")
def turnserver(tmp_path_factory) -> int:
    """The port of coturn's server, which answers over UDP and TCP on both families."""
    folder = tmp_path_factory.mktemp("coturn")
    port = free_port(*HOSTS)
    arguments = ["--stun-only", "-n", "--no-tls", "--no-dtls", "--no-cli", "--relay-threads=1"]
    arguments += [f"--listening-ip={host}" for host in HOSTS]
    arguments += [f"--listening-port={port}", "--log-file=stdout"]
    arguments += [f"--pidfile={folder / 'pid'}", f"--db={folder / 'db'}"]
    answers = [Endpoint.of(host, port) for host in HOSTS]
    with running(folder / "log", answers, "turnserver", *arguments):
        yield port


@pytest.mark.parametrize("transport", NAMED)
@each_family
async def test_answers_our_client(host: str, transport: Transport, turnserver: int):
    server = Endpoint.of(host, turnserver)
    async with Asker() as asker:
        answered = await asker.ask(server, await asker.open(server, transport), transport)
    assert answered.response.get(XorMappedAddress).endpoint == answered.local
    assert answered.response.get(Software).text.startswith("Coturn-")
    assert answered.local.host == host
    assert answered.sends == 1


async def test_tells_whoami_the_same_over_all_transports(turnserver: int):
    hosts = ("127.0.0.1", "[::1]")
    servers = [f"stun:{h}:{turnserver}?transport={t}" for t in NAMED for h in hosts]
    result = await whoami(servers)
    assert [answer.error for answer in result.answers] == [None] * 4
    assert [answer.mapped for answer in result.answers] == [
        answer.local for answer in result.answers
    ]
    assert result.consensus is True


async def test_tells_the_command_line_our_addresses(turnserver: int):
    ended = await stunkit("whoami", "--short", *(Endpoint.of(host, turnserver) for host in HOSTS))
    assert ended == type(ended)(0, "127.0.0.1\n::1\n", "")


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def secure_turnserver(tmp_path_factory, authority: Authority) -> int:
    """The port on which coturn's server speaks TLS too."""
    folder = tmp_path_factory.mktemp("coturn-tls")
    port = free_port(*HOSTS)
    pair = authority.issue()
    arguments = ["--stun-only", "-n", "--no-dtls", "--no-cli", "--relay-threads=1"]
    arguments += [f"--listening-ip={host}" for host in HOSTS]
    arguments += [f"--listening-port={port}", f"--tls-listening-port={port}", "--log-file=stdout"]
    arguments += [f"--cert={pair.certificate}", f"--pkey={pair.key}"]
    arguments += [f"--pidfile={folder / 'pid'}", f"--db={folder / 'db'}"]
    answers = [Endpoint.of(host, port) for host in HOSTS]
    with running(folder / "log", answers, "turnserver", *arguments):
        yield port


@each_family
async def test_answers_our_client_over_tls(host, secure_turnserver: int, authority: Authority):
    server = Endpoint.of(host, secure_turnserver)
    async with Asker(ca_file=authority.file) as asker:
        local = await asker.open(server, Transport.TLS)
        answered = await asker.ask(server, local, Transport.TLS)
    assert answered.response.get(XorMappedAddress).endpoint == local


async def test_is_told_apart_from_whom_it_is_not(secure_turnserver: int, authority: Authority):
    async with Asker(ca_file=authority.file) as asker:
        with pytest.raises(Untrusted, match=r"not for stun\.example\.org"):
            await asker.open(
                Endpoint.of("127.0.0.1", secure_turnserver),
                Transport.TLS,
                name="stun.example.org",
            )


@each_family
async def test_stunclient_understands_our_server(host: str, ours: Ours):
    printed = await run("turnutils_stunclient", "-p", ours.endpoint(host).port, host)
    assert printed.status == 0
    found = reflexive(printed.text)
    assert found
    assert set(found) == set(ours.sources)
    assert {endpoint.host for endpoint in found} == {host}
    assert "fail" not in printed.text.lower()


async def test_stunclient_finds_our_other_address(ours_of_two_addresses: Ours):
    ours = ours_of_two_addresses
    port = ours.endpoint("127.0.0.1").port
    printed = await run("turnutils_stunclient", "-f", "-p", port, "127.0.0.1")
    first, other = f"127.0.0.1:{port}", f"127.0.0.2:{port + 1}"
    assert printed.status == 0
    assert set(ORIGIN.findall(printed.text)) == {first, other}
    assert set(OTHER.findall(printed.text)) == {other}
    assert set(reflexive(printed.text)) == {mapped(ours, index) for index in range(3)}


async def test_natdiscovery_finds_no_nat_through_our_server(ours_of_two_addresses: Ours):
    ours = ours_of_two_addresses
    port = ours.endpoint("127.0.0.1").port
    printed = await run("turnutils_natdiscovery", "-m", "-f", "-p", port, "127.0.0.1")
    assert printed.status == 0
    assert "NAT with Endpoint Independent Mapping!" in printed.text
    assert "NAT with Endpoint Independent Filtering!" in printed.text
    assert "No ALG: Mapped == XOR-Mapped" in printed.text
    origins = set(ORIGIN.findall(printed.text))
    assert origins == {f"127.0.0.1:{port}", f"127.0.0.2:{port}", f"127.0.0.2:{port + 1}"}
    assert set(reflexive(printed.text)) == set(ours.sources)


def reflexive(text: str) -> list[Endpoint]:
    """Return the endpoints that coturn's clients print, which are in no brackets."""
    return [Endpoint.of(host, int(port)) for _, host, port in REFLEXIVE.findall(text)]


def mapped(ours: Ours, index: int) -> Endpoint | None:
    """Return what our server said in one of its answers."""
    return mapped_endpoint(Message.decode(ours.exchanges[index][1].data))
