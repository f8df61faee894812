"""What a server did: counted by way in (transport and family) and by what became of it.

The figures lie in memory that processes can share, so that a supervisor sees those of a worker
that has just died. One process writes a block, any may read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import product

from stunkit.endpoint import Family
from stunkit.protocol.respond import Disposition
from stunkit.server.metrics.signal_tally import COLUMNS as SIGNAL_COLUMNS
from stunkit.server.metrics.signal_tally import SignalTally
from stunkit.wire.uri import Transport

ANSWERS = (
    Disposition.ANSWERED,
    Disposition.BAD_REQUEST,
    Disposition.UNAUTHENTICATED,
    Disposition.UNKNOWN_ATTRIBUTE,
    Disposition.STALE_NONCE,
)

_WAYS = tuple(product(Transport, Family))
_INDEX = {disposition: index for index, disposition in enumerate(Disposition)}
_BYTES_IN, _BYTES_OUT, _UNSENT, _ERRORS, _KERNEL_DROPS = range(len(_INDEX), len(_INDEX) + 5)
_COLUMNS = len(_INDEX) + 5
_CONNECTIONS = _COLUMNS * len(_WAYS)  # after the figures of every way in
_SIGNALLING = _CONNECTIONS + 1
BLOCK_SIZE = 8 * (_SIGNALLING + SIGNAL_COLUMNS)  # bytes


class Tally:
    """The figures of one way in."""

    def __init__(self, cells: memoryview) -> None:
        self._cells = cells

    def add(self, disposition: Disposition, received: int, sent: int) -> None:
        """Count a datagram or message of ``received`` bytes, answered with ``sent`` bytes."""
        self.add_many(disposition, 1, received, sent)

    def add_many(self, disposition: Disposition, count: int, received: int, sent: int) -> None:
        """Count several that became the same, with the sums of their bytes."""
        cells = self._cells
        cells[_INDEX[disposition]] += count
        cells[_BYTES_IN] += received
        cells[_BYTES_OUT] += sent

    def __getitem__(self, disposition: Disposition) -> int:
        return int(self._cells[_INDEX[disposition]])

    @property
    def received(self) -> int:
        """How many datagrams or messages arrived and reached a decision."""
        return sum(self._cells[: len(_INDEX)])

    @property
    def answered(self) -> int:
        """How many got an answer, be it a success or an error."""
        return sum(self[kind] for kind in ANSWERS)

    @property
    def bytes_in(self) -> int:
        """Bytes of UDP or TCP payload received."""
        return int(self._cells[_BYTES_IN])

    @property
    def bytes_out(self) -> int:
        """Bytes of UDP or TCP payload sent."""
        return int(self._cells[_BYTES_OUT])

    @property
    def unsent(self) -> int:
        """Answers that the kernel had no room for, or no route."""
        return int(self._cells[_UNSENT])

    @unsent.setter
    def unsent(self, value: int) -> None:
        self._cells[_UNSENT] = value

    @property
    def errors(self) -> int:
        """Our own bugs: logged, and nothing answered."""
        return int(self._cells[_ERRORS])

    @errors.setter
    def errors(self, value: int) -> None:
        self._cells[_ERRORS] = value

    @property
    def kernel_drops(self) -> int:
        """Datagrams that the kernel dropped because a socket's queue was full."""
        return int(self._cells[_KERNEL_DROPS])

    @kernel_drops.setter
    def kernel_drops(self, value: int) -> None:
        self._cells[_KERNEL_DROPS] = value


class Counters:
    """All figures of one process, or, with ``sum``, of several.

    ``memory`` is ``BLOCK_SIZE`` bytes, zero at first; without it, the process has its own.
    """

    def __init__(self, memory: memoryview | None = None) -> None:
        cells = (memoryview(bytearray(BLOCK_SIZE)) if memory is None else memory).cast("q")
        self._cells = cells
        self.tallies = {
            way: Tally(cells[place * _COLUMNS : (place + 1) * _COLUMNS])
            for place, way in enumerate(_WAYS)
        }
        self.signalling = SignalTally(cells[_SIGNALLING:])

    def of(self, transport: Transport, family: Family) -> Tally:
        """Return the figures of one way in."""
        return self.tallies[transport, family]

    @classmethod
    def sum(cls, all_counters: Iterable[Counters]) -> Counters:
        """Return the figures of several processes added up, as they are now."""
        total = cls()
        for counters in all_counters:
            for index, value in enumerate(counters._cells):  # noqa: SLF001 (one of us)
                total._cells[index] += value
        return total

    @property
    def dispositions(self) -> Counter[Disposition]:
        """How many became what; those that never happened are left out."""
        sums = {kind: sum(tally[kind] for tally in self.tallies.values()) for kind in Disposition}
        return Counter({kind: number for kind, number in sums.items() if number})

    @property
    def connections(self) -> int:
        """How many TCP and TLS connections are open."""
        return int(self._cells[_CONNECTIONS])

    @connections.setter
    def connections(self, value: int) -> None:
        self._cells[_CONNECTIONS] = value

    @property
    def received(self) -> int:
        """How many datagrams and messages arrived."""
        return sum(tally.received for tally in self.tallies.values())

    @property
    def answered(self) -> int:
        """How many got an answer, be it a success or an error."""
        return sum(tally.answered for tally in self.tallies.values())

    @property
    def unsent(self) -> int:
        """Answers that the kernel had no room for, or no route."""
        return sum(tally.unsent for tally in self.tallies.values())

    @property
    def errors(self) -> int:
        """Our own bugs: logged, and nothing answered."""
        return sum(tally.errors for tally in self.tallies.values())

    @property
    def kernel_drops(self) -> int:
        """Datagrams that the kernel dropped because a socket's queue was full."""
        return sum(tally.kernel_drops for tally in self.tallies.values())
