from stunkit.endpoint import Endpoint
from stunkit.sim.relay import PERMISSION, Relay

RELAYED = Endpoint.of("198.51.100.50", 50000)
PEER = Endpoint.of("192.0.2.1", 5000)


def test_permission_is_for_an_address_whatever_its_port():
    relay = Relay(RELAYED)
    assert not relay.lets_in(PEER, 0.0)
    relay.permit(PEER, 0.0)
    assert relay.lets_in(PEER.with_port(9), 1.0)
    assert not relay.lets_in(Endpoint.of("192.0.2.2", 5000), 1.0)


def test_permission_ends():
    relay = Relay(RELAYED)
    relay.permit(PEER, 0.0)
    assert relay.lets_in(PEER, PERMISSION - 1)
    assert not relay.lets_in(PEER, PERMISSION)
