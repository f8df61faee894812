"""The shortest way through a lane: a blank request over IPv4, decided in one function.

Most of what a server gets is that, and calls and attributes cost a tenth of an answer. So what
``template.Plain``, ``Throttle.admit`` and ``Template.fill`` do is written out here once more, for
one wake-up, with everything at hand.

Rules of this file: whatever is not a blank request that gets its answer goes the general way.
"""

from __future__ import annotations

from stunkit.net.transport.udp import Express
from stunkit.protocol.template import BLANK_MODERN, Template
from stunkit.protocol.throttle import MASK, UNUSED_BITS, Throttle
from stunkit.wire.message import HEADER_SIZE


class Answered:
    """How many blank requests were answered."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


def shorten(
    general: Express,
    template: Template,
    throttle: Throttle,
    refused_ports: frozenset[int],
    now_ns: int,
    answered: Answered,
) -> Express:
    """Return a function that says what ``general`` would, until the time is another.

    ``template`` is that of blank requests over IPv4. What was answered without ``general`` is
    counted in ``answered``.
    """
    base, id_factor, source_factor = template.base, template.id_factor, template.source_factor
    size = len(template.raw)
    cells, mask = throttle.cells, throttle.mask4
    depth_ns, interval_ns = throttle.depth_ns, throttle.interval_ns
    has_allowed, is_allowed = throttle.has_allowed4, throttle.is_allowed
    factor, _, _ = throttle.factors(now_ns)
    number = int.from_bytes

    def express(data: bytes, packed: bytes, port: int) -> bytes | None:
        if len(data) != HEADER_SIZE or not data.startswith(BLANK_MODERN) or port in refused_ports:
            return general(data, packed, port)
        if has_allowed and is_allowed(packed):
            return general(data, packed, port)
        bucket = ((number(packed, "little") & mask) * factor & MASK) >> UNUSED_BITS
        full_at = cells[bucket]
        if full_at < now_ns:
            full_at = now_ns
        elif full_at - now_ns > depth_ns:
            return general(data, packed, port)
        cells[bucket] = full_at + interval_ns
        answered.count += 1
        identity = number(data[8:HEADER_SIZE], "big")
        source = number(packed, "big") | port << 32
        return (base ^ identity * id_factor ^ source * source_factor).to_bytes(size, "big")

    return express
