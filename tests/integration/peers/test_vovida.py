"""Vovida's STUN server and client, of RFC 3489: classic messages, IPv4 alone."""

import re

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.query import Asker
from stunkit.net.transport.sockaddr import endpoint_of
from stunkit.net.whoami import whoami
from stunkit.protocol.client import mapped_endpoint
from stunkit.protocol.respond import Disposition
from stunkit.wire.attributes.address import ChangedAddress, MappedAddress, SourceAddress
from stunkit.wire.attributes.behavior import ChangeRequest
from stunkit.wire.message import Message
from stunkit.wire.registry import Method
from tests.integration.command import stunkit
from tests.integration.loopback import exchange, free_port, udp_socket
from tests.integration.peers.conftest import Ours
from tests.integration.peers.program import run, running

MAPPED = re.compile(r"^\s*mappedAddr=(\S+)$", re.MULTILINE)
OPENED = re.compile(r"^Opened port (\d+) with fd", re.MULTILINE)
HERE, OTHER = "127.0.0.1", "127.0.0.2"


@pytest.fixture(scope="module")
def stund(tmp_path_factory) -> tuple[Endpoint, Endpoint]:
    """The first and the other endpoint of vovida's server."""
    folder = tmp_path_factory.mktemp("vovida")
    first = other = Endpoint.of(HERE, free_port(HERE, OTHER))
    while other.port == first.port:
        other = Endpoint.of(OTHER, free_port(HERE, OTHER))
    arguments = ["-h", HERE, "-a", OTHER, "-p", first.port, "-o", other.port]
    with running(folder / "log", [first, other], "stund", *arguments):
        yield first, other


async def test_answers_our_client(stund):
    first, other = stund
    async with Asker() as asker:
        answered = await asker.ask(first, await asker.open(first))
    assert answered.response.get(MappedAddress).endpoint == answered.local
    assert answered.response.get(SourceAddress).endpoint == first
    assert answered.response.get(ChangedAddress).endpoint == other
    assert mapped_endpoint(answered.response) == answered.local


async def test_tells_whoami_the_same_at_both_addresses(stund):
    result = await whoami([str(endpoint) for endpoint in stund])
    one, two = result.answers
    assert one.mapped == two.mapped == one.local == two.local
    assert result.consensus is True


async def test_tells_the_command_line_our_address(stund):
    ended = await stunkit("whoami", "--short", stund[0])
    assert ended == type(ended)(0, "127.0.0.1\n", "")


@pytest.mark.parametrize(
    "change",
    [ChangeRequest(change_port=True), ChangeRequest(change_ip=True, change_port=True)],
    ids=["port", "both"],
)
async def test_obeys_our_change_request(stund, change: ChangeRequest):
    first, other = stund
    request = Message.request(Method.BINDING, bytes(12), [change])
    with udp_socket(HERE) as plain:
        data, source = await exchange(plain, request.raw, first)
        assert source == (other if change.change_ip else first.with_port(other.port))
        assert mapped_endpoint(Message.decode(data)) == endpoint_of(plain.getsockname())


async def test_client_understands_our_server(ours: Ours):
    server = ours.endpoint(HERE)
    printed = await run("stun", server, 1, "-v")
    ((received, response),) = ours.exchanges
    assert printed.status == 0
    assert MAPPED.findall(printed.text) == [str(received.source)]
    assert OPENED.findall(printed.text) == [str(received.source.port)]
    assert "\t ok=1" in printed.text
    assert Message.decode(received.data).is_classic
    assert response.disposition is Disposition.ANSWERED


async def test_client_finds_no_nat_through_our_server(ours_of_two_addresses: Ours):
    ours = ours_of_two_addresses
    server = ours.endpoint(HERE)
    printed = await run("stun", server, "-v")
    assert verdicts(printed.text) == {
        "test I": "1",
        "test II": "1",
        "test III": "1",
        "test I(2)": "1",
        "is nat": "0",
        "mapped IP same": "1",
        "hairpin": "1",
        "preserver port": "1",
    }
    assert re.search(r"^Primary: Open\s*$", printed.text, re.MULTILINE)
    assert "Return value is 0x000001" in printed.text
    assert f"ChangedAddress = {OTHER}:{server.port + 1}" in printed.text
    answered = {response.source for _, response in ours.exchanges}
    other_port, other_address = server.with_port(server.port + 1), Endpoint.of(OTHER, server.port)
    assert answered == {server, other_port, other_address}


async def test_client_is_told_that_our_server_has_no_other_address(ours: Ours):
    printed = await run("stun", ours.endpoint(HERE), 2, "-v")  # asks for both to change
    ((_, response),) = ours.exchanges
    assert "ErrorCode = 4 20 " in printed.text
    assert response.disposition is Disposition.UNKNOWN_ATTRIBUTE


def verdicts(text: str) -> dict[str, str]:
    """Return the lines ``name = digit`` that the whole test ends with."""
    found = re.findall(
        r"^(test [I()2]+|is nat|mapped IP same|hairpin|preserver port)\s+= (\d)$",
        text,
        re.MULTILINE,
    )
    return dict(found)
