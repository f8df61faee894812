"""What can be chosen for a run of the load generator: name, type, unit and default, once."""

from __future__ import annotations

from dataclasses import dataclass

from stunkit.bench.sources import Source
from stunkit.endpoint import Family
from stunkit.errors import UsageError
from stunkit.wire.uri import Scheme, Uri

DURATION = 5.0  # seconds
WARMUP = 0.5  # seconds; caches, CPU clocks and the server's own tables settle
TIMEOUT = 1.0  # seconds

# Together 128 in flight: a UDP socket's queue of Linux's default size (212,992 bytes) holds some
# 190 small datagrams, so a server that is asked no more than this at a time has to lose none.
SOCKETS = 8
WINDOW = 16

MAX_SOCKETS = 65_536
MAX_WINDOW = 65_536
MAX_RATE = 1_000_000.0  # requests a second; what the ledgers have room for


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """One run. Times are in seconds.

    - ``server``: whom to ask; UDP, TCP with ``?transport=tcp``, or TLS with ``stuns:``.
    - ``family``: IPv4 or IPv6, where the server's name has both.
    - ``rate``: requests a second of an open loop, all sockets together; None: a closed loop.
    - ``window``: requests that each socket keeps in flight in a closed loop.
    - ``sockets``: sockets or connections; None: eight, or as many as ``sources`` have ports.
    - ``sources``: where they are bound; empty: wherever the route leads from.
    - ``duration``: how long requests are sent; ``warmup``: the same, before, and not counted.
    - ``timeout``: after this a request without an answer is lost.
    - ``mine``: the server is the user's own though its address is not private.
    - ``ca_file``: over TLS, trust the certificates in this file, not the system's.

    Raises UsageError for what contradicts itself.
    """

    server: Uri
    family: Family | None = None
    rate: float | None = None
    window: int = WINDOW
    sockets: int | None = None
    sources: tuple[Source, ...] = ()
    duration: float = DURATION
    warmup: float = WARMUP
    timeout: float = TIMEOUT
    mine: bool = False
    ca_file: str | None = None

    def __post_init__(self) -> None:
        if self.server.scheme not in (Scheme.STUN, Scheme.STUNS):
            reason = f"{self.server.scheme}: is not supported here"
            raise UsageError("a server to put under load", self.server.format(), reason)
        if self.rate is not None and not 0 < self.rate <= MAX_RATE:
            reason = f"it is over 0 and at most {MAX_RATE:,.0f}"
            raise UsageError("a rate in requests a second", f"{self.rate:g}", reason)
        families = {source.family for source in self.sources}
        if self.family is not None:
            families.add(self.family)
        if len(families) > 1:
            texts = ", ".join(map(str, self.sources))
            raise UsageError("a source of load", texts, "IPv4 and IPv6 do not mix in one run")

    @property
    def socket_count(self) -> int:
        """How many sockets to open."""
        if self.sockets is not None:
            return self.sockets
        if any(source.port for source in self.sources):
            return len(self.sources)
        return max(SOCKETS, len(self.sources))

    @property
    def any_family(self) -> Family | None:
        """The family that the options leave, None for both."""
        return self.sources[0].family if self.sources else self.family
