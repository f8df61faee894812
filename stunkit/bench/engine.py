"""The loop that sends requests and takes answers, as fast as one thread can.

Closed loop: each socket keeps a window of requests in flight; an answer lets the next one out.
Open loop: requests leave by a timetable, whatever the server does, and latency counts from the
intended time: a stall shows in all the requests that it held up, not only in the one that met it
("coordinated omission").

Rules of this file: it holds the clock and the sockets; what is counted and how stands elsewhere.
"""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from stunkit.bench.channel import Channel, Post, TcpChannel, UdpChannel, open_tcp, open_udp
from stunkit.bench.conversation import Conversation
from stunkit.bench.introduction import PATIENCE, Introduction
from stunkit.bench.latency import Histogram
from stunkit.bench.options import MAX_RATE, Options
from stunkit.bench.pace import Pace
from stunkit.bench.result import Progress, Result, Tally
from stunkit.bench.sources import pick_sources
from stunkit.bench.tls import TlsChannel, open_tls
from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.net.transport.batch import BATCH
from stunkit.net.transport.certificate import client_context
from stunkit.net.transport.udp import describe_errno
from stunkit.wire.uri import Transport

CHORE = 0.05  # seconds between two looks at what has timed out
SHOW = 0.25  # seconds between two reports of progress
LINGER = 0.05  # seconds after the last answer for a duplicate of it to come
AWAKE = 0.0005  # seconds before a request is due that are not slept: a sleeper wakes up late
RETRY = 0.001  # seconds until the kernel is asked again whether it has room
SPARE_FILES = 32  # descriptors besides the sockets
_LEAST_CAPACITY = 1024  # requests that a ledger remembers
_SELECTABLE = 1024  # select(2) takes lower descriptors only


class Engine:
    """One run against one server; use it with ``with``. ``is_stopped`` is asked now and then.

    Raises StartError or TransactionError.
    """

    def __init__(self, options: Options, server: Endpoint, is_stopped: Callable[[], bool]) -> None:
        self._options = options
        self._server = server
        self._is_stopped = is_stopped
        self._is_tcp = options.server.carrier is not Transport.UDP
        self._poller = select.epoll()
        self._all: list[Channel] = []
        self._channels: list[Channel] = []
        self._by_descriptor: dict[int, Channel] = {}
        self._owing: set[Channel] = set()
        self._pace: Pace | None = None
        self._window = options.window if options.rate is None else 0
        self._awake = AWAKE if len(os.sched_getaffinity(0)) > 1 else 0.0  # else the server waits
        self._tally = Tally()
        self._latencies = Histogram()
        self._lateness = Histogram()
        self._is_sending = False
        self._last_answer = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for channel in self._all:
            channel.close()
        self._poller.close()

    def measure(self, on_progress: Callable[[Progress], None] | None) -> Result:
        """Open the sockets, ask the first questions, warm up, and measure."""
        options = self._options
        self._open()
        introduction = Introduction(self._all, self._server, self._poller, reliable=self._is_tcp)
        introduction.hold(max(PATIENCE, options.timeout))
        known = set(introduction.known)
        self._channels = [channel for channel in self._all if channel in known]
        for index, channel in enumerate(self._channels):
            channel.index = index
        if options.warmup:
            self._phase(options.warmup, on_progress, is_warmup=True)
        dropped = self._dropped()
        cpu = time.thread_time()
        start = time.monotonic()
        elapsed = self._phase(options.duration, on_progress, is_warmup=False)
        busy = (time.thread_time() - cpu) / max(time.monotonic() - start, 1e-9)
        called = 0 if self._pace is None else self._pace.called
        return Result(
            options=options,
            server=self._server,
            software=introduction.software,
            sockets=len(self._channels),
            unheard=len(self._all) - len(self._channels),
            addresses=len({channel.local.packed for channel in self._channels}),
            tally=self._tally,
            elapsed=elapsed,
            latency=self._latencies.latency(),
            behind=self._lateness.latency(),
            unsent=max(0, called - self._tally.sent),
            dropped=self._dropped() - dropped,
            busy=busy,
            interrupted=self._is_stopped(),
        )

    def _open(self) -> None:
        options = self._options
        count = options.socket_count
        _allow_files(count + SPARE_FILES)
        sources: list[Endpoint] | list[None] = [None] * count
        if options.sources:
            sources = pick_sources(options.sources, count)
        capacity = _capacity(options, count)
        post = None if self._is_tcp else Post(self._server)
        context = client_context(options.ca_file) if options.server.scheme.is_secure else None
        for index, source in enumerate(sources):
            conversation = Conversation(os.urandom(12), capacity)
            try:
                if context is not None:
                    plain = open_tls(source, self._server, context, options.server.host)
                    channel: Channel = TlsChannel(index, plain, conversation, self._poller)
                elif post is None:
                    plain = open_tcp(source, self._server)
                    channel = TcpChannel(index, plain, conversation, self._poller)
                else:
                    plain = open_udp(source, self._server)
                    channel = UdpChannel(index, plain, conversation, self._poller, post)
            except OSError as error:
                raise _explain(error, source, self._server) from error
            self._all.append(channel)
            self._by_descriptor[channel.descriptor] = channel

    def _phase(
        self,
        duration: float,
        on_progress: Callable[[Progress], None] | None,
        *,
        is_warmup: bool,
    ) -> float:
        """Send for ``duration``, wait for the last answers; return how long answers came."""
        options = self._options
        start = now = time.monotonic()
        self._begin(start, duration)
        tally = self._tally
        show = _Display(on_progress, start, duration, is_warmup=is_warmup)
        end = ended = start + duration
        chore = min(CHORE, options.timeout / 10)
        next_chore = start + chore
        for channel in self._channels:
            self._launch(channel, self._window)
        while not self._is_over(now):
            if self._is_sending:
                self._call(now)
                if now >= end or self._is_stopped() or not self._is_any_open():
                    self._is_sending = False
                    ended = now
            if now >= next_chore:
                next_chore = now + chore
                self._expire(now - options.timeout)
                show(now, tally, self._latencies)
            until = min(next_chore, end) if self._is_sending else min(next_chore, now + LINGER)
            if self._is_sending and self._pace is not None:
                until = min(until, self._pace.next, now + RETRY if self._owing else until)
            for descriptor, events in self._wait(until - time.monotonic()):
                self._serve(self._by_descriptor[descriptor], events)
            now = time.monotonic()
        tally.errors = sum(channel.errors for channel in self._channels)
        tally.closed = sum(not channel.is_open for channel in self._channels)
        return max(ended, self._last_answer) - start

    def _begin(self, start: float, duration: float) -> None:
        """Count from nothing."""
        self._tally = Tally()
        self._latencies = Histogram()
        self._lateness = Histogram()
        self._owing.clear()
        for channel in self._channels:
            channel.owed = channel.errors = 0
            channel.conversation.ledger.forget_counts()
        if self._options.rate is not None:
            self._pace = Pace(self._options.rate, len(self._channels), start, duration)
        self._is_sending = True
        self._last_answer = start

    def _is_over(self, now: float) -> bool:
        """Return whether nothing is sent any more and every request has ended."""
        if self._is_sending or self._tally.in_flight:
            return False
        return now >= self._last_answer + LINGER

    def _wait(self, timeout: float) -> list[tuple[int, int]]:
        if self._pace is not None:
            timeout -= self._awake
        if timeout <= 0:
            return self._poller.poll(0)
        descriptor = self._poller.fileno()
        if self._pace is None or descriptor >= _SELECTABLE:
            return self._poller.poll(timeout)
        # epoll counts milliseconds, a timetable microseconds; select does.
        ready, _, _ = select.select([descriptor], [], [], timeout)
        return self._poller.poll(0) if ready else []

    def _call(self, now: float) -> None:
        """Let those requests of the timetable out that are due, and those that were held up."""
        if self._pace is None:
            return
        for index, count in self._pace.call(now):
            channel = self._channels[index]
            channel.owed += count
            self._owing.add(channel)
        for channel in list(self._owing):  # a batch each: answers want to be taken, too
            self._launch(channel, min(channel.owed, BATCH))

    def _launch(self, channel: Channel, count: int) -> None:
        if count <= 0:
            return
        sent = channel.launch(count)
        self._tally.sent += sent
        if self._pace is None or not sent:
            return
        channel.owed -= sent
        if not channel.owed:
            self._owing.discard(channel)
        ledger = channel.conversation.ledger
        numbers, times = ledger.latest(sent)
        self._lateness.add(times - self._pace.intended(channel.index, numbers - ledger.first))

    def _serve(self, channel: Channel, events: int) -> None:
        """Do what a socket is ready for."""
        try:
            if events & select.EPOLLOUT:
                channel.flush()
            answers = channel.receive() if events & ~select.EPOLLOUT else None
        except OSError:
            channel.errors += 1
            return
        if answers is None:
            return
        now = time.monotonic()
        conversation = channel.conversation
        right = conversation.hear(answers, self._tally)
        self._last_answer = now
        if self._pace is None:
            self._latencies.add(right.arrived - right.sent)
            if self._is_sending:
                self._launch(channel, self._window - conversation.ledger.waiting)
        else:
            numbers = right.numbers - conversation.ledger.first
            self._latencies.add(right.arrived - self._pace.intended(channel.index, numbers))

    def _expire(self, before: float) -> None:
        for channel in self._channels:
            ledger = channel.conversation.ledger
            self._tally.lost += ledger.expire(before)
            if self._is_sending and self._pace is None:
                self._launch(channel, self._window - ledger.waiting)

    def _is_any_open(self) -> bool:
        return not self._is_tcp or any(channel.is_open for channel in self._channels)

    def _dropped(self) -> int:
        return sum(channel.dropped for channel in self._channels if channel.is_open)


class _Display:
    """Tells how it goes, a few times a second."""

    def __init__(
        self,
        on_progress: Callable[[Progress], None] | None,
        start: float,
        duration: float,
        *,
        is_warmup: bool,
    ) -> None:
        self._on_progress = on_progress
        self._start = start
        self._duration = duration
        self._is_warmup = is_warmup
        self._shown = start
        self._answered = 0

    def __call__(self, now: float, tally: Tally, latencies: Histogram) -> None:
        passed = now - self._shown
        if self._on_progress is None or passed < SHOW:
            return
        rate = (tally.answered - self._answered) / passed
        self._shown, self._answered = now, tally.answered
        p50, p99 = latencies.percentiles(0.5, 0.99)
        self._on_progress(
            Progress(
                is_warmup=self._is_warmup,
                elapsed=now - self._start,
                duration=self._duration,
                rate=rate,
                sent=tally.sent,
                answered=tally.answered,
                lost=tally.lost,
                wrong=tally.wrong,
                p50=p50,
                p99=p99,
            )
        )


def _capacity(options: Options, sockets: int) -> int:
    """Return how many requests of each socket to remember: all that may be timed at once."""
    rate = MAX_RATE if options.rate is None else options.rate
    wanted = rate * (options.timeout + 2 * CHORE) / sockets
    wanted = max(wanted, 8 * options.window if options.rate is None else 0, _LEAST_CAPACITY)
    return 1 << (int(wanted) - 1).bit_length()


def _allow_files(wanted: int) -> None:
    import resource  # noqa: PLC0415 (not on Windows)

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(hard, wanted)))
        except (ValueError, OSError):
            what = f"{wanted} open files are needed, {hard} are allowed"
            raise StartError(what, "take fewer --sockets, or raise `ulimit -n`") from None


def _explain(error: OSError, source: Endpoint | None, server: Endpoint) -> StartError:
    reason = describe_errno(error.errno) if error.errno else str(error).lower()
    where = "" if source is None else f" from {source}"
    remedy = "is it running?" if source is None else "choose another --bind"
    return StartError(f"cannot reach {server}{where}: {reason}", remedy)
