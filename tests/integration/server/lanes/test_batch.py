import logging

import pytest

from stunkit.net.transport.batch import BATCH
from stunkit.net.transport.sockaddr import sockaddr_of
from stunkit.server.lanes.batch import FEW, ROUNDS, BatchLane
from stunkit.wire.message import Message
from tests.integration.loopback import blank, udp_socket
from tests.integration.server.lanes.expectations import LaneExpectations, each_family, make_room


class TestBatchLane(LaneExpectations):
    kind = BatchLane

    @each_family
    def test_leaves_others_their_turn(self, host: str):
        with self.lane(host) as (lane, tally), udp_socket(host) as peer:
            for number in range(FEW + ROUNDS * BATCH + 1):  # the first few one by one
                peer.sendto(blank(number), sockaddr_of(lane.local))
            assert lane._wake() is True
            assert tally.answered == FEW + ROUNDS * BATCH
            assert lane._wake() is False
            assert tally.answered == FEW + ROUNDS * BATCH + 1

    @each_family
    def test_takes_few_one_by_one_until_there_are_many(self, host: str, monkeypatch):
        with self.lane(host) as (lane, tally), udp_socket(host) as peer:
            received = []
            receive = lane._inbox.receive
            monkeypatch.setattr(
                lane._inbox, "receive", lambda fd: received.append(receive(fd)) or received[-1]
            )
            for amount in (1, FEW - 1, 3 * FEW, 3, 1):
                for number in range(amount):
                    peer.sendto(blank(number), sockaddr_of(lane.local))
                assert lane._wake() is False
            assert received == [2 * FEW, 3]  # what was beyond the first few; and few again
            assert tally.answered == 4 * FEW + 4

    @each_family
    @pytest.mark.parametrize("amount", [FEW - 1, FEW, FEW + 1, BATCH - 1, BATCH, BATCH + 1])
    def test_answers_as_many_as_there_are(self, host: str, amount: int):
        with self.lane(host) as (lane, tally), udp_socket(host) as peer:
            make_room(peer)
            for number in range(amount):
                peer.sendto(blank(number), sockaddr_of(lane.local))
            lane.drain()
            ids = [Message.decode(peer.recv(100)).transaction_id for _ in range(amount)]
            assert ids == [number.to_bytes(12, "big") for number in range(amount)]
            assert tally.answered == amount

    @each_family
    def test_loses_no_more_than_a_batch_to_a_bug(self, host: str, monkeypatch, caplog):
        caplog.set_level(logging.ERROR)
        with self.lane(host) as (lane, tally), udp_socket(host) as peer:
            monkeypatch.setattr(lane, "_answer_many", lambda _count: 1 // 0)
            for number in range(2 * FEW):  # the first few one by one
                peer.sendto(blank(number), sockaddr_of(lane.local))
            lane.drain()
            assert (tally.errors, tally.received) == (1, FEW)
            (record,) = caplog.records
            assert record.getMessage() == f"a batch of {FEW} datagrams broke the server's code"
            peer.sendto(blank(), sockaddr_of(lane.local))
            lane.drain()
            assert tally.answered == FEW + 1
