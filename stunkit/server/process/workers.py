"""Several processes that serve the same endpoints, and the parent that looks after them.

The parent binds every socket, keeps it open and forks the workers. So when one dies, its sockets
and what waits in their queues stay, and the next fork reads on: what is lost is what the dead one
had in its hands. The parent owns the signals: SIGTERM and SIGINT make every worker drain.

Rules of this file: the parent has no event loop and no threads, since what they hold would be
copied, half done, into every child. A signal reaches it through a pipe and is dealt with between
two waits. What a child does is in ``worker``; nothing here goes on in one.
"""

from __future__ import annotations

import logging
import mmap
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.protocol.throttle import TABLE_SIZE
from stunkit.server.metrics.counters import BLOCK_SIZE, Counters
from stunkit.server.metrics.figures import Figures
from stunkit.server.metrics.monitor import Post
from stunkit.server.process.alarm import listening_to_signals
from stunkit.server.process.crew import CREW_SIZE, Crew
from stunkit.server.process.deaths import Deaths
from stunkit.server.process.notification import Manager
from stunkit.server.process.worker import (
    ADOPTED,
    READY,
    REPORT_SIZE,
    decode_reason,
    describe_end,
    import_early,
    live,
    tell,
)
from stunkit.server.reload import Reload
from stunkit.server.server import Server, choose_lane, make_throttle
from stunkit.server.settings.material import Material
from stunkit.server.settings.tree import Settings
from stunkit.server.sockets import Sockets
from stunkit.server.streams import DRAIN_TIMEOUT
from stunkit.wire.uri import Transport

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
    serves: bool = False

    def __str__(self) -> str:
        return f"worker {self.slot} (pid {self.pid})"


class Workers:
    """``settings.workers`` processes that serve, from ``run`` until a signal. Linux.

    ``sockets`` are taken over where others have bound them; ``manager`` is whose watchdog is fed;
    ``material`` where others have read the files that the settings name; ``reload`` is what SIGHUP
    asks for. ``counters`` has the figures of each worker's place; whoever takes a place counts on
    there.
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
        self._crew = Crew(number, memoryview(mmap.mmap(-1, CREW_SIZE)))
        self._post: Post | None = None
        self._unready = set(range(number))  # slots that have not served yet
        self._deaths = Deaths()
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
            if self.settings.metrics.listen is not None:
                figures = Figures(self.counters, self._crew)
                self._post = Post.bind(self.settings.metrics.listen, figures)
            with listening_to_signals() as self._alarm:
                try:
                    self._watch(lambda: on_ready(endpoints))
                finally:
                    self._drain()
        finally:
            self._kill()
            self._close()
        return Counters.sum(self.counters)

    def _watch(self, on_ready: Callable[[], None]) -> None:
        """Have a worker in every slot until a signal says to stop."""
        while not self._is_stopping:
            is_complete, were_unready = self._fill(), bool(self._unready)
            self._wait(None if is_complete else RETRY)
            if were_unready and not self._unready:
                on_ready()

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
            worker.serves = True
            self._count_crew()
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
            except BlockingIOError:  # it has hung for so long that its line is full
                log.warning("%s keeps the old settings", worker)
            except OSError:
                log.debug("%s has just ended: its successor will have them", worker)
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
            self._count_crew()
            self._finish_reloads()
            if not self._is_stopping:
                self._deaths.add(str(worker), describe_end(status), now - worker.started)
                self._crew.replaced += 1
            elif status:
                log.warning("%s: %s while it drained", worker, describe_end(status))

    def _drain(self) -> None:
        """Have every worker answer what has arrived, and wait for its end."""
        self._is_stopping = True
        self._manager.stopping()
        for worker in self._workers.values():
            os.kill(worker.pid, signal.SIGTERM)
        self._close()  # so that the last worker's end frees the ports
        end = time.monotonic() + STOP_TIMEOUT
        while self._workers and (left := end - time.monotonic()) > 0:
            self._wait(left)

    def _kill(self) -> None:
        """End at once what is left, without a trace."""
        for worker in self._workers.values():
            if self._is_stopping:
                log.warning("%s did not end: killed", worker)
            os.kill(worker.pid, signal.SIGKILL)
        for worker in self._workers.values():
            os.waitpid(worker.pid, 0)
            worker.line.close()
        self._workers.clear()

    def _count_crew(self) -> None:
        """Write down how many serve, for whoever shows it."""
        self._crew.serving = sum(worker.serves for worker in self._workers.values())
        if not self._unready:
            self._crew.complete()

    def _close(self) -> None:
        """Close all that workers inherit, in this process."""
        self._sockets.close()
        if self._post is not None:
            self._post.listening.close()

    def _inherit(self, slot: int, line: socket.socket) -> Server:
        """Return the server of a slot, in the child, once all that is not its own is closed."""
        os.close(signal.set_wakeup_fd(-1))
        os.close(self._alarm)
        line.close()
        for other in self._workers.values():
            other.line.close()
        sockets, counters = self._sockets.share(slot), self.counters[slot]
        settings, post = self._each, self._post
        if slot and post is not None:  # one shows the figures of all
            post.listening.close()
            settings, post = settings.with_values({"metrics.listen": None}), None
        server = Server(
            settings,
            sockets=sockets,
            counters=counters,
            throttle=self._throttle,
            material=self._material,
            manager=None if slot else self._manager,  # one asks, and reaches all
        )
        server.post = post
        return server


def require() -> None:
    """Raise StartError where there can be only one worker."""
    if sys.platform != "linux":
        raise StartError(
            "more than one worker needs Linux, which spreads datagrams among sockets",
            "use --workers 1",
        )
