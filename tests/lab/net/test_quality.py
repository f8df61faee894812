"""Path quality through real NATs, with loss that is known."""

from __future__ import annotations

import asyncio

import pytest

from stunkit.call.quality import Quality
from stunkit.call.sampler import COUNT
from stunkit.endpoint import Endpoint
from stunkit.lab import Lab, find_kind, start_server
from stunkit.net.quality import measure


def judge(lab: Lab) -> Quality:
    server = Endpoint.of(lab.server_addresses()[0], 3478)
    with start_server(lab, alternate=False):
        return lab.client.call(asyncio.run, measure(server))


@pytest.mark.alone
def test_a_short_clean_path_is_good():
    with Lab(find_kind("port-restricted")) as lab:
        quality = judge(lab)
    assert (quality.sent, quality.answered, quality.loss) == (COUNT, COUNT, 0.0)
    assert (quality.reordered, quality.duplicates, quality.late) == (0, 0, 0)
    assert quality.rtt is not None
    assert quality.rtt < 0.05
    assert quality.voice is not None
    assert quality.voice.grade == "good"


def test_loss_each_way_is_seen_as_it_is():
    # 20 % each way: 36 of 100 questions have no answer
    with Lab(find_kind("symmetric"), loss=20) as lab:
        quality = judge(lab)
    assert quality.sent == COUNT
    assert quality.loss is not None
    assert 0.12 < quality.loss < 0.61  # over four standard deviations: one run in ten thousand
    assert quality.loss_range is not None
    assert quality.voice is not None
    assert quality.voice.grade == "poor"


def test_a_blocked_path_has_no_quality():
    with Lab(find_kind("udp-blocked")) as lab:
        quality = judge(lab)
    assert (quality.answered, quality.voice) == (0, None)
    assert quality.why.startswith("none of")
