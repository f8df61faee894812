"""The batch lane: hundreds of datagrams as one array, for Linux with NumPy.

What arrives at once is looked at a column at a time. Plain requests (see ``protocol.template``)
are answered as an array, what is not STUN is counted and forgotten, and every other datagram goes
through ``respond``, one by one. When few have arrived, an array would cost more than it saves: as
long as few come at a time, they go the portable lane's way; and when few are left of many, they are
taken one by one in the arrays they lie in.

Rules of this file: what is sent, to whom, from which socket and address, and what is counted, is
what ``respond`` and the throttle would say of the same datagrams in the same order.
"""

from __future__ import annotations

import logging
from socket import htons

import numpy as np
from numpy.typing import NDArray

from stunkit.net.transport.batch import ADDRESS, HEAD, PORT, Inbox, Outbox
from stunkit.protocol.respond import Disposition, Response
from stunkit.protocol.site import Site
from stunkit.protocol.template import Plain
from stunkit.protocol.throttle import Ration, Throttle
from stunkit.server.lanes.columns import (
    NOT_STUN,
    OTHER,
    Filler,
    ThrottleColumns,
    are_all_modern,
    sort_out,
)
from stunkit.server.lanes.portable import PortableLane
from stunkit.wire.message import HEADER_SIZE

FEW = 16  # datagrams; so many at once are answered faster as an array
ROUNDS = 4  # batches in a row before other sockets get their turn

log = logging.getLogger(__name__)


class BatchLane(PortableLane):
    """Serves one bound UDP socket, a batch of datagrams at a time."""

    def _prepare(self) -> None:
        super()._prepare()
        family, tells_local = self.local.family, self._udp.tells_local
        self._inbox = Inbox(family, tells_local=tells_local)
        self._outbox = Outbox(family, tells_local=tells_local)
        self._address = ADDRESS[family]
        self._is_plain = np.zeros(NOT_STUN + 1, np.bool_)  # by kind: whether a filler knows it
        self._is_refused = np.zeros(1 << 16, np.bool_)  # by port, in the order of the network
        self._ports = self._inbox.names.view(np.uint16)[:, PORT.start // 2]
        self._addresses = self._inbox.names[:, self._address]
        self._fillers: dict[int, Filler] = {}
        # What the first rows of the outbox hold that all answers of a filler have in common.
        self._laid: tuple[Filler | None, int] = (None, 0)
        self._is_quiet = True  # whether few datagrams came last time

    def _adopt(self, site: Site) -> None:
        super()._adopt(site)
        made = [template for template in self._templates.values() if template.size <= HEAD]
        self._templates = {template.kind: template for template in made}
        self._fillers = {one.kind: Filler(one, self._inbox, self._outbox) for one in made}
        self._laid = (None, 0)
        self._is_plain[:] = False
        self._is_plain[list(self._fillers)] = True
        self._is_refused[:] = False
        self._is_refused[[htons(port) for port in site.refused_ports]] = True

    def limit(self, throttle: Throttle | None, ration: Ration | None) -> None:
        """Limit what is answered by these from now on."""
        super().limit(throttle, ration)
        self._columns = None if throttle is None else ThrottleColumns(throttle, self.local.family)

    def count_drops(self) -> None:
        """Bring the count of what the kernel dropped up to date; it is done now and then.

        So is this: what memory long datagrams took is given back.
        """
        super().count_drops()
        self._inbox.forget()

    def _wake(self) -> bool:
        # Where few came last time, one or two are all that can be expected.
        if self._is_quiet and not self._take(FEW):
            return False
        taken = 0
        for _ in range(ROUNDS):
            try:
                count = self._inbox.receive(self._udp.fileno())
            except OSError:
                return False
            self._look_at_clocks()
            try:
                self.answer(count)
            except Exception:  # a lane's outermost loop: a batch must not end a server
                self._tally.errors += 1
                log.exception("a batch of %d datagrams broke the server's code", count)
            taken += count
            if count < self._inbox.size:
                self._is_quiet = taken < FEW
                return False
        self._is_quiet = False
        return True

    def answer(self, count: int) -> None:
        """Answer the first ``count`` datagrams of the inbox."""
        if count < FEW:
            self._answer_few(count)
        else:
            self._answer_many(count)

    def _answer_few(self, count: int) -> None:
        inbox, outbox = self._inbox, self._outbox
        waiting = 0
        for row in range(count):
            data = inbox.datagram(row)
            name = inbox.name(row)
            answer = self._express(data, name[self._address], name[2] << 8 | name[3])
            if answer is None:
                self._serve(data, inbox.source(row), inbox.local(row, self.local))
            elif answer:
                outbox.put(waiting, answer, name, inbox.reply_control(row))
                waiting += 1
        if waiting:
            self._laid = (None, 0)
            self._send_waiting(waiting)
            self._count()

    def _answer_many(self, count: int) -> None:
        inbox = self._inbox
        heads, lengths = inbox.heads[:count], inbox.lengths[:count]
        is_refused = self._is_refused[self._ports[:count]]
        filler = self._fillers.get(Plain.MODERN)
        if filler and are_all_modern(heads, lengths) and not np.count_nonzero(is_refused):
            self._answer_alike(filler, count)
            return
        kinds = sort_out(heads, lengths)
        wanted = self._is_plain[kinds]  # the rows that a filler answers
        others: dict[int, Response] = {}
        if np.count_nonzero(wanted) < count:
            others = self._ask_respond(kinds, wanted)
        refused = np.flatnonzero(wanted & is_refused)
        if len(refused):
            self._tally_rows(Disposition.REFUSED_PORT, refused)
            wanted[refused] = False
        if self._columns is not None:
            self._limit(self._columns, wanted, others)
        waiting = 0
        for kind, filler in self._fillers.items():
            found = np.flatnonzero(wanted & (kinds == kind))
            if len(found):
                received = int(lengths[found].sum())
                waiting = self._fill(filler, found, len(found), waiting, received=received)
        self._send_waiting(waiting)
        for row, response in others.items():
            self._send(response, int(lengths[row]))

    def _answer_alike(self, filler: Filler, count: int) -> None:
        """Answer blank requests when no port among them is refused: the usual case."""
        rows: slice | NDArray[np.intp] = slice(0, count)
        if self._columns is not None:
            admitted = self._columns.admit(self._addresses[:count], self._now_ns)
            answered = int(np.count_nonzero(admitted))
            if answered < count:
                rows = np.flatnonzero(admitted)
                self._tally_rows(Disposition.LIMITED, np.flatnonzero(~admitted))
                count = answered
        self._send_waiting(self._fill(filler, rows, count, 0, received=count * HEADER_SIZE))

    def _ask_respond(
        self, kinds: NDArray[np.uint8], wanted: NDArray[np.bool_]
    ) -> dict[int, Response]:
        """Return what ``respond`` answers to rows that no filler knows; count those without."""
        inbox = self._inbox
        not_stun = kinds == NOT_STUN
        if np.count_nonzero(not_stun):
            self._tally_rows(Disposition.NOT_STUN, np.flatnonzero(not_stun))
        is_left = ~(wanted | not_stun)
        if self._ration is not None:
            rationed = np.flatnonzero(kinds == OTHER)
            sizes = inbox.lengths[rationed].tolist()
            shed = rationed[self._ration.admit_many(sizes, self._now_ns) :]
            if len(shed):
                self._tally_rows(Disposition.SHED, shed)
                is_left[shed] = False
        others = {}
        for row in np.flatnonzero(is_left).tolist():
            data = inbox.datagram(row)
            response = self._respond(data, inbox.source(row), inbox.local(row, self.local))
            if response is not None and response.data:
                others[row] = response
            elif response is not None:
                self._tally.add(response.disposition, len(data), 0)
        return others

    def _limit(
        self, columns: ThrottleColumns, wanted: NDArray[np.bool_], others: dict[int, Response]
    ) -> None:
        """Take out of both what its source may not get now."""
        charged = wanted
        if others:
            charged = wanted.copy()
            charged[list(others)] = True
        rows = np.flatnonzero(charged)
        admitted = columns.admit(self._addresses[rows], self._now_ns)
        if np.count_nonzero(admitted) == len(rows):
            return
        limited = rows[~admitted]
        self._tally_rows(Disposition.LIMITED, limited)
        wanted[limited] = False
        for row in limited.tolist():
            others.pop(row, None)

    def _fill(
        self,
        filler: Filler,
        rows: slice | NDArray[np.intp],
        count: int,
        waiting: int,
        *,
        received: int,
    ) -> int:
        """Put the answers to ``count`` rows behind those that wait; return how many wait now."""
        end = waiting + count
        if waiting or self._laid[0] is not filler or self._laid[1] < count:
            filler.lay(waiting, end)
            self._laid = (None, 0) if waiting else (filler, count)
        filler.fill(rows, waiting, end)
        self._outbox.address(self._inbox, rows, waiting, count)
        sent = count * filler.template.size
        self._tally.add_many(Disposition.ANSWERED, count, received, sent)
        return end

    def _send_waiting(self, waiting: int) -> None:
        refused = self._outbox.send(self._udp.fileno(), waiting)
        if refused:
            self._tally.unsent += refused

    def _tally_rows(self, disposition: Disposition, rows: NDArray[np.intp]) -> None:
        received = int(self._inbox.lengths[rows].sum())
        self._tally.add_many(disposition, len(rows), received, 0)
