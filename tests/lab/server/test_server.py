"""``stunkit serve`` as an RFC 5780 server, asked from outside its machine.

    direct      client eth0 ── eth0 server
    one-to-one  client eth0 ── out NAT in ── eth0 server

What the server says of its sockets is held against where its datagrams come from, as the client
sees them. An answer too many would be read in place of the next one, whose transaction id it lacks.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import product

import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.lab import Namespace
from stunkit.lab.command import configure_filter, configure_links
from stunkit.lab.side import addresses, prepare
from stunkit.wire.attributes.address import (
    MappedAddress,
    OtherAddress,
    ResponseOrigin,
    XorMappedAddress,
)
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.behavior import ChangeRequest, ResponsePort
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, MessageClass, Method
from tests.lab.server.machines import CLIENT, CLIENT_GATEWAY, PUBLIC, STUNKIT, running, wired
from tests.lab.world import PORTS, Peer

PRIVATE = ("10.9.0.5", "10.9.0.6")  # the same server's own ones, behind the NAT
PRIVATE_GATEWAY = "10.9.0.1"
ONE_TO_ONE = f"""
table ip one_to_one {{
    chain arrive {{
        type filter hook prerouting priority -300; policy accept
        iifname out ip daddr 10.9.0.0/24 drop
    }}
    chain enter {{
        type nat hook prerouting priority -100; policy accept
        iifname out dnat to ip daddr map {{
            {PUBLIC[Family.IPV4][0]} : {PRIVATE[0]}, {PUBLIC[Family.IPV4][1]} : {PRIVATE[1]}
        }}
    }}
    chain leave {{
        type nat hook postrouting priority 100; policy accept
        oifname out snat to ip saddr map {{
            {PRIVATE[0]} : {PUBLIC[Family.IPV4][0]}, {PRIVATE[1]} : {PUBLIC[Family.IPV4][1]}
        }}
    }}
}}
"""
BITS = tuple(product((False, True), repeat=2))  # other address?, other port?
FIRST = (False, False)


@dataclass(frozen=True)
class Network:
    """A client and a running server, with the families that they speak."""

    client: Namespace
    families: tuple[Family, ...]


def socket_of(family: Family, other_address: bool, other_port: bool) -> Endpoint:
    """One of the server's four sockets, as the client has to see it."""
    return Endpoint.of(PUBLIC[family][other_address], PORTS[other_port])


def pair(first: str, second: str) -> list[str]:
    """Return the options for a server with two addresses."""
    listen, alternate = Endpoint.of(first, PORTS[0]), Endpoint.of(second, PORTS[1])
    return ["--listen", str(listen), "--alternate", str(alternate)]


@contextmanager
def direct() -> Iterator[Network]:
    """A server with two addresses in each family, and nothing on the way."""
    with wired() as (client, server):
        options = [option for family in Family for option in pair(*PUBLIC[family])]
        with running(server, *options):
            yield Network(client, tuple(Family))


@contextmanager
def one_to_one() -> Iterator[Network]:
    """A server with two private addresses, each of which has its public one at a NAT."""
    with Namespace("client") as client, Namespace("nat") as nat, Namespace("server") as server:
        for node in (client, nat, server):
            prepare(node, [Family.IPV4], forwards=node is nat)
        client_lines = [
            "link set lo up",
            f"link add eth0 type veth peer name out netns {nat.path}",
            "link set eth0 up",
            *addresses([CLIENT[Family.IPV4]], 24, "eth0"),
        ]
        server_lines = [
            "link set lo up",
            f"link add eth0 type veth peer name in netns {nat.path}",
            "link set eth0 up",
            *addresses(PRIVATE, 24, "eth0"),
        ]
        nat_lines = [
            "link set lo up",
            "link set out up",
            "link set in up",
            *addresses([CLIENT_GATEWAY], 24, "out"),
            *addresses([PRIVATE_GATEWAY], 24, "in"),
        ]
        client_lines.append(f"route add default via {CLIENT_GATEWAY}")
        server_lines.append(f"route add default via {PRIVATE_GATEWAY}")
        client.call(configure_links, "set up the client", client_lines)
        server.call(configure_links, "set up the server", server_lines)
        nat.call(configure_links, "set up the NAT", nat_lines)
        nat.call(configure_filter, "set up the NAT", ONE_TO_ONE)
        options = pair(*PRIVATE)
        for private, public in zip(PRIVATE, PUBLIC[Family.IPV4], strict=True):
            options += ["--advertise", f"{private}={public}"]
        with running(server, *options):
            yield Network(client, (Family.IPV4,))


@contextmanager
def one_address(family: Family) -> Iterator[Network]:
    """A server at one address, though its machine has two."""
    listen = str(socket_of(family, *FIRST))
    with wired() as (client, server), running(server, "--listen", listen):
        yield Network(client, (family,))


NETWORKS = {"direct": direct, "one-to-one": one_to_one}
CASES = [("direct", Family.IPV4), ("direct", Family.IPV6), ("one-to-one", Family.IPV4)]


@contextmanager
def peers(network: Network, family: Family, count: int = 1) -> Iterator[list[Peer]]:
    """Sockets of the client, bound to its address."""
    with ExitStack() as stack:
        found = []
        for _ in range(count):
            peer = Peer(network.client, family, Endpoint.of(CLIENT[family], 0))
            stack.callback(peer.socket.close)
            peer.socket.settimeout(5)
            found.append(peer)
        yield found


def ask(
    peer: Peer,
    server: Endpoint,
    attributes: Sequence[Attribute] = (),
    *,
    at: Peer | None = None,
) -> tuple[Message, Endpoint]:
    """Ask, and return the answer that comes next, here or at another peer, with its source."""
    request = Message.request(Method.BINDING, os.urandom(12), attributes)
    peer.send(request.raw, server)
    data, source = (at or peer).receive()
    answer = Message.decode(data)
    assert answer.transaction_id == request.transaction_id
    return answer, source


def check(
    answered: tuple[Message, Endpoint], family: Family, peer: Peer, answering: Endpoint
) -> None:
    """Check what every answer of one of four sockets says, but for OTHER-ADDRESS."""
    answer, source = answered
    local = Endpoint.of(CLIENT[family], peer.local_port)
    assert answer.message_class is MessageClass.SUCCESS_RESPONSE
    assert source == answering
    assert answer.get(ResponseOrigin) == ResponseOrigin(answering)
    assert answer.get(XorMappedAddress) == XorMappedAddress(local)
    assert answer.get(MappedAddress) == MappedAddress(local)


@pytest.mark.parametrize("family", Family)
def test_one_address_promises_no_other(family: Family):
    server = socket_of(family, *FIRST)
    with one_address(family) as network, peers(network, family, 2) as (peer, other):
        answer, source = ask(peer, server)
        assert source == server
        assert answer.message_class is MessageClass.SUCCESS_RESPONSE
        local = Endpoint.of(CLIENT[family], peer.local_port)
        assert answer.get(XorMappedAddress) == XorMappedAddress(local)
        assert answer.get(OtherAddress) is None

        for change in BITS:
            answer, source = ask(peer, server, [ChangeRequest(*change)])
            assert source == server
            assert answer.message_class is MessageClass.ERROR_RESPONSE
            error = answer.get(ErrorCode)
            assert error is not None
            assert error.code == 420
            unknown = UnknownAttributes((AttributeType.CHANGE_REQUEST,))
            assert answer.get(UnknownAttributes) == unknown
            assert answer.get(OtherAddress) is None

        answer, source = ask(peer, server, [ResponsePort(other.local_port)], at=other)
        assert source == server
        assert answer.get(XorMappedAddress) == XorMappedAddress(local)
        ask(peer, server)  # whose answer is the next one here


@pytest.mark.parametrize(("name", "family"), CASES)
def test_every_socket_answers_from_every_socket(name: str, family: Family):
    with NETWORKS[name]() as network:
        for asked in BITS:
            server = socket_of(family, *asked)
            other = socket_of(family, not asked[0], not asked[1])
            with peers(network, family) as (peer,):
                answered = ask(peer, server)
                check(answered, family, peer, server)
                assert answered[0].get(OtherAddress) == OtherAddress(other)
                for change in BITS:
                    answered = ask(peer, server, [ChangeRequest(*change)])
                    answering = socket_of(family, asked[0] ^ change[0], asked[1] ^ change[1])
                    check(answered, family, peer, answering)
                    assert answered[0].get(OtherAddress) == OtherAddress(other)
                check(ask(peer, server), family, peer, server)  # and nothing came twice


@pytest.mark.parametrize(("name", "family"), CASES)
def test_a_first_contact_from_elsewhere_arrives(name: str, family: Family):
    """Nothing on the way has seen the client's socket before, nor will it hear from it again."""
    with NETWORKS[name]() as network:
        for asked, change in product(BITS, BITS):
            with peers(network, family) as (peer,):
                answered = ask(peer, socket_of(family, *asked), [ChangeRequest(*change)])
                answering = socket_of(family, asked[0] ^ change[0], asked[1] ^ change[1])
                check(answered, family, peer, answering)


@pytest.mark.parametrize(("name", "family"), CASES)
def test_every_socket_answers_to_another_port(name: str, family: Family):
    with NETWORKS[name]() as network:
        for asked, change in product(BITS, BITS):
            server = socket_of(family, *asked)
            answering = socket_of(family, asked[0] ^ change[0], asked[1] ^ change[1])
            with peers(network, family, 2) as (peer, other):
                attributes = [ChangeRequest(*change), ResponsePort(other.local_port)]
                check(ask(peer, server, attributes, at=other), family, peer, answering)
                check(ask(peer, server), family, peer, server)  # the first answer here


@pytest.mark.parametrize("name", NETWORKS)
def test_nat_sees_no_nat_and_no_filter(name: str):
    with NETWORKS[name]() as network:
        servers = [str(socket_of(family, *FIRST)) for family in network.families]
        done = network.client.run([*STUNKIT, "nat", "--json", *servers], timeout=20)
        assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    for family in network.families:
        report = document[family]
        assert report["udp"] == "open"
        assert report["nat"] is False
        assert report["mapping"] == "endpoint-independent"
        assert report["filtering"] == "endpoint-independent"


def test_the_private_addresses_stay_private():
    """Else the one-to-one NAT would prove nothing: no path leads around it."""
    with one_to_one() as network, peers(network, Family.IPV4) as (peer,):
        for asked in BITS:
            private = Endpoint.of(PRIVATE[asked[0]], PORTS[asked[1]])
            peer.send(Message.request(Method.BINDING, os.urandom(12)).raw, private)
            ask(peer, socket_of(Family.IPV4, *asked))  # behind which nothing of it is late
