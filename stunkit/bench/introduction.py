"""The first question of each socket, asked with care, before any load.

The ordinary client carries it (retransmissions, all checks), so that its answer can be the model
for those to come. That also finds out where a NAT on the way shows the socket.
"""

from __future__ import annotations

import os
import select
import time
from collections import deque
from collections.abc import Sequence

from stunkit.bench.channel import Channel
from stunkit.endpoint import Endpoint
from stunkit.errors import NoAnswer, StunkitError
from stunkit.net.transport.udp import describe_errno
from stunkit.protocol.client import Answered, Client, Failed
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import Message
from stunkit.wire.registry import Method

PATIENCE = 3.0  # seconds for a first answer: three questions at the RFC's pace
AT_ONCE = 64  # sockets that ask at a time, so that the questions drop none of each other


class Introduction:
    """Asks for each channel; ``known`` are those that learned what a right answer is."""

    def __init__(
        self, channels: Sequence[Channel], server: Endpoint, poller: select.epoll, *, reliable: bool
    ) -> None:
        self.known: list[Channel] = []
        self.software: str | None = None
        self._channels = {channel.local: channel for channel in channels}
        self._by_descriptor = {channel.descriptor: channel for channel in channels}
        self._server = server
        self._poller = poller
        self._reliable = reliable
        self._client = Client()
        self._queue = deque(channels)
        self._asking: dict[bytes, float] = {}  # transaction id -> when to give up
        self._error: StunkitError | None = None

    def hold(self, patience: float) -> None:
        """Ask until every channel has an answer or none; raise the error when nobody has one.

        Raises TransactionError.
        """
        while self._queue or self._asking:
            now = time.monotonic()
            while self._queue and len(self._asking) < AT_ONCE and self._may_go_on:
                self._ask(self._queue.popleft(), now, patience)
            if not self._asking:
                break
            self._send(now)
            for descriptor, _ in self._poller.poll(self._wait(now)):
                self._receive(self._by_descriptor[descriptor])
            now = time.monotonic()
            self._client.tick(now)
            for transaction_id, end in list(self._asking.items()):
                if end <= now:
                    self._client.give_up(transaction_id, now)
            self._take_events()
        if not self.known:
            raise self._error or NoAnswer(0, 0.0)
        for channel in self._channels.values():
            if channel not in self.known:
                channel.close()

    @property
    def _may_go_on(self) -> bool:
        """Whether it makes sense to ask for more: somebody was answered, or nobody failed yet."""
        return bool(self.known) or self._error is None

    def _ask(self, channel: Channel, now: float, patience: float) -> None:
        request = Message.request(Method.BINDING, os.urandom(12))
        self._asking[request.transaction_id] = now + patience
        self._client.request(request, self._server, channel.local, now, reliable=self._reliable)

    def _send(self, now: float) -> None:
        for outgoing in self._client.sends():
            channel = self._channels[outgoing.local]
            try:
                channel.write(outgoing.data)
            except OSError as error:
                self._fail(channel, error, now)
        self._take_events()

    def _wait(self, now: float) -> float:
        due = min(self._asking.values(), default=now)
        deadline = self._client.deadline()
        return max(0.0, (due if deadline is None else min(due, deadline)) - now)

    def _receive(self, channel: Channel) -> None:
        now = time.monotonic()
        try:
            for data in channel.read():
                self._client.receive(data, self._server, channel.local, now)
        except OSError as error:
            self._fail(channel, error, now)

    def _fail(self, channel: Channel, error: OSError, now: float) -> None:
        reason = describe_errno(error.errno) if error.errno else str(error).lower()
        self._client.unreachable(self._server, channel.local, reason, now)

    def _take_events(self) -> None:
        for event in self._client.events():
            if isinstance(event, Answered):
                channel = self._channels[event.local]
                channel.conversation.learn(event.response)
                self.known.append(channel)
                software = event.response.get(Software)
                self.software = software.text if software else self.software
            elif isinstance(event, Failed):
                self._error = self._error or event.error
            if isinstance(event, Answered | Failed):
                self._asking.pop(event.request.transaction_id, None)
