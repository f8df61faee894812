"""Lanes without a kernel, and what they should have sent: ``respond``, one datagram at a time.

A ``Bench`` holds a lane, its socket and those of its siblings, all played by ``Wire``. Datagrams
are put where the kernel would have put them, and what leaves is caught. ``ask`` gives a batch to
the lane and to the reference, and raises ``Disagreement`` if anything differs: what is sent, to
whom, from which socket and address; the figures; the throttle's buckets. A bench lives for many
batches, so older and longer datagrams lie in the lane's memory.

Needs neither pytest nor Hypothesis: ``scripts/fuzz`` uses it too.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple
from zlib import crc32

from stunkit.endpoint import Endpoint, Family
from stunkit.net.transport.batch import CONTROL_SIZE, HEAD, Inbox, Outbox, read_name, write_name
from stunkit.net.transport.sockaddr import ADDRESS_FAMILY, endpoint_of, sockaddr_of
from stunkit.net.transport.udp import UdpSocket
from stunkit.protocol.respond import Disposition, Received, respond
from stunkit.protocol.site import Site
from stunkit.protocol.template import is_not_stun, plain_kind
from stunkit.protocol.throttle import TABLE_SIZE, Limit, Ration, Throttle
from stunkit.server.lanes.batch import BatchLane
from stunkit.server.lanes.portable import PortableLane
from stunkit.server.metrics.counters import Counters, Tally
from stunkit.wire.fingerprint import XOR
from stunkit.wire.registry import AttributeType
from stunkit.wire.uri import Transport

Rate = tuple[float, int]  # of a ration: how many a second, and at once

SECRET = bytes(range(32))
INTERFACE = 7  # by which every datagram arrives that is not link-local
UNROUTABLE, FULL = 0, 1  # ports that the kernel here sends nothing to, and why

# What the kernel says of where a datagram was sent to; ip(7), ipv6(7).
_PKTINFO4 = struct.Struct("=I4s4s")  # interface, address of ours, destination in the header
_PKTINFO6 = struct.Struct("=16sI")  # address, interface
_IP_PKTINFO = 8
_CONTROL = struct.Struct("=Qii")  # struct cmsghdr: its length with the value, level, type


# Where servers are bound in these tests, in the order of ``Quartet``, and how they are reached.
FOUR = {
    Family.IPV4: tuple(Endpoint.of(f"192.0.2.{n}", port) for n in (8, 9) for port in (3478, 3479)),
    Family.IPV6: tuple(
        Endpoint.of(f"2001:db8::{n}", port) for n in (8, 9) for port in (3478, 3479)
    ),
}
PUBLIC = {
    Family.IPV4: tuple(Endpoint.of(f"203.0.113.{n}", p) for n in (8, 9) for p in (3478, 3479)),
    Family.IPV6: FOUR[Family.IPV6],
}
EVERYWHERE = {Family.IPV4: Endpoint(bytes(4), 3478), Family.IPV6: Endpoint(bytes(16), 3478)}
# What a socket that is bound everywhere may be asked at: the last is link-local.
ASKED = {
    Family.IPV4: tuple(Endpoint.of(f"127.0.0.{n}", 3478) for n in (1, 2, 3)),
    Family.IPV6: (Endpoint.of("::1", 3478), FOUR[Family.IPV6][0], Endpoint.of("fe80::1%3", 3478)),
}
FINGERPRINT = (int(AttributeType.FINGERPRINT), b"")  # for ``assemble``: one that is right


def assemble(
    identity: bytes, pieces: Sequence[tuple[int, bytes]] = (), *, kind: int = 1, excess: int = 0
) -> bytes:
    """Make a datagram of a type, the 16 bytes behind it and attributes, be they sound or not.

    ``excess`` is what the length in the header is wrong by.
    """
    size = sum(8 if piece == FINGERPRINT else 4 + (len(piece[1]) + 3 & ~3) for piece in pieces)
    raw = kind.to_bytes(2, "big") + (size + excess & 0xFFFF).to_bytes(2, "big") + identity
    for number, value in pieces:
        if (number, value) == FINGERPRINT:
            value = (crc32(raw) ^ XOR).to_bytes(4, "big")  # noqa: PLW2901 (what it stands for)
        raw += number.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value
        raw += bytes(-len(value) % 4)
    return raw


class Disagreement(AssertionError):
    """A lane did something else than ``respond`` says."""


class Arrival(NamedTuple):
    """A datagram; ``local`` is the address of ours that it was sent to, never a wildcard."""

    data: bytes
    source: Endpoint
    local: Endpoint


class Sent(NamedTuple):
    """A datagram that left ``socket`` with ``source``, the address that is in its header."""

    socket: Endpoint
    source: Endpoint
    destination: Endpoint
    data: bytes


class Wire:
    """Plays a bound socket of the operating system."""

    def __init__(self, local: Endpoint, sent: list[Sent]) -> None:
        self.local = local
        self.family = ADDRESS_FAMILY[local.family]
        self.queue: deque[Arrival] = deque()
        self._sent = sent

    def settimeout(self, _seconds: float) -> None:
        pass

    def setsockopt(self, *_option: int) -> None:
        pass

    def getsockopt(self, _level: int, _option: int, size: int) -> bytes:
        return bytes(size)

    def getsockname(self) -> tuple[Any, ...]:
        return sockaddr_of(self.local)

    def fileno(self) -> int:
        return 1 << 20

    def recvfrom(self, size: int) -> tuple[bytes, tuple[Any, ...]]:
        if not self.queue:
            raise BlockingIOError
        data, source, _ = self.queue.popleft()
        return data[:size], _sockaddr(source)

    def recvmsg(self, size: int, _room: int) -> tuple[bytes, Any, int, tuple[Any, ...]]:
        if not self.queue:
            raise BlockingIOError
        data, source, local = self.queue.popleft()
        level, kind, value = _pktinfo(local)
        return data[:size], [(level, kind, value)], 0, _sockaddr(source)

    def sendto(self, data: bytes, address: tuple[Any, ...]) -> None:
        self.send(data, endpoint_of(address), self.local)

    def sendmsg(
        self,
        chunks: Sequence[bytes],
        ancillary: Sequence[tuple[int, int, bytes]],
        _flags: int,
        address: tuple[Any, ...],
    ) -> None:
        ((level, kind, value),) = ancillary
        source = read_pktinfo(level, kind, value, self.local)
        self.send(b"".join(chunks), endpoint_of(address), source)

    def send(self, data: bytes, destination: Endpoint, source: Endpoint) -> None:
        if destination.port == UNROUTABLE:
            raise OSError(errno.EINVAL, "Invalid argument")
        if destination.port == FULL:
            raise BlockingIOError
        self._sent.append(Sent(self.local, source, destination, data))


@lru_cache(1 << 16)
def _sockaddr(endpoint: Endpoint) -> tuple[Any, ...]:
    return sockaddr_of(endpoint)


@lru_cache(1 << 16)
def _name(endpoint: Endpoint) -> bytes:
    return write_name(endpoint)


@lru_cache
def _pktinfo(local: Endpoint) -> tuple[int, int, bytes]:
    if local.family is Family.IPV4:
        value = _PKTINFO4.pack(INTERFACE, local.packed, b"\xff\xff\xff\xff")
        return socket.IPPROTO_IP, _IP_PKTINFO, value
    value = _PKTINFO6.pack(local.packed, local.scope or INTERFACE)
    return socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, value


@lru_cache
def _control(local: Endpoint) -> bytes:
    level, kind, value = _pktinfo(local)
    whole = _CONTROL.pack(_CONTROL.size + len(value), level, kind) + value
    return whole.ljust(CONTROL_SIZE[local.family], b"\0")


@lru_cache
def read_pktinfo(level: int, kind: int, value: bytes, bound: Endpoint) -> Endpoint:
    """Return the address that a control message has a datagram leave from.

    The interface is the routing table's to choose, but for link-local addresses.
    """
    if (level, kind) == (socket.IPPROTO_IP, _IP_PKTINFO):
        interface, packed, unused = _PKTINFO4.unpack(value)
        if interface or any(unused):
            raise Disagreement(f"an interface is named: {value.hex()}")
        return Endpoint(packed, bound.port)
    if (level, kind) != (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO):
        raise Disagreement(f"a control message of level {level} and type {kind}")
    packed, interface = _PKTINFO6.unpack(value)
    return Endpoint(packed, bound.port, interface)


class Reference:
    """What ``respond`` and the throttle say, and nothing else."""

    def __init__(
        self,
        bound: Endpoint,
        siblings: Iterable[Endpoint],
        limit: Limit | None,
        ration: Rate | None,
    ) -> None:
        self.table = bytearray(TABLE_SIZE)
        self.figures: Counter[str] = Counter()
        self._bound = bound
        self._siblings = {bound, *siblings}
        self._throttle = None
        if limit is not None:
            self._throttle = Throttle(limit, SECRET, memoryview(self.table))
        self._ration = None if ration is None else Ration(*ration)

    def ask(
        self, arrivals: Sequence[Arrival], site: Site, now_ns: int, now: float
    ) -> list[tuple[object, Sent]]:
        """Return what to send, each with what kind of request it answers."""
        figures, throttle, ration = self.figures, self._throttle, self._ration
        sent = []
        for data, source, local in arrivals:
            kind = plain_kind(data)  # by which a lane may answer it
            is_rationed = ration is not None and kind is None and not is_not_stun(data)
            if is_rationed and not ration.admit(len(data), now_ns):
                figures[Disposition.SHED] += 1
                figures["bytes_in"] += len(data)
                continue
            response = respond(Received(data, source, local), site, now)
            disposition, answer, leaving, destination = response
            if answer and throttle is not None and not throttle.admit(source.packed, now_ns):
                disposition, answer = Disposition.LIMITED, b""
            figures[disposition] += 1
            figures["bytes_in"] += len(data)
            figures["bytes_out"] += len(answer)
            if not answer:
                continue
            if destination.port in (UNROUTABLE, FULL):
                figures["unsent"] += 1
                continue
            bound = leaving if leaving in self._siblings else self._bound
            sent.append((kind, Sent(bound, leaving, destination, answer)))
        return sent


class Bench:
    """A lane, with all that it touches played."""

    def __init__(
        self,
        bound: Endpoint,
        site: Site,
        siblings: Iterable[Endpoint] = (),
        limit: Limit | None = None,
        ration: Rate | None = None,
    ) -> None:
        self.bound = bound
        self.site = site
        self.caught: list[Sent] = []
        self.table = bytearray(TABLE_SIZE)
        self.tally = Counters().of(Transport.UDP, bound.family)
        self.reference = Reference(bound, siblings, limit, ration)
        self.throttle = None
        if limit is not None:
            self.throttle = Throttle(limit, SECRET, memoryview(self.table))
        self.ration = None if ration is None else Ration(*ration)
        self.wire = Wire(bound, self.caught)
        self.udp = UdpSocket(self.wire)
        self.siblings = {
            sibling: UdpSocket(Wire(sibling, self.caught))
            for sibling in siblings
            if sibling != bound
        }

    def parts(self) -> tuple[Any, ...]:
        """What a lane is made of."""
        return self.udp, self.site, self.tally, self.siblings, self.throttle, self.ration

    def ask(self, arrivals: Sequence[Arrival], now_ns: int = 0, now: float = 0.0) -> list[Sent]:
        """Give a batch to the lane and to the reference; return what the lane sends.

        Raises Disagreement.
        """
        expected = self.reference.ask(arrivals, self.site, now_ns, now)
        return self.check(expected, arrivals, now_ns, now)

    def check(
        self,
        expected: list[tuple[object, Sent]],
        arrivals: Sequence[Arrival],
        now_ns: int,
        now: float,
    ) -> list[Sent]:
        """Give a batch to the lane; ``expected`` is what the reference has just said of it."""
        self.caught.clear()
        self.carry(arrivals, now_ns, now)
        got = self.caught
        wanted = [sent for _, sent in expected]
        if wanted != got and sorted(wanted, key=_sort_key) != sorted(got, key=_sort_key):
            raise Disagreement(_difference(wanted, got, arrivals))
        self.check_order(expected)
        figures = figures_of(self.tally)
        if figures != +self.reference.figures:
            raise Disagreement(f"the figures are {figures}, not {+self.reference.figures}")
        if self.table != self.reference.table:
            raise Disagreement("the throttle's buckets differ")
        return list(got)

    def carry(self, arrivals: Sequence[Arrival], now_ns: int, now: float) -> None:
        """Have the lane answer a batch."""
        raise NotImplementedError

    def check_order(self, expected: list[tuple[object, Sent]]) -> None:
        """Raise Disagreement when answers to one client overtake each other."""
        raise NotImplementedError

    def adopt(self, site: Site) -> None:
        """Go on with other settings."""
        self.site = site
        self.lane.site = site


class BatchBench(Bench):
    """A batch lane."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lane = BatchLane(*self.parts())
        self.inbox: Inbox = self.lane._inbox
        self.outbox: Outbox = self.lane._outbox
        self.outbox.send = self.catch
        self.tails = memoryview(self.inbox._tails)
        self.tail_size = len(self.tails) // self.inbox.size

    def carry(self, arrivals: Sequence[Arrival], now_ns: int, now: float) -> None:
        self.lane._now_ns, self.lane._now = now_ns, now
        for start in range(0, len(arrivals), self.inbox.size):
            batch = arrivals[start : start + self.inbox.size]
            self.lay(batch)
            self.lane.answer(len(batch))

    def lay(self, arrivals: Sequence[Arrival]) -> None:
        """Put datagrams where the kernel would, and leave the rest as it is."""
        inbox = self.inbox
        heads, names = inbox.heads.data.cast("B"), inbox.names.data.cast("B")
        name_size, control_size = inbox.names.shape[1], inbox.controls.shape[1]
        inbox.lengths[: len(arrivals)] = [len(arrival.data) for arrival in arrivals]
        for row, (data, source, _) in enumerate(arrivals):
            head = data[:HEAD]
            heads[row * HEAD : row * HEAD + len(head)] = head
            if len(data) > HEAD:
                start = row * self.tail_size
                self.tails[start : start + len(data) - HEAD] = data[HEAD:]
            names[row * name_size : (row + 1) * name_size] = _name(source)
        if control_size:
            controls = inbox.controls.data.cast("B")
            whole = b"".join(_control(local) for _, _, local in arrivals)
            controls[: len(whole)] = whole

    def catch(self, _descriptor: int, count: int) -> int:
        """Take the place of ``Outbox.send``."""
        outbox, bound = self.outbox, self.bound
        refused = 0
        rows, names = outbox.rows[:count].tobytes(), outbox.names[:count].tobytes()
        name_size, control_size = outbox.names.shape[1], outbox.controls.shape[1]
        source = bound
        for row, length in enumerate(outbox.lengths[:count].tolist()):
            data = rows[row * HEAD : row * HEAD + length]
            name = names[row * name_size : (row + 1) * name_size]
            if control_size:
                control = outbox.controls[row].tobytes()
                size, level, kind = _CONTROL.unpack_from(control)
                source = read_pktinfo(level, kind, control[_CONTROL.size : size], bound)
            destination = _endpoint(name, bound.family)
            try:
                self.wire.send(data, destination, source)
            except OSError:
                refused += 1
        return refused

    def check_order(self, expected: list[tuple[object, Sent]]) -> None:
        """Answers of one kind keep their order, for each client."""
        wanted: dict[tuple[object, ...], list[bytes]] = defaultdict(list)
        for kind, sent in expected:
            wanted[kind, sent.destination.packed, sent.destination.port].append(sent.data)
        got: dict[tuple[object, ...], list[bytes]] = defaultdict(list)
        for sent in self.caught:
            got[sent.destination.packed, sent.destination.port].append(sent.data)
        for (_, *path), answers in wanted.items():
            if len(answers) > 1:
                left = iter(got[tuple(path)])
                if not all(answer in left for answer in answers):
                    raise Disagreement(f"answers to {path} overtake each other")


@lru_cache(1 << 16)
def _endpoint(name: bytes, family: Family) -> Endpoint:
    endpoint = read_name(name, family)
    if write_name(endpoint) != name:
        raise Disagreement(f"a socket address with more in it than {endpoint}: {name.hex()}")
    return endpoint


class PortableBench(Bench):
    """A portable lane."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.lane = PortableLane(*self.parts())

    def carry(self, arrivals: Sequence[Arrival], now_ns: int, now: float) -> None:
        def look_at_clocks() -> None:
            self.lane._now_ns, self.lane._now = now_ns, now

        self.lane._look_at_clocks = look_at_clocks
        self.wire.queue.extend(arrivals)
        while self.lane._wake():
            pass

    def check_order(self, expected: list[tuple[object, Sent]]) -> None:
        """Everything keeps its order."""
        if [sent for _, sent in expected] != self.caught:
            raise Disagreement("answers overtake each other")


BENCHES = (BatchBench, PortableBench)


def _sort_key(sent: Sent) -> tuple[bytes | int, ...]:
    socket, source, destination, data = sent
    return data, destination.packed, destination.port, source.packed, source.port, socket.port


def figures_of(tally: Tally) -> Counter[str]:
    """Return what a tally holds, in the words of ``Reference.figures``."""
    figures: Counter[str] = Counter({kind: tally[kind] for kind in Disposition})
    figures |= Counter(bytes_in=tally.bytes_in, bytes_out=tally.bytes_out)
    figures |= Counter(unsent=tally.unsent, errors=tally.errors)
    return +figures


def _difference(expected: list[Sent], got: list[Sent], arrivals: Sequence[Arrival]) -> str:
    """Return what is missing and what is too much, and the requests that it belongs to."""
    missing, excess = Counter(expected) - Counter(got), Counter(got) - Counter(expected)
    lines = [f"{missing.total()} answers of {len(expected)} are missing, {excess.total()} wrong"]
    lines += [f"missing {_show(sent)}" for sent in list(missing)[:3]]
    lines += [f"wrong   {_show(sent)}" for sent in list(excess)[:3]]
    identities = {sent.data[4:20] for sent in list(missing)[:3] + list(excess)[:3]}
    for row, (data, source, local) in enumerate(arrivals):
        if data[4:20] in identities:
            lines.append(f"row {row} of {len(arrivals)}: {source} -> {local} {data.hex()}")
    return "\n".join(lines)


def _show(sent: Sent) -> str:
    return f"{sent.source} ({sent.socket}) -> {sent.destination} {sent.data.hex()}"
