from __future__ import annotations

from random import Random
from typing import Any

import pytest

from stunkit.behavior import Behavior, Filtering, PortAssignment
from stunkit.endpoint import Endpoint
from stunkit.protocol.machine import Outgoing
from stunkit.sim.box import Box
from stunkit.sim.network import FIRST_DYNAMIC_PORT, Host, Network, Weather
from stunkit.sim.relay import Relay

SERVER = Endpoint.of("198.51.100.1", 3478)
ELSEWHERE = Endpoint.of("198.51.100.99", 3478)
HOME = bytes((10, 0, 0, 2))
NEIGHBOR = bytes((10, 0, 0, 3))
CARRIER = bytes((100, 64, 0, 7))
PUBLIC = bytes((203, 0, 113, 1))
FREE = Filtering.ENDPOINT_INDEPENDENT


class Recorder:
    """A machine that sends what it is told to, and notes what it hears."""

    def __init__(self, *deadlines: float) -> None:
        self.outbox: list[Outgoing] = []
        self.heard: list[tuple[float, bytes, Endpoint, Endpoint]] = []
        self.ticks: list[float] = []
        self.deadlines = list(deadlines)

    def send(self, data: bytes, destination: Endpoint, local: Endpoint) -> None:
        self.outbox.append(Outgoing(data, destination, local))

    def receive(self, data: bytes, source: Endpoint, local: Endpoint, now: float) -> None:
        self.heard.append((now, data, source, local))

    def unreachable(self, remote: Endpoint, local: Endpoint, reason: str, now: float) -> None:
        raise NotImplementedError

    def tick(self, now: float) -> None:
        self.ticks.append(now)
        self.deadlines = [one for one in self.deadlines if one > now]

    def sends(self) -> list[Outgoing]:
        sends, self.outbox = self.outbox, []
        return sends

    def events(self) -> list[None]:
        return []

    def deadline(self) -> float | None:
        return min(self.deadlines, default=None)


def echo(data: bytes, source: Endpoint, local: Endpoint, now: float) -> list[Outgoing]:
    return [Outgoing(data, source, local)]


def nat(public: bytes = PUBLIC, **behavior: Any) -> Box:
    return Box(Behavior(**behavior), (public,), Random(1))


def firewall(**behavior: Any) -> Box:
    return Box(Behavior(nat=False, **behavior), (), Random(1))


def join(
    *boxes: Box,
    weather: Weather | None = None,
    address: bytes = HOME,
    network: Network | None = None,
) -> tuple[Network, Recorder, Endpoint]:
    """A network with an echoing server and a host; its machine and a socket of it."""
    if network is None:
        network = Network(Random(3), weather)
        network.add_service([SERVER], echo)
    machine = Recorder()
    host = Host(address, boxes, machine)
    network.add_host(host)
    return network, machine, network.open(host)


def test_datagram_goes_there_and_back_in_two_delays():
    network, machine, local = join(weather=Weather(delay=0.25))
    machine.send(b"x", SERVER, local)
    network.run(9.0)
    assert machine.heard == [(0.5, b"x", SERVER, local)]
    assert network.now == 0.5  # nothing will ever happen again


def test_datagrams_arrive_in_the_order_of_their_time():
    network, machine, local = join(weather=Weather(delay=0.1, jitter=0.1))
    for number in range(50):
        machine.send(bytes((number,)), SERVER, local)
    network.run(9.0)
    times = [at for at, *_ in machine.heard]
    assert times == sorted(times)
    assert 0.2 <= times[0] <= times[-1] <= 0.4
    order = [data[0] for _, data, *_ in machine.heard]
    assert order != sorted(order)  # some were overtaken
    assert sorted(order) == list(range(50))


def test_datagrams_of_one_time_stay_in_order():
    network, machine, local = join()
    for number in range(50):
        machine.send(bytes((number,)), SERVER, local)
    network.run(9.0)
    assert [data[0] for _, data, *_ in machine.heard] == list(range(50))


def test_loss_is_as_frequent_as_the_weather_says_each_way():
    network, machine, local = join(weather=Weather(loss=0.2))
    for _ in range(10_000):
        machine.send(b"x", SERVER, local)
    network.run(9.0)
    assert 6250 < len(machine.heard) < 6550  # 0.8 * 0.8, within three standard deviations


def test_duplication_is_as_frequent_as_the_weather_says_each_way():
    network, machine, local = join(weather=Weather(duplication=0.1))
    for _ in range(10_000):
        machine.send(b"x", SERVER, local)
    network.run(9.0)
    assert 11_950 < len(machine.heard) < 12_250  # 1.1 * 1.1


@pytest.mark.parametrize(("size", "loss"), [(1472, 0.2), (1473, 0.36), (2972, 0.36), (2973, 0.488)])
def test_datagram_is_lost_with_any_of_its_fragments(size: int, loss: float):
    network, machine, local = join(weather=Weather(loss=0.2))
    network.add_service([SERVER], lambda *_: [Outgoing(b"", local, SERVER)])
    for _ in range(5000):
        machine.send(bytes(size), SERVER, local)
    network.run(9.0)
    assert len(machine.heard) / 5000 == pytest.approx((1 - loss) * 0.8, abs=0.025)


def test_equal_seeds_make_equal_runs():
    runs = []
    for _ in range(2):
        network, machine, local = join(weather=Weather(0.2, 0.2, 0.1, 0.1))
        for number in range(100):
            machine.send(bytes((number,)), SERVER, local)
        network.run(9.0)
        runs.append(machine.heard)
    assert runs[0] == runs[1]


def test_run_ends_at_the_time_and_goes_on_from_there():
    network, machine, local = join(weather=Weather(delay=1.0))
    machine.send(b"x", SERVER, local)
    network.run(1.5)
    assert (network.now, machine.heard) == (1.5, [])
    network.run(9.0)
    assert machine.heard == [(2.0, b"x", SERVER, local)]


def test_run_ends_when_it_is_done():
    network, machine, local = join()
    for _ in range(3):
        machine.send(b"x", SERVER, local)
    network.run(9.0, lambda: len(machine.heard) == 2)
    assert len(machine.heard) == 2


def test_machines_are_ticked_at_their_deadlines():
    network, machine, _ = join()
    machine.deadlines = [0.25, 3.0, 7.0]
    network.run(5.0)
    assert (machine.ticks, network.now) == ([0.25, 3.0], 5.0)


def test_deadline_of_the_past_is_now():
    network, machine, _ = join()
    network.now = 4.0
    machine.deadlines = [1.0]
    network.run(5.0)
    assert machine.ticks == [4.0]


def test_host_without_a_machine_only_hears():
    network, machine, local = join()
    silent = Host(bytes((203, 0, 113, 9)))
    network.add_host(silent)
    machine.send(b"x", network.open(silent), local)
    machine.deadlines = [0.5]
    network.run(5.0)
    assert machine.ticks == [0.5]


def test_sockets_have_ports_of_their_own_from_the_dynamic_range():
    network = Network(Random(1))
    host = Host(HOME)
    ports = {network.open(host).port for _ in range(3000)}
    assert len(ports) == 3000
    assert min(ports) >= FIRST_DYNAMIC_PORT


def test_datagram_to_nobody_is_lost():
    network, machine, local = join()
    machine.send(b"x", ELSEWHERE, local)
    network.run(9.0)
    assert machine.heard == []


def test_nat_stands_between():
    network, machine, local = join(nat())
    seen = []

    def watch(_: bytes, source: Endpoint, *__: object) -> list[Outgoing]:
        seen.append(source)
        return []

    network.add_service([SERVER], watch)
    machine.send(b"x", SERVER, local)
    network.run(9.0)
    assert seen == [Endpoint(PUBLIC, local.port)]


def test_two_layers_translate_one_after_the_other():
    inner, outer = nat(CARRIER), nat()
    network, machine, local = join(inner, outer)
    machine.send(b"x", SERVER, local)
    network.run(9.0)
    assert machine.heard == [(0.02, b"x", SERVER, local)]
    assert inner._by_key[local].external == Endpoint(CARRIER, local.port)
    assert list(outer._by_key) == [Endpoint(CARRIER, local.port)]


def test_each_layer_filters():
    for filterings in ((FREE, Filtering.ADDRESS_DEPENDENT), (Filtering.ADDRESS_DEPENDENT, FREE)):
        boxes = [nat(CARRIER, filtering=filterings[0]), nat(filtering=filterings[1])]
        network, machine, local = join(*boxes)
        machine.send(b"x", SERVER, local)
        network.run(0.03)
        network._transmit(b"y", ELSEWHERE, Endpoint(PUBLIC, local.port))
        network.run(9.0)
        assert [data for _, data, *_ in machine.heard] == [b"x"]


def test_gateway_rewrites_on_the_way_in():
    network, machine, local = join(nat(rewrites=True))
    machine.send(b"<" + PUBLIC + b">", SERVER, local)
    network.run(9.0)
    assert machine.heard[0][1] == b"<" + HOME + b">"


def test_blocking_box_lets_nothing_out():
    network, machine, local = join(nat(blocks_udp=True))
    machine.send(b"x", SERVER, local)
    network.run(9.0)
    assert machine.heard == []


@pytest.mark.parametrize(("size", "passes"), [(1472, True), (1473, False)])
def test_box_may_drop_fragments_on_the_way_out(size: int, passes: bool):
    network, machine, local = join(nat(fragments=False))
    machine.send(bytes(size), SERVER, local)
    network.run(9.0)
    assert bool(machine.heard) is passes


@pytest.mark.parametrize(("size", "passes"), [(1472, True), (1473, False)])
def test_box_may_drop_fragments_on_the_way_in(size: int, passes: bool):
    network, machine, local = join(nat(fragments=False))
    network.add_service([SERVER], lambda _, source, *__: [Outgoing(bytes(size), source, SERVER)])
    machine.send(b"x", SERVER, local)
    network.run(9.0)
    assert bool(machine.heard) is passes


def test_ipv6_has_longer_headers():
    network, machine, _ = join(firewall(fragments=False), address=bytes(15) + b"\x01")
    server = Endpoint.of("2001:db8::1", 3478)
    network.add_service([server], echo)
    for size in (1452, 1453):
        machine.send(bytes(size), server, Endpoint(bytes(15) + b"\x01", 50000))
    network.run(9.0)
    assert [len(data) for _, data, *_ in machine.heard] == [1452]


def turned_back(*boxes: Box) -> list[Endpoint]:
    """From where a host hears what it sends to its own mapped endpoint."""
    network, machine, owner = join(*boxes)
    sender = Endpoint(HOME, owner.port ^ 1)
    machine.send(b"x", SERVER, owner)
    network.run(0.02)
    machine.heard.clear()
    machine.send(b"y", Endpoint(PUBLIC, owner.port), sender)
    network.run(9.0)
    assert all(local == owner for *_, local in machine.heard)
    return [source for _, _, source, _ in machine.heard]


def test_hairpin_comes_back_from_the_mapped_endpoint_of_the_sender():
    (source,) = turned_back(nat(hairpin=True))
    assert source.packed == PUBLIC


def test_no_hairpin_is_silence():
    assert turned_back(nat()) == []


@pytest.mark.parametrize("filtering", Filtering)
def test_hairpin_of_the_outer_of_two_layers_has_to_pass_the_inner(filtering: Filtering):
    sources = turned_back(nat(CARRIER, filtering=filtering), nat(hairpin=True))
    assert bool(sources) is (filtering is FREE)


def test_hairpin_of_the_inner_layer_is_no_use_for_the_outer_address():
    assert turned_back(nat(CARRIER, hairpin=True, filtering=FREE), nat()) == []


def test_hairpin_of_a_nat_behind_a_firewall():
    assert len(turned_back(nat(hairpin=True), firewall())) == 1


def test_hosts_of_one_network_reach_each_other_without_its_nat():
    box = nat()
    network, machine, local = join(box)
    _, other, remote = join(box, address=NEIGHBOR, network=network)
    machine.send(b"x", remote, local)
    network.run(9.0)
    assert other.heard == [(0.0, b"x", local, remote)]


def test_hosts_behind_one_carrier_reach_each_others_own_nat():
    carrier = nat()
    network, machine, _ = join(nat(CARRIER), carrier)
    homes = bytes((100, 64, 0, 8))
    _, other, remote = join(nat(homes), carrier, address=NEIGHBOR, network=network)
    other.send(b"x", Endpoint(CARRIER, 9), remote)  # opens its mapping, and is filtered
    network.run(0.0)
    machine.send(b"y", Endpoint(homes, remote.port), Endpoint(HOME, 9))
    network.run(9.0)
    assert [(data, source) for _, data, source, _ in other.heard] == [(b"y", Endpoint(CARRIER, 9))]
    assert machine.heard == []


def test_hosts_behind_one_nat_are_told_apart():
    box = nat()
    network, machine, local = join(box)
    _, other, remote = join(box, address=NEIGHBOR, network=network)
    machine.send(b"x", SERVER, local)
    other.send(b"y", SERVER, remote)
    network.run(9.0)
    assert [data for _, data, *_ in machine.heard] == [b"x"]
    assert [data for _, data, *_ in other.heard] == [b"y"]


RELAYED = Endpoint.of("198.51.100.50", 50000)
PEER = bytes((198, 51, 100, 60))


def join_relay() -> tuple[Network, Recorder, Recorder, Endpoint]:
    """A host that no UDP leaves, with a relay, and another with a public address."""
    network, machine, _ = join(nat(blocks_udp=True), weather=Weather(delay=0.25))
    network.add_relay(Relay(RELAYED), network._hosts[0])
    _, other, remote = join(address=PEER, network=network)
    return network, machine, other, remote


def test_relayed_datagram_takes_two_ways_and_opens_the_way_back():
    network, machine, other, remote = join_relay()
    machine.send(b"x", remote, RELAYED)
    network.run(9.0)
    assert other.heard == [(0.5, b"x", RELAYED, remote)]
    other.send(b"y", RELAYED, remote.with_port(9))
    network.run(9.0)
    assert machine.heard == [(1.0, b"y", remote.with_port(9), RELAYED)]


def test_relay_lets_in_nobody_whom_its_owner_has_not_sent_to():
    network, machine, other, remote = join_relay()
    other.send(b"y", RELAYED, remote)
    network.run(9.0)
    assert machine.heard == []


def test_mapped_endpoint_is_what_a_server_would_see():
    outer = nat(port_assignment=PortAssignment.RANDOM)
    network, machine, local = join(nat(CARRIER), outer)
    host = network._hosts[0]
    mapped = network.mapped(host, local, SERVER)
    assert mapped.packed == PUBLIC
    machine.send(b"x", SERVER, local)
    network.run(9.0)
    assert outer.inbound(SERVER, mapped, 1.0) is not None
    assert network.mapped(host, local, SERVER) == mapped


def test_mapped_endpoint_is_none_where_nothing_gets_out():
    network, _, local = join(nat(), nat(blocks_udp=True))
    assert network.mapped(network._hosts[0], local, SERVER) is None


def test_what_arrives_at_a_host_that_runs_nothing_is_lost():
    network, machine, other, remote = join_relay()
    network._hosts[1].machine = None
    machine.send(b"x", remote, RELAYED)
    network.run(9.0)
    assert other.heard == []
