"""What every lane has: the socket, the limits, the figures, and ``respond`` for one datagram.

Rules of this file: a datagram gets what ``respond`` says, if the throttle admits it, or nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import MutableMapping
from typing import Protocol

from stunkit.endpoint import Endpoint
from stunkit.net.transport.udp import UdpSocket
from stunkit.protocol.respond import Disposition, Received, Response, respond
from stunkit.protocol.site import Site
from stunkit.protocol.template import is_not_stun, make_templates, plain_kind
from stunkit.protocol.throttle import Ration, Throttle
from stunkit.server.metrics.counters import Tally

LAST_DRAIN = 0.5  # seconds; much more than a full queue takes, and an end to it under a flood

log = logging.getLogger(__name__)

_number = int.from_bytes  # half the time goes into finding it


class Exit(Protocol):
    """What an answer can leave from: a UDP socket of ours, or the way to the partner's."""

    def send(self, data: bytes, destination: Endpoint, source: Endpoint | None = None) -> bool:
        """Send a datagram; see ``net.udp.UdpSocket``."""


class Lane:
    """Serves one bound UDP socket.

    ``siblings`` holds the ways out of a server by their endpoints: an answer to CHANGE-REQUEST
    leaves from another one than was asked. ``throttle`` limits what a source gets, ``ration`` how
    many datagrams go through ``respond``, which takes ten times as long as a template; without
    them there is no limit.
    """

    def __init__(
        self,
        udp: UdpSocket,
        site: Site,
        tally: Tally,
        siblings: MutableMapping[Endpoint, Exit] | None = None,
        throttle: Throttle | None = None,
        ration: Ration | None = None,
    ) -> None:
        self.local = udp.local
        self._udp = udp
        self._tally = tally
        self._siblings: MutableMapping[Endpoint, Exit] = {} if siblings is None else siblings
        self._siblings[self.local] = udp
        self._now_ns, self._now = 0, 0.0  # monotonic and Unix time of the present wake-up
        self._answered = self._bytes_in = self._bytes_out = 0  # since the last ``_count``
        self._drops_before = udp.kernel_drops() or 0
        self._prepare()
        self.limit(throttle, ration)
        self.site = site

    def _prepare(self) -> None:
        """Make what a lane needs besides, before it hears of limits and site."""

    @property
    def site(self) -> Site:
        """The settings that decide an answer; they may be replaced while the lane serves."""
        return self._site

    @site.setter
    def site(self, site: Site) -> None:
        self._adopt(site)

    def _adopt(self, site: Site) -> None:
        self._site = site
        self._templates = make_templates(site, self.local, self.local.family)

    def limit(self, throttle: Throttle | None, ration: Ration | None) -> None:
        """Limit what is answered by these from now on."""
        self._throttle = throttle
        self._ration = ration

    def start(self) -> None:
        """Answer from now on."""
        try:
            self._udp.watch(self._wake)
        except NotImplementedError:
            self._udp.start(self._serve_now)

    def drain(self) -> None:
        """Answer what lies in the socket's queue; to be followed by ``close``."""
        end = time.monotonic() + LAST_DRAIN
        while self._wake() and time.monotonic() < end:
            pass

    def close(self) -> None:
        """Stop at once."""
        self.count_drops()
        self._udp.close()

    def count_drops(self) -> None:
        """Bring the count of what the kernel dropped up to date."""
        drops = self._udp.kernel_drops()
        if drops is not None:
            self._tally.kernel_drops += (drops - self._drops_before) & 0xFFFFFFFF
            self._drops_before = drops

    def _wake(self) -> bool:
        """Answer some of what lies in the socket's queue; return whether there may be more."""
        raise NotImplementedError

    def _look_at_clocks(self) -> None:
        self._now_ns, self._now = time.monotonic_ns(), time.time()

    def _serve_now(self, data: bytes, source: Endpoint, local: Endpoint) -> None:
        self._look_at_clocks()
        self._serve(data, source, local)

    def _serve(self, data: bytes, source: Endpoint, local: Endpoint) -> None:
        """Let ``respond`` decide about one datagram."""
        response = self._respond(data, source, local)
        if response is None:
            return
        destination = response.destination.packed
        is_refused = (
            response.data
            and self._throttle is not None
            and not self._throttle.admit(destination, self._now_ns)
        )
        if is_refused:
            self._tally.add(Disposition.LIMITED, len(data), 0)
        else:
            self._send(response, len(data))

    def _respond(self, data: bytes, source: Endpoint, local: Endpoint) -> Response | None:
        """Return what ``respond`` says, or None after an error of ours."""
        try:
            return respond(Received(data, source, local), self._site, self._now)
        except Exception:
            self._tally.errors += 1
            log.exception(
                "a datagram of %d bytes from %s broke the server's code", len(data), source
            )
            return None

    def _send(self, response: Response, received: int) -> None:
        """Send an answer, if there is one, from where it has to leave."""
        self._tally.add(response.disposition, received, len(response.data))
        if not response.data:
            return
        try:
            leaving = self._siblings.get(response.source, self._udp)
            sent = leaving.send(response.data, response.destination, response.source)
        except OSError:
            sent = False
        if not sent:
            self._tally.unsent += 1

    def _express(self, data: bytes, packed: bytes, port: int) -> bytes | None:
        """Return the answer to a plain request, b"" for one that gets none, None for the rest."""
        kind = plain_kind(data)
        if kind is None:
            return self._sift(data)
        template = self._templates.get(kind)
        if template is None:
            return None
        if port in self._site.refused_ports:
            self._tally.add(Disposition.REFUSED_PORT, len(data), 0)
            return b""
        if self._throttle is not None and not self._throttle.admit(packed, self._now_ns):
            self._tally.add(Disposition.LIMITED, len(data), 0)
            return b""
        source = _number(packed, "big") | port << 8 * len(packed)
        answer = template.fill(data, source)
        self._answered += 1
        self._bytes_in += len(data)
        self._bytes_out += len(answer)
        return answer

    def _sift(self, data: bytes) -> bytes | None:
        """Return None for a datagram that is worth the time of ``respond``, else b""."""
        if is_not_stun(data):
            self._tally.add(Disposition.NOT_STUN, len(data), 0)
            return b""
        if self._ration is not None and not self._ration.admit(len(data), self._now_ns):
            self._tally.add(Disposition.SHED, len(data), 0)
            return b""
        return None

    def _count(self) -> None:
        """Bring the figures up to date with what ``_express`` answered."""
        if self._answered:
            answered, self._answered = self._answered, 0
            received, self._bytes_in = self._bytes_in, 0
            sent, self._bytes_out = self._bytes_out, 0
            self._tally.add_many(Disposition.ANSWERED, answered, received, sent)
