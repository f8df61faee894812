"""What holds for every lane on real sockets; the tests of each lane inherit it."""

from __future__ import annotations

import logging
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.transport.sockaddr import endpoint_of, sockaddr_of
from stunkit.net.transport.udp import UdpSocket
from stunkit.protocol.client import mapped_endpoint
from stunkit.protocol.respond import Disposition, Received, respond
from stunkit.protocol.site import Quartet, Site
from stunkit.protocol.throttle import Limit, Ration, Throttle
from stunkit.server.lanes import lane as lanes
from stunkit.server.lanes.lane import Lane
from stunkit.server.metrics.counters import Counters, Tally
from stunkit.wire.attributes.behavior import ChangeRequest
from stunkit.wire.attributes.text import Software
from stunkit.wire.fingerprint import add_fingerprint
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method
from stunkit.wire.uri import Transport
from tests.integration.loopback import HOSTS, PATIENCE, blank, exchange, udp_socket

each_family = pytest.mark.parametrize("host", HOSTS)
# how many arrive at once: few and many may be answered in different ways
each_amount = pytest.mark.parametrize("amount", [1, 5, 100])


def tally_of(host: str) -> Tally:
    return Counters().of(Transport.UDP, Endpoint.of(host, 0).family)


def figures(tally: Tally) -> dict[Disposition, int]:
    return {kind: tally[kind] for kind in Disposition if tally[kind]}


class LaneExpectations:
    """Inherited by the tests of a lane, which name it."""

    kind: ClassVar[type[Lane]]

    @contextmanager
    def lane(
        self, host: str, site: Site | None = None, port: int = 0, **options: Any
    ) -> Iterator[tuple[Lane, Tally]]:
        """Yield a lane on a port of a host, and its figures."""
        tally = tally_of(host)
        lane = self.kind(UdpSocket(Endpoint.of(host, port)), site or Site(), tally, **options)
        try:
            yield lane, tally
        finally:
            lane.close()

    @each_family
    async def test_says_where_it_sees_the_client(self, host: str):
        with self.lane(host) as (lane, _), udp_socket(host) as peer:
            lane.start()
            data, source = await exchange(peer, blank(), lane.local)
            assert source == lane.local
            assert mapped_endpoint(Message.decode(data)) == endpoint_of(peer.getsockname())

    @each_family
    @each_amount
    def test_sends_what_respond_says_and_counts_it(self, host: str, amount: int):
        broken = blank()[:3] + b"\4" + blank()[4:] + b"\0\1\0\1"
        request = Message.request(Method.BINDING, bytes(12))
        kinds = [
            blank(),
            broken,
            request.append(0x7FFF, b"").raw,
            add_fingerprint(request).raw,
            Message.request(Method.BINDING, bytes(16)).raw,
            Message.request(Method.BINDING, bytes(12), [Software("x" * 100)]).raw,
            Message.request(Method.BINDING, bytes(12), [Software("x" * 127)]).raw,
            b"",
            bytes(2000),
            Message.build(MessageClass.INDICATION, Method.BINDING, bytes(12)).raw,
            Message.build(MessageClass.SUCCESS_RESPONSE, Method.BINDING, bytes(12)).raw,
            Message.request(Method.ALLOCATE, bytes(12)).raw,
        ]
        with self.lane(host, Site("stunkit")) as (lane, tally), udp_socket(host) as peer:
            me = endpoint_of(peer.getsockname())
            expected, dispositions, total = Counter(), Counter(), 0
            for number in range(amount):
                data = kinds[number % len(kinds)]
                peer.sendto(data, sockaddr_of(lane.local))
                response = respond(Received(data, me, lane.local), lane.site)
                dispositions[response.disposition] += 1
                expected[response.data] += bool(response.data)
                total += len(data)
            lane.drain()
            expected = +expected
            assert Counter(peer.recv(2000) for _ in range(expected.total())) == expected
            assert figures(tally) == dispositions
            assert tally.bytes_in == total
            assert tally.bytes_out == sum(len(data) * n for data, n in expected.items())
            assert (tally.unsent, tally.errors) == (0, 0)
            assert_silent(peer)

    @each_family
    @each_amount
    def test_answers_each_client(self, host: str, amount: int):
        with (
            self.lane(host) as (lane, _),
            udp_socket(host) as one,
            udp_socket(host) as two,
        ):
            for number in range(amount):
                for peer in (one, two):
                    peer.sendto(blank(number), sockaddr_of(lane.local))
            lane.drain()
            for peer in (one, two):
                answers = [Message.decode(peer.recv(100)) for _ in range(amount)]
                me = endpoint_of(peer.getsockname())
                assert {mapped_endpoint(answer) for answer in answers} == {me}
                ids = [answer.transaction_id for answer in answers]
                assert ids == [number.to_bytes(12, "big") for number in range(amount)]

    @each_family
    def test_drain_answers_all_that_lies_in_the_queue(self, host: str):
        with self.lane(host) as (lane, tally), udp_socket(host) as peer:
            make_room(peer)
            for number in range(1000):
                peer.sendto(blank(number), sockaddr_of(lane.local))
            lane.drain()
            lane.close()
            ids = {Message.decode(peer.recv(100)).transaction_id for _ in range(1000)}
        assert ids == {number.to_bytes(12, "big") for number in range(1000)}
        assert tally.answered == 1000
        assert tally.kernel_drops == 0

    @each_amount
    def test_answers_from_the_address_that_was_asked(self, amount: int):
        with self.lane("0.0.0.0") as (lane, tally), udp_socket("127.0.0.1") as peer:
            asked = [f"127.0.0.{2 + number % 5}" for number in range(amount)]
            for number, host in enumerate(asked):
                peer.sendto(blank(number), (host, lane.local.port))
                unknown = Message.request(Method.BINDING, number.to_bytes(12, "big"))
                peer.sendto(unknown.append(0x7FFF, b"").raw, (host, lane.local.port))
            lane.drain()
            for _ in range(2 * amount):
                data, source = peer.recvfrom(200)
                number = int.from_bytes(Message.decode(data).transaction_id, "big")
                assert source == (asked[number], lane.local.port)
            assert tally.answered == 2 * amount

    @each_amount
    def test_answers_from_the_address_that_was_asked_over_ipv6(self, amount: int):
        with self.lane("::") as (lane, _), udp_socket("::1") as peer:
            for number in range(amount):
                peer.sendto(blank(number), ("::1", lane.local.port))
            lane.drain()
            for _ in range(amount):
                assert peer.recvfrom(200)[1][:2] == ("::1", lane.local.port)

    def test_answers_from_the_sibling_that_is_asked_for(self):
        siblings: dict[Endpoint, UdpSocket] = {}
        with (
            self.lane("127.0.0.1", siblings=siblings) as (one, one_tally),
            self.lane("127.0.0.2", port=one.local.port, siblings=siblings) as (two, two_tally),
            udp_socket("127.0.0.1") as peer,
        ):
            ends = (one.local, one.local.with_port(1), two.local, two.local.with_port(1))
            one.site = two.site = Site(quartet=Quartet(ends, ends, proven=True))
            for number in range(20):
                identity = number.to_bytes(12, "big")
                change = [ChangeRequest(change_ip=True)] if number % 2 else []
                peer.sendto(
                    Message.request(Method.BINDING, identity, change).raw, sockaddr_of(one.local)
                )
            one.drain()
            for _ in range(20):
                data, source = peer.recvfrom(200)
                number = int.from_bytes(Message.decode(data).transaction_id, "big")
                assert source == sockaddr_of(two.local if number % 2 else one.local)
            assert (one_tally.answered, two_tally.received) == (20, 0)

    def test_goes_on_without_a_sibling_that_is_closed(self):
        siblings: dict[Endpoint, UdpSocket] = {}
        with (
            self.lane("127.0.0.1", siblings=siblings) as (one, tally),
            self.lane("127.0.0.2", port=one.local.port, siblings=siblings) as (two, _),
            udp_socket("127.0.0.1") as peer,
        ):
            ends = (one.local, one.local.with_port(1), two.local, two.local.with_port(1))
            one.site = Site(quartet=Quartet(ends, ends, proven=True))
            two.close()
            change = Message.request(Method.BINDING, bytes(12), [ChangeRequest(change_ip=True)])
            for data in (change.raw, blank(7)):
                peer.sendto(data, sockaddr_of(one.local))
            one.drain()
            assert Message.decode(peer.recv(200)).transaction_id == (7).to_bytes(12, "big")
            assert (tally.answered, tally.unsent) == (2, 1)

    @each_family
    @each_amount
    def test_limits_what_a_source_gets(self, host: str, amount: int):
        throttle = Throttle(Limit(rate=10, burst=10), bytes(32))
        with (
            self.lane(host, throttle=throttle) as (lane, tally),
            udp_socket(host) as peer,
        ):
            lane._look_at_clocks = lambda: None  # time stands still
            error = Message.request(Method.BINDING, bytes(12)).append(0x7FFF, b"").raw
            for number in range(amount):
                peer.sendto(error if number % 3 == 2 else blank(number), sockaddr_of(lane.local))
            lane.drain()
            allowed = min(amount, 10)
            for _ in range(allowed):
                assert peer.recv(200)
            assert_silent(peer)
            assert tally.answered == allowed
            assert tally[Disposition.LIMITED] == amount - allowed

    @each_family
    @each_amount
    def test_looks_at_no_more_than_its_ration_and_answers_what_is_plain(self, host, amount):
        with self.lane(host, ration=Ration(10, 10)) as (lane, tally), udp_socket(host) as peer:
            lane._look_at_clocks = lambda: None
            error = Message.request(Method.BINDING, bytes(12)).append(0x7FFF, b"").raw
            for number in range(amount):
                for data in (error, blank(number), b"not STUN"):
                    peer.sendto(data, sockaddr_of(lane.local))
            lane.drain()
            looked_at = min(amount, 10)
            expected = {
                Disposition.ANSWERED: amount,
                Disposition.NOT_STUN: amount,
                Disposition.UNKNOWN_ATTRIBUTE: looked_at,
                Disposition.SHED: amount - looked_at,
            }
            assert figures(tally) == {kind: number for kind, number in expected.items() if number}

    @each_family
    @each_amount
    def test_sends_nothing_to_a_refused_port(self, host: str, amount: int):
        with (
            udp_socket(host) as refused,
            udp_socket(host) as peer,
            self.lane(host, Site(refused_ports=frozenset({refused.getsockname()[1]}))) as (
                lane,
                tally,
            ),
        ):
            for number in range(amount):
                for plain in (refused, peer):
                    plain.sendto(blank(number), sockaddr_of(lane.local))
            lane.drain()
            for _ in range(amount):
                assert peer.recv(100)
            assert_silent(refused)
            assert figures(tally) == {
                Disposition.ANSWERED: amount,
                Disposition.REFUSED_PORT: amount,
            }

    @each_family
    @pytest.mark.parametrize("amount", [2, 40])
    def test_survives_its_own_bugs(self, host: str, amount: int, monkeypatch, caplog):
        bad = Message.request(Method.BINDING, b"bad bad bad!").append(0x7FFF, b"").raw

        def stumble(received, site, now):
            if received.data == bad:
                raise ZeroDivisionError
            return respond(received, site, now)

        monkeypatch.setattr(lanes, "respond", stumble)
        caplog.set_level(logging.DEBUG)
        with self.lane(host) as (lane, tally), udp_socket(host) as peer:
            peer.sendto(bad, sockaddr_of(lane.local))
            for number in range(amount):
                peer.sendto(blank(number), sockaddr_of(lane.local))
            lane.drain()
            for number in range(amount):
                assert Message.decode(peer.recv(100)).transaction_id == number.to_bytes(12, "big")
            assert (tally.errors, tally.answered) == (1, amount)
            (record,) = caplog.records
            assert record.levelno == logging.ERROR
            assert record.getMessage() == (
                f"a datagram of 24 bytes from {endpoint_of(peer.getsockname())}"
                " broke the server's code"
            )
            assert record.exc_info[0] is ZeroDivisionError
            assert repr(bad) not in caplog.text

    @each_family
    async def test_survives_bugs_wherever_they_are(self, host: str, monkeypatch, caplog):
        with self.lane(host) as (lane, tally), udp_socket(host) as peer:
            monkeypatch.setattr(lane, "_express", lambda *_: 1 // 0)
            lane.start()
            peer.sendto(blank(1), sockaddr_of(lane.local))
            lane.drain()
            assert tally.errors == 1
            assert "broke the server's code" in caplog.text
            monkeypatch.undo()
            data, _ = await exchange(peer, blank(2), lane.local)
            assert Message.decode(data).transaction_id == (2).to_bytes(12, "big")

    @each_amount
    def test_counts_what_could_not_be_sent(self, amount: int, monkeypatch):
        def elsewhere(*received):
            # from a loopback address nothing leaves the machine
            return respond(*received)._replace(destination=Endpoint.of("203.0.113.1", 9))

        unknown = Message.request(Method.BINDING, bytes(12)).append(0x7FFF, b"").raw
        with self.lane("127.0.0.1") as (lane, tally), udp_socket("127.0.0.1") as peer:
            monkeypatch.setattr(lanes, "respond", elsewhere)
            for _ in range(amount):
                peer.sendto(unknown, sockaddr_of(lane.local))
            lane.drain()
            assert tally.unsent == tally.answered == amount

    @each_family
    def test_counts_what_the_kernel_dropped(self, host: str):
        with self.lane(host) as (lane, tally), udp_socket(host) as peer:
            lane._udp._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            for number in range(200):
                peer.sendto(blank(number), sockaddr_of(lane.local))
            lane.drain()
            assert tally.received < 200
            for _ in range(2):
                lane.count_drops()
                assert tally.kernel_drops == 200 - tally.received

    @each_family
    async def test_serves_with_new_settings_from_then_on(self, host: str):
        with self.lane(host) as (lane, _), udp_socket(host) as peer:
            lane.start()
            for software in (None, "stunkit", "x" * 127, None):
                lane.site = Site(software)
                data, _ = await exchange(peer, blank(), lane.local)
                found = Message.decode(data).get(Software)
                assert (found and found.text) == software

    @each_family
    async def test_leaves_nothing_of_a_longer_datagram_behind(self, host: str):
        secret = b"SECRET" * 30
        with self.lane(host) as (lane, _), udp_socket(host) as peer:
            lane.start()
            for _ in range(3):
                peer.sendto(secret, sockaddr_of(lane.local))
                for number in (1, 40):
                    request = Message.request(Method.BINDING, bytes(12)).append(0x7FFF, b"")
                    for _ in range(number):
                        peer.sendto(request.raw, sockaddr_of(lane.local))
                        peer.sendto(blank(), sockaddr_of(lane.local))
                    lane.drain()
                    for _ in range(2 * number):
                        assert b"SEC" not in peer.recv(2000)

    @each_family
    def test_closes_more_than_once(self, host: str):
        with self.lane(host) as (lane, _):
            lane.close()
            lane.close()

    def test_is_found_by_its_siblings(self):
        siblings: dict[Endpoint, UdpSocket] = {}
        with self.lane("127.0.0.1", siblings=siblings) as (lane, _):
            assert list(siblings) == [lane.local]


def assert_silent(peer: socket.socket) -> None:
    """Nothing more has come; what was sent over loopback is there at once."""
    peer.settimeout(0)
    with pytest.raises(BlockingIOError):
        peer.recv(1)
    peer.settimeout(PATIENCE)


def make_room(peer: socket.socket) -> None:
    """Let a socket hold more answers than it would."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
