import socket
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.net.transport.sockaddr import endpoint_of, sockaddr_of
from stunkit.server import sockets as module
from stunkit.server.settings.tls import TlsSettings
from stunkit.server.settings.tree import PartnerSettings, Settings
from stunkit.server.sockets import Sockets, bind_tcp
from stunkit.wire.uri import Transport
from tests.integration.loopback import HOSTS, family_of, free_port, udp_socket

WILDCARDS = ("0.0.0.0", "::")

each_family = pytest.mark.parametrize("host", HOSTS)
each_number = pytest.mark.parametrize("workers", [1, 3])


@pytest.fixture
def bind():
    """Return a function that binds endpoints, all of which are closed at the end."""
    bound = []

    def binding(*listen: Endpoint, workers: int = 1, **settings) -> Sockets:
        bound.append(Sockets.bind(Settings(listen=listen, **settings), workers))
        return bound[-1]

    yield binding
    for sockets in bound:
        sockets.close()


def any_port(host: str) -> Endpoint:
    return Endpoint.of(host, 0)


def taken_for_udp(local: Endpoint) -> str:
    return (
        f"cannot listen on udp {local}: another program has port {local.port};"
        " `ss -lunp` names it; choose another port with --listen ADDRESS:PORT"
    )


@each_family
@each_number
def test_binds_one_port_for_tcp_and_every_worker(bind, host: str, workers: int):
    sockets = bind(any_port(host), workers=workers)
    (door,) = sockets.doors
    assert door.local.port != 0
    assert len(door.udp) == workers
    assert {endpoint_of(one.getsockname()) for one in (*door.udp, door.tcp)} == {door.local}
    assert sockets.endpoints == [(Transport.UDP, door.local), (Transport.TCP, door.local)]


@each_family
def test_every_worker_has_a_queue_of_its_own(bind, host: str):
    (door,) = bind(any_port(host), workers=3).doors
    for _ in range(200):
        with udp_socket(host) as client:
            client.sendto(b"x", sockaddr_of(door.local))
    queues = [count_queued(one) for one in door.udp]
    assert sum(queues) == 200
    assert all(queues), queues  # that one of three gets none of 200 happens once in 10**35 runs


def count_queued(one: socket.socket) -> int:
    number = 0
    while True:
        try:
            one.recv(1)
        except BlockingIOError:
            return number
        number += 1


@pytest.mark.parametrize("host", [*HOSTS, *WILDCARDS])
@pytest.mark.parametrize("theirs", [1, 2])
@pytest.mark.parametrize("ours", [1, 2])
def test_never_shares_a_port_with_another_server(bind, host: str, theirs: int, ours: int):
    taken = bind(any_port(host), workers=theirs).doors[0].local
    with pytest.raises(StartError) as caught:
        bind(taken, workers=ours)
    assert str(caught.value) == taken_for_udp(taken)


@each_family
@each_number
def test_never_joins_a_program_that_would_share_its_port(bind, host: str, workers: int):
    with socket.socket(family_of(host), socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((host, 0))
        local = endpoint_of(other.getsockname())
        with pytest.raises(StartError) as caught:
            bind(local, workers=workers)
        assert str(caught.value) == taken_for_udp(local)


@each_number
def test_lets_no_ordinary_program_share_its_port(bind, workers: int):
    (door,) = bind(any_port("127.0.0.1"), workers=workers).doors
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(sockaddr_of(door.local))


def test_shares_out_what_each_worker_serves(bind):
    sockets = bind(*map(any_port, HOSTS), workers=3)
    own = sockets.share(1)
    assert own.endpoints == sockets.endpoints
    for before, after in zip(sockets.doors, own.doors, strict=True):
        assert after.udp == before.udp[1:2]
        assert [one.fileno() >= 0 for one in before.udp] == [False, True, False]
        assert after.tcp is before.tcp
        assert after.tcp.fileno() >= 0


@each_number
def test_binds_the_four_sockets_of_a_quartet(bind, workers: int):
    alone, paired = any_port("::1"), any_port("127.0.0.1")
    sockets = bind(paired, alone, workers=workers, alternate=(any_port("127.0.0.2"),))
    ((first, other_port, other_address, both),) = sockets.quartets
    assert (first.host, both.host) == ("127.0.0.1", "127.0.0.2")
    assert both.port == first.port + 1
    assert other_port == first.with_port(both.port)
    assert other_address == both.with_port(first.port)
    single, *four = [door.local for door in sockets.doors]
    assert single.host == "::1"
    assert tuple(four) == sockets.quartets[0]
    assert {len(door.udp) for door in sockets.doors} == {workers}


def test_draws_again_when_the_port_is_taken_at_the_other_address(bind, monkeypatch):
    refused = []

    def refuse_twice(local: Endpoint) -> socket.socket:
        if local.host == "127.0.0.2" and len(refused) < 2:
            refused.append(local)
            raise OSError(98, "Address already in use")
        return bind_tcp(local)

    monkeypatch.setattr(module, "bind_tcp", refuse_twice)
    sockets = bind(any_port("127.0.0.1"), alternate=(any_port("127.0.0.2"),))
    assert len(refused) == 2
    assert [door.local for door in sockets.doors] == list(sockets.quartets[0])


@each_number
def test_closes_everything_when_one_socket_cannot_be_bound(bind, workers: int):
    with udp_socket("127.0.0.1") as taken:
        other = Endpoint.of("127.0.0.2", taken.getsockname()[1])
        with pytest.raises(StartError):
            bind(other, endpoint_of(taken.getsockname()), workers=workers)
        with pytest.raises(StartError):
            bind(any_port("::1"), other, alternate=(endpoint_of(taken.getsockname()),))
        assert bind(other, workers=workers).doors[0].local == other  # it is free again


def test_closes_everything_when_the_system_has_no_room_for_every_worker(bind, monkeypatch):
    made = []

    def bind_udp(local: Endpoint, *, shares_port: bool = False) -> socket.socket:
        if len(made) == 2:
            raise OSError(24, "Too many open files")
        made.append(ordinary(local, shares_port=shares_port))
        return made[-1]

    ordinary = module.bind_udp
    monkeypatch.setattr(module, "bind_udp", bind_udp)
    with pytest.raises(StartError, match=r"cannot listen on udp .*: too many open files"):
        bind(any_port("127.0.0.1"), workers=3)
    assert [one.fileno() for one in made] == [-1, -1]


@each_number
def test_draws_again_when_the_port_that_udp_got_is_taken_for_tcp(bind, monkeypatch, workers: int):
    refused = []

    def refuse_once(local: Endpoint) -> socket.socket:
        if not refused:
            refused.append(local)
            raise OSError(98, "Address already in use")
        return bind_tcp(local)

    monkeypatch.setattr(module, "bind_tcp", refuse_once)
    (door,) = bind(any_port("127.0.0.1"), workers=workers).doors
    assert len(refused) == 1
    assert len(door.udp) == workers


def test_draws_no_port_for_ever(bind, monkeypatch):
    def refuse(local: Endpoint) -> socket.socket:
        raise OSError(98, "Address already in use")

    monkeypatch.setattr(module, "bind_tcp", refuse)
    with pytest.raises(StartError, match=r"cannot listen on tcp 127\.0\.0\.1:"):
        bind(any_port("127.0.0.1"))


@each_family
def test_says_what_to_do_when_its_port_is_taken_for_udp(bind, host: str):
    with udp_socket(host) as taken:
        local = endpoint_of(taken.getsockname())
        with pytest.raises(StartError) as caught:
            bind(local)
        assert str(caught.value) == taken_for_udp(local)


@each_family
@each_number
def test_says_what_to_do_when_its_port_is_taken_for_tcp(bind, host: str, workers: int):
    with socket.socket(family_of(host)) as taken:
        taken.bind((host, 0))
        taken.listen()
        local = endpoint_of(taken.getsockname())
        with pytest.raises(StartError) as caught:
            bind(local, workers=workers)
        assert str(caught.value) == (
            f"cannot listen on tcp {local}: another program has port {local.port};"
            " `ss -ltnp` names it; choose another port with --listen ADDRESS:PORT"
        )


@pytest.mark.parametrize("address", ["203.0.113.1", "2001:db8::1"])
def test_says_when_an_address_is_not_ours(bind, address: str):
    with pytest.raises(StartError, match=f"this machine has no address {address};"):
        bind(any_port(address))


def test_says_when_a_port_needs_privilege(bind, monkeypatch):
    def forbid(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "bind_udp", forbid)
    with pytest.raises(StartError, match="ports below 1024 need privilege; choose a higher"):
        bind(Endpoint.of("127.0.0.1", 1))


def test_passes_on_what_the_system_says(bind):
    with pytest.raises(StartError, match=r"cannot listen on udp .*fe80::1.*: invalid argument"):
        bind(any_port("fe80::1"))


def test_binds_ipv4_alone_where_there_is_no_ipv6(bind, monkeypatch, caplog):
    class WithoutIpv6(socket.socket):
        def bind(self, address):
            if self.family == socket.AF_INET6:
                raise OSError(99, "Cannot assign requested address")
            super().bind(address)

    monkeypatch.setattr(module.socket, "socket", WithoutIpv6)
    monkeypatch.setattr(module, "ANY_IPV4", Endpoint.of("0.0.0.0", 0))
    assert [door.local.host for door in bind().doors] == ["0.0.0.0"]
    assert caplog.messages == ["this machine has no IPv6: serving IPv4 only"]


def with_tls(**choices) -> dict[str, TlsSettings]:
    """Return settings that want TLS; the certificate is not read here."""
    return {"tls": TlsSettings(certificate=Path("chain.pem"), **choices)}


@each_family
def test_binds_tls_at_its_own_port_of_the_same_addresses(monkeypatch, bind, host: str):
    port = free_port(*HOSTS)
    monkeypatch.setattr(module, "DEFAULT_TLS_PORT", port)
    sockets = bind(any_port(host), any_port(host), **with_tls())
    tls = [local for transport, local in sockets.endpoints if transport is Transport.TLS]
    assert tls == [Endpoint.of(host, port)]
    assert sockets.streams[-1] == (Transport.TLS, sockets.tls[0])


def test_binds_tls_where_it_is_told_to(bind):
    where = (any_port("127.0.0.1"), any_port("::1"))
    sockets = bind(any_port("127.0.0.1"), **with_tls(listen=where))
    assert [endpoint_of(one.getsockname()).host for one in sockets.tls] == ["127.0.0.1", "::1"]


def test_binds_nothing_more_for_a_shared_port(bind):
    sockets = bind(any_port("127.0.0.1"), **with_tls(shared=True))
    (door,) = sockets.doors
    assert sockets.tls == ()
    assert sockets.endpoints[2:] == [(Transport.TLS, door.local)]


def test_names_the_port_of_tls_that_is_taken(bind):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        local = endpoint_of(taken.getsockname())
        with pytest.raises(StartError, match=rf"listen on tls {local}: .* --tls-listen"):
            bind(any_port("127.0.0.1"), **with_tls(listen=(local,)))


@pytest.mark.parametrize(
    "listen",
    [
        ("127.0.0.1:3478", "127.0.0.1:3478"),
        ("0.0.0.0:3478", "127.0.0.1:3478"),
        ("[::1]:3478", "127.0.0.1:3478", "[::]:3478"),
    ],
)
def test_says_that_it_would_take_its_own_port(bind, listen: tuple[str, ...]):
    with pytest.raises(StartError, match=r"are both in listen, .*; leave one of them out"):
        bind(*map(Endpoint.parse, listen))


def test_refuses_two_alternates_of_one_family(bind):
    alternate = (any_port("127.0.0.2"), any_port("127.0.0.3"))
    with pytest.raises(StartError, match="once for each family"):
        bind(any_port("127.0.0.1"), alternate=alternate)


@pytest.mark.parametrize(
    "settings",
    [
        {"alternate": (any_port("127.0.0.2"),)},
        {"partner": PartnerSettings(address=Endpoint.of("127.0.0.2", 3480))},
    ],
    ids=["alternate", "partner"],
)
def test_says_that_there_is_no_port_after_the_last(bind, settings):
    with pytest.raises(StartError, match=r"no port after that of 127\.0\.0\.9:65535"):
        bind(Endpoint.of("127.0.0.9", 65535), **settings)
