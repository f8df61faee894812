"""Several processes that serve the same endpoints, and the parent that looks after them.

The parent binds every socket, keeps it open and forks the workers. So when one dies, its sockets
and what waits in their queues stay, and the next fork reads on: what is lost is what the dead one
had in its hands. The parent owns the signals: SIGTERM and SIGINT make every worker drain.

Rules of this file: the parent has no event loop and no threads, since what they hold would be
copied, half done, into every child. A signal reaches it through a pipe and is dealt with between
two waits. What a child does is in ``worker``; nothing here goes on in one.
"""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
import selectors
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.protocol.throttle import TABLE_SIZE
from stunkit.server.counters import BLOCK_SIZE, Counters
from stunkit.server.material import Material
from stunkit.server.notification import Manager
from stunkit.server.reload import Reload
from stunkit.server.server import Server, choose_lane, make_throttle
from stunkit.server.settings import Settings
from stunkit.server.sockets import Sockets
from stunkit.server.streams import DRAIN_TIMEOUT
from stunkit.server.worker import (
    ADOPTED,
    READY,
    REPORT_SIZE,
    decode_reason,
    describe_end,
    import_early,
    live,
    tell,
)
from stunkit.wire.uri import Transport

SHORT_LIFE = 1.0  # seconds; who dies younger may have been broken from the start
SHORT_LIVES = 25  # in a row and the server stops: more than an operator kills one after the other
RETRY = 1.0  # seconds until another try where the system has no room for a process
STOP_TIMEOUT = DRAIN_TIMEOUT + 3.0  # seconds until a worker that does not end is killed

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Worker:
    """A process: which share of the sockets it has, and the line on which it reports.

    ``behind`` counts the changes of settings that it was told of and has not adopted yet.
    """

    slot: int
    pid: int
    line: socket.socket
    started: float
    behind: int = 0


class Workers:
    """``settings.workers`` processes that serve, from ``run`` until a signal. Linux.

    ``sockets`` are taken over where others have bound them; ``manager`` is whose watchdog is fed;
    ``material`` where others have read the files that the settings name; ``reload`` is what SIGHUP
    asks for.
    ``counters`` has the figures of each worker's place; whoever takes a place counts on there.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        sockets: Sockets | None = None,
        manager: Manager | None = None,
        material: Material | None = None,
        reload: Reload | None = None,
    ) -> None:
        require()
        self.settings = settings
        self._reload = reload or Reload(lambda: settings)
        self._material = material or Material.load(settings, self._reload.nonce_secret)
        self._replaced: list[Settings] = []  # by reloads that some worker has not adopted yet
        number = settings.workers
        blocks = memoryview(mmap.mmap(-1, BLOCK_SIZE * number))
        starts = range(0, BLOCK_SIZE * number, BLOCK_SIZE)
        self.counters = [Counters(blocks[start : start + BLOCK_SIZE]) for start in starts]
        self._throttle = make_throttle(settings, memoryview(mmap.mmap(-1, TABLE_SIZE)))
        self._given = sockets
        self._sockets = Sockets(())
        self._manager = manager or Manager()
        self._workers: dict[int, _Worker] = {}  # by slot
        self._unready = set(range(number))  # slots that have not served yet
        self._deaths: Counter[str] = Counter()  # how those died who lived short, since one did not
        self._alarm = -1
        self._is_stopping = False

    def run(self, on_ready: Callable[[Sequence[tuple[Transport, Endpoint]]], None]) -> Counters:
        """Serve until SIGTERM or SIGINT; return the figures of all.

        ``on_ready`` is called once every worker serves, with what they listen on. Raises
        StartError when that cannot be, or when workers die again and again.
        """
        import_early()
        choose_lane(self.settings.lane)  # imports what it needs
        self._sockets = self._given or Sockets.bind(self.settings, self.settings.workers)
        endpoints = self._sockets.endpoints
        try:
            with self._listening_to_signals():
                try:
                    self._watch(lambda: on_ready(endpoints))
                finally:
                    self._drain()
        finally:
            self._kill()
            self._sockets.close()
        return Counters.sum(self.counters)

    def _watch(self, on_ready: Callable[[], None]) -> None:
        """Have a worker in every slot until a signal says to stop."""
        while not self._is_stopping:
            is_complete, were_unready = self._fill(), bool(self._unready)
            self._wait(None if is_complete else RETRY)
            if were_unready and not self._unready:
                on_ready()

    @contextlib.contextmanager
    def _listening_to_signals(self) -> Iterator[None]:
        """Have every signal that concerns us arrive as a byte in a pipe."""
        self._alarm, write = os.pipe()
        os.set_blocking(self._alarm, False)
        os.set_blocking(write, False)
        numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
        handlers = {number: signal.signal(number, _ignore) for number in numbers}
        wakeup = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            os.close(self._alarm)
            os.close(write)

    def _wait(self, timeout: float | None) -> None:
        """Wait for a signal or a worker's report, and deal with what there is."""
        with selectors.PollSelector() as selector:
            selector.register(self._alarm, selectors.EVENT_READ)
            for worker in self._workers.values():
                if worker.line.fileno() >= 0:
                    selector.register(worker.line, selectors.EVENT_READ, worker)
            ready = [key for key, _ in selector.select(timeout)]
        for key in ready:
            if key.data is not None:
                self._read_report(key.data)
        if any(key.data is None for key in ready):
            self._read_signals()

    def _read_signals(self) -> None:
        numbers = set(os.read(self._alarm, REPORT_SIZE))
        if signal.SIGCHLD in numbers:
            self._bury()
        if signal.SIGHUP in numbers:
            self._adopt()
        if numbers & {signal.SIGTERM, signal.SIGINT} and not self._is_stopping:
            self._fill()  # who has just died has a queue that somebody has to answer
            self._is_stopping = True

    def _read_report(self, worker: _Worker) -> None:
        """Learn what a worker has done; raises what kept it from starting."""
        try:
            report = worker.line.recv(REPORT_SIZE)
        except OSError:  # it died with messages of ours unread
            report = b""
        if report == READY:
            self._unready.discard(worker.slot)
        elif report == ADOPTED:
            worker.behind -= 1
            self._finish_reloads()
        else:
            worker.line.close()
        if report not in (b"", READY, ADOPTED):
            raise decode_reason(report)

    def _adopt(self) -> None:
        """Read the settings again and, if they are good, have every worker adopt them."""
        prepared = None if self._is_stopping else self._reload.prepare(self.settings)
        if prepared is None:
            return
        self._replaced.append(self.settings)
        self.settings, self._material = prepared
        for worker in self._workers.values():
            try:
                tell(worker.line, self._each, self._material)
                worker.behind += 1
            except OSError:
                log.warning("worker %d (pid %d) keeps the old settings", worker.slot, worker.pid)
        self._finish_reloads()

    def _finish_reloads(self) -> None:
        """Say of each reload that it is done, once every worker is up to date."""
        if any(worker.behind for worker in self._workers.values()):
            return
        afters = [*self._replaced[1:], self.settings]
        for before, after in zip(self._replaced, afters, strict=False):
            self._reload.finish(before, after)
        self._replaced.clear()

    @property
    def _each(self) -> Settings:
        """The settings of one worker."""
        share = -(-self.settings.tcp.max_connections // self.settings.workers)
        return self.settings.with_values({"tcp.max_connections": share})

    def _fill(self) -> bool:
        """Fork a worker for each slot that has none; return whether each has one now."""
        for slot in range(self.settings.workers):
            if slot not in self._workers:
                try:
                    self._fork(slot)
                except OSError as error:
                    log.warning("cannot start worker %d: %s", slot, (error.strerror or "").lower())
                    return False
        return True

    def _fork(self, slot: int) -> None:
        """Start the worker of a slot. Raises OSError when there is no room for it."""
        parent = os.getpid()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.settimeout(0)
        theirs.settimeout(0)
        # No signal may meet the child before it has forgotten our handlers, and our pipe.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            pid = os.fork()
            if pid == 0:
                live(lambda: self._inherit(slot, ours), theirs, parent)
        except OSError:
            ours.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()
        self._workers[slot] = _Worker(slot, pid, ours, time.monotonic())

    def _bury(self) -> None:
        """Take leave of the workers that have ended; raises StartError when it is too often."""
        now = time.monotonic()
        for worker in list(self._workers.values()):
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            del self._workers[worker.slot]
            with worker.line:
                self._read_report(worker)  # its last words, if any
            self._finish_reloads()
            if not self._is_stopping:
                self._judge(worker, describe_end(status), now - worker.started)
            elif status:
                how = describe_end(status)
                log.warning("worker %d (pid %d): %s while it drained", worker.slot, worker.pid, how)

    def _judge(self, worker: _Worker, how: str, age: float) -> None:
        """Decide whether a worker that has ended is replaced; raises StartError if not."""
        if age >= SHORT_LIFE:
            self._deaths.clear()
        else:
            self._deaths[how] += 1
        is_last = self._deaths.total() >= SHORT_LIVES
        what_next = "stopping the server" if is_last else "replacing it"
        log.warning(
            "worker %d (pid %d): %s after %.1f s; %s", worker.slot, worker.pid, how, age, what_next
        )
        if is_last:
            hows = ", ".join(f"{how}: {number}" for how, number in self._deaths.items())
            raise StartError(
                f"{SHORT_LIVES} workers in a row lived less than {SHORT_LIFE:g} s ({hows})",
                "what they had to say stands above, on stderr",
            )

    def _drain(self) -> None:
        """Have every worker answer what has arrived, and wait for its end."""
        self._is_stopping = True
        self._manager.stopping()
        for worker in self._workers.values():
            os.kill(worker.pid, signal.SIGTERM)
        self._sockets.close()  # so that the last worker's end frees the ports
        end = time.monotonic() + STOP_TIMEOUT
        while self._workers and (left := end - time.monotonic()) > 0:
            self._wait(left)

    def _kill(self) -> None:
        """End at once what is left, without a trace."""
        for worker in self._workers.values():
            if self._is_stopping:
                log.warning("worker %d (pid %d) did not end: killed", worker.slot, worker.pid)
            os.kill(worker.pid, signal.SIGKILL)
        for worker in self._workers.values():
            os.waitpid(worker.pid, 0)
            worker.line.close()
        self._workers.clear()

    def _inherit(self, slot: int, line: socket.socket) -> Server:
        """Return the server of a slot, in the child, once all that is not its own is closed."""
        os.close(signal.set_wakeup_fd(-1))
        os.close(self._alarm)
        line.close()
        for other in self._workers.values():
            other.line.close()
        sockets, counters = self._sockets.share(slot), self.counters[slot]
        return Server(
            self._each,
            sockets=sockets,
            counters=counters,
            throttle=self._throttle,
            material=self._material,
            manager=None if slot else self._manager,  # one asks, and reaches all
        )


def require() -> None:
    """Raise StartError where there can be only one worker."""
    if sys.platform != "linux":
        raise StartError(
            "more than one worker needs Linux, which spreads datagrams among sockets",
            "use --workers 1",
        )


def _ignore(*_: object) -> None:
    """Do nothing: the signal's number is in the pipe by now."""
