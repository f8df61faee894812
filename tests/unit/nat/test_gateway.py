from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from stunkit.nat.gateway import GatewayReport, MappingProtocol, Reply

PCP, PMP, IGD = MappingProtocol
FIRST, SECOND = IPv4Address("203.0.113.1"), IPv4Address("203.0.113.2")


def report(*replies: Reply) -> GatewayReport:
    return GatewayReport(IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"), replies, "")


def test_each_address_counts_once():
    both = report(
        Reply(PMP, is_answered=True, why="", addresses=(FIRST,)),
        Reply(IGD, is_answered=True, why="", addresses=(SECOND, FIRST)),
    )
    assert both.addresses == (FIRST, SECOND)


def test_one_answer_is_an_answer():
    silent = Reply(PCP, is_answered=False, why="no answer")
    assert not report(silent).is_answered
    assert report(silent, Reply(IGD, is_answered=True, why="")).is_answered


@pytest.mark.parametrize(
    ("said", "maps"),
    [((), None), ((None, None), None), ((None, False), False), ((False, True), True)],
)
def test_one_offer_is_an_offer(said: tuple[bool | None, ...], maps: bool | None):
    assert report(*(Reply(PMP, is_answered=True, why="", maps=one) for one in said)).maps is maps
