import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import Unreachable
from stunkit.net.discovery.scout import rank, scout
from stunkit.wire.attributes.address import ChangedAddress, OtherAddress
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from tests.integration.behavior import quartet
from tests.integration.loopback import endpoint_of_server, refusing, serving, silent

ANY = Endpoint.of("127.0.0.1", 0)
SERVER = Endpoint.of("192.0.2.1", 3478)


@pytest.fixture
async def full():
    async with quartet() as endpoint:
        yield endpoint


@pytest.fixture
async def plain():
    async with serving("127.0.0.1") as server:
        yield endpoint_of_server(server)


async def test_puts_the_server_with_another_address_first(plain, full):
    heard = []
    scouted = await scout([plain, full], ANY, 5.0, lambda: heard.append(1))
    assert scouted.servers[0] == full
    assert not scouted.errors
    assert heard


async def test_keeps_the_order_of_the_others(plain):
    async with serving("127.0.0.1") as server:
        other = endpoint_of_server(server)
        for servers in ([plain, other], [other, plain]):
            assert (await scout(servers, ANY, 5.0, lambda: None)).servers == tuple(servers)


async def test_leaves_out_who_does_not_answer(plain):
    with refusing("127.0.0.1") as closed, silent("127.0.0.1") as mute:
        scouted = await scout([closed, mute, plain], ANY, 5.0, lambda: None)
    assert scouted.servers == (plain,)
    assert isinstance(scouted.errors[closed], Unreachable)
    assert mute not in scouted.errors  # it was not waited for to the end


async def test_ends_when_nobody_answers():
    heard = []
    with silent("127.0.0.1") as mute:
        scouted = await scout([mute], ANY, 0.1, lambda: heard.append(1))
    assert scouted == ((), {})
    assert not heard


def answer(*attributes) -> Message:
    return Message.build(MessageClass.SUCCESS_RESPONSE, Method.BINDING, bytes(12), attributes)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (answer(OtherAddress(Endpoint.of("192.0.2.2", 3479))), 0),
        (answer(ChangedAddress(Endpoint.of("192.0.2.2", 3479))), 0),
        (answer(OtherAddress(Endpoint.of("192.0.2.1", 3479))), 1),
        (answer(OtherAddress(Endpoint.of("192.0.2.2", 3478))), 1),
        (answer(OtherAddress(SERVER)), 2),
        (answer(OtherAddress(Endpoint.of("2001:db8::1", 3479))), 2),
        (answer(), 2),
    ],
)
def test_ranks_servers_by_what_they_can_show(message, expected):
    assert rank(message, SERVER) == expected


def test_ranks_a_broken_attribute_last():
    raw = bytearray(answer(OtherAddress(SERVER)).raw)
    raw[-7] = 9  # no address family
    assert rank(Message.decode(bytes(raw)), SERVER) == 2
