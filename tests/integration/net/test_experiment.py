import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.experiment import run
from stunkit.protocol.client import Answered, Client
from stunkit.wire.message import Message
from stunkit.wire.registry import Method
from tests.integration.loopback import endpoint_of_server, serving

ANY = Endpoint.of("127.0.0.1", 0)


async def test_returns_the_first_event_of_a_machine_on_sockets_of_its_own():
    steps = []
    async with serving("127.0.0.1") as server:
        target = endpoint_of_server(server)

        def make(sockets, now):
            made.extend(sockets)
            client = Client()
            request = Message.request(Method.BINDING, bytes(12))
            client.request(request, target, sockets[1], now)
            return client

        made: list[Endpoint] = []
        event = await run([ANY, ANY], make, lambda: steps.append(1))
    assert isinstance(event, Answered)
    assert event.local == made[1] != made[0]
    assert steps


async def test_closes_what_it_has_opened_when_a_socket_cannot_be_bound():
    elsewhere = Endpoint.of("192.0.2.1", 0)  # no address of this machine
    with pytest.raises(OSError, match="assign"):
        await run([ANY, elsewhere], lambda *_: Client())
