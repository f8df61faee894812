"""A limit on answers that is fair: so many a second to each source prefix, in fixed memory.

Nobody can be told from a forger by one datagram, so what is limited is what a source *gets*: a
token bucket for each prefix, charged with answers only. Nothing is remembered but one number a
bucket, and nobody is banned: a bucket refills at its rate whatever was refused meanwhile.

The buckets are a table of fixed size; a prefix finds its bucket by a keyed hash, and the key
changes every minute, so that nobody can aim at another's bucket and nobody shares one for long.
With a new key everybody has a new bucket: at most one burst more a minute.
The table may be memory that processes share.

The bucket is kept as its theoretical arrival time (the generic cell rate algorithm; ITU-T I.371
annex A): the time at which it will be full again. Times are whole nanoseconds, so that a batch of
datagrams is judged exactly as they would be one by one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import IPv4Network, IPv6Network

LEAST_RATE = 10.0  # answers a second; what RFC 5780 section 5 lets a client ask for
BUCKETS_BITS = 18  # 262,144 buckets
TABLE_SIZE = 8 << BUCKETS_BITS  # bytes: 2 MiB
LOOK_SIZE = 64  # bytes of a datagram that one look is enough for
ROTATION_NS = 60 * 1_000_000_000  # nanoseconds that a key of the hash is used for
MASK = (1 << 64) - 1

UNUSED_BITS = 64 - BUCKETS_BITS  # of the hash
_number = int.from_bytes  # half the time goes into finding it


@dataclass(frozen=True, slots=True)
class Limit:
    """How many answers a source prefix may get.

    ``rate`` answers a second (at least 10: RFC 5780 section 5) and ``burst`` at once, after a
    pause; sources count together when the first ``prefix4`` or ``prefix6`` bits of their addresses
    are equal. Sources in ``allow`` have no limit.
    """

    rate: float = 100.0
    burst: int = 200
    prefix4: int = 32
    prefix6: int = 64
    allow: tuple[IPv4Network | IPv6Network, ...] = ()

    def __post_init__(self) -> None:
        if not self.rate >= LEAST_RATE:
            raise ValueError(f"the rate is at least {LEAST_RATE:g} a second, not {self.rate:g}")
        if not self.burst >= LEAST_RATE:
            raise ValueError(f"the burst is at least {LEAST_RATE:g}, not {self.burst}")
        if not 1 <= self.prefix4 <= 32:
            raise ValueError(f"an IPv4 prefix has 1 to 32 bits, not {self.prefix4}")
        if not 1 <= self.prefix6 <= 128:
            raise ValueError(f"an IPv6 prefix has 1 to 128 bits, not {self.prefix6}")


class Throttle:
    """Decides who gets an answer now.

    ``table`` is ``TABLE_SIZE`` bytes, all buckets full at first; ``secret`` keys the hash. The
    fields are for whoever judges many sources at once: ``cells`` is the table as numbers,
    ``interval_ns`` what an answer adds to a bucket's time and ``depth_ns`` how far ahead of now
    it may get; ``mask4`` and ``mask6`` leave the prefix of a little-endian address.
    """

    def __init__(self, limit: Limit, secret: bytes, table: memoryview | None = None) -> None:
        table = memoryview(bytearray(TABLE_SIZE)) if table is None else table
        table[:] = bytes(TABLE_SIZE)  # memory is there once it is written, and it should not grow
        self.cells = table.cast("q")
        self._secret = secret
        self._factors = (0, 0, 0)
        self._keyed_until = self._keyed_from = 0  # nanoseconds: when these factors are in use
        self._adopt(limit)

    def _adopt(self, limit: Limit) -> None:
        self.limit = limit
        self.interval_ns = max(1, round(1e9 / limit.rate))
        self.depth_ns = self.interval_ns * (limit.burst - 1)
        # What is left of a packed address, read as a little-endian number, is its prefix.
        self.mask4, self.mask6 = _mask(limit.prefix4, 4), _mask(limit.prefix6, 16)
        self._allow4 = _ranges(limit.allow, 4)
        self._allow6 = _ranges(limit.allow, 6)

    def under(self, limit: Limit) -> Throttle:
        """Return a throttle with another limit; the two share table and secret."""
        other = copy(self)
        other._adopt(limit)  # noqa: SLF001 (one of us)
        if other.depth_ns < self.depth_ns:  # no bucket may be further ahead than it allows
            self.cells.cast("B")[:] = bytes(TABLE_SIZE)
        return other

    def factors(self, now_ns: int) -> tuple[int, int, int]:
        """Return the key of the hash: odd factors for IPv4, and the halves of IPv6 prefixes."""
        if not self._keyed_from <= now_ns < self._keyed_until:
            rotation = now_ns // ROTATION_NS
            number = rotation.to_bytes(8, "big", signed=True)
            key = blake2b(number, key=self._secret, digest_size=24).digest()
            first, second, third = (int.from_bytes(key[i : i + 8], "big") | 1 for i in (0, 8, 16))
            self._factors = first, second, third
            self._keyed_from = rotation * ROTATION_NS
            self._keyed_until = self._keyed_from + ROTATION_NS
        return self._factors

    @property
    def has_allowed4(self) -> bool:
        """Whether any IPv4 address is without a limit."""
        return bool(self._allow4)

    def is_allowed(self, packed: bytes) -> bool:
        """Return whether a packed address is on the list of those without a limit."""
        for low, high in self._allow4 if len(packed) == 4 else self._allow6:
            if low <= packed <= high:
                return True
        return False

    def admit(self, packed: bytes, now_ns: int) -> bool:
        """Charge one answer to a packed address, or return False when it has had enough for now.

        Every datagram comes through here, so nothing is called that can be spared.
        """
        if not self._keyed_from <= now_ns < self._keyed_until:
            self.factors(now_ns)
        if len(packed) == 4:
            if self._allow4 and self.is_allowed(packed):
                return True
            product = (_number(packed, "little") & self.mask4) * self._factors[0]
        else:
            if self._allow6 and self.is_allowed(packed):
                return True
            _, high, low = self._factors
            prefix = _number(packed, "little") & self.mask6
            product = (prefix >> 64) * high + (prefix & MASK) * low
        cells = self.cells
        bucket = (product & MASK) >> UNUSED_BITS
        full_at = cells[bucket]
        if full_at < now_ns:
            full_at = now_ns
        elif full_at - now_ns > self.depth_ns:
            return False
        cells[bucket] = full_at + self.interval_ns
        return True


class Ration:
    """So many a second in all, whoever asks: one bucket for everybody.

    It bounds what takes long to look at. Whoever floods a server with that can make it look at no
    more than so many, and all that is plain is answered as before.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._interval_ns = max(1, round(1e9 / rate))
        self._depth_ns = self._interval_ns * (burst - 1)
        self._full_at = 0

    def admit(self, size: int, now_ns: int) -> bool:
        """Charge a datagram of ``size`` bytes, or return False when there have been enough."""
        return self.admit_many((size,), now_ns) == 1

    def admit_many(self, sizes: Iterable[int], now_ns: int) -> int:
        """Charge datagrams in this order, and return how many of the first can be looked at.

        A long one takes longer: it counts once more for each ``LOOK_SIZE`` bytes.
        """
        full_at = max(self._full_at, now_ns)
        admitted = 0
        for size in sizes:
            if full_at - now_ns > self._depth_ns:
                break
            full_at += self._interval_ns * (1 + size // LOOK_SIZE)
            admitted += 1
        if admitted:
            self._full_at = full_at
        return admitted


def _mask(prefix: int, size: int) -> int:
    """Return the number that leaves the first bits of ``size`` bytes in little-endian order."""
    ones = (1 << prefix) - 1 << 8 * size - prefix
    return int.from_bytes(ones.to_bytes(size, "big"), "little")


def _ranges(
    networks: Sequence[IPv4Network | IPv6Network], version: int
) -> tuple[tuple[bytes, bytes], ...]:
    """Return the first and the last packed address of each network of an IP version."""
    return tuple(
        (network.network_address.packed, network.broadcast_address.packed)
        for network in networks
        if network.version == version
    )
