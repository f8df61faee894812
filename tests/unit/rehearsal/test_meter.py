"""Figures, out of statistics as aiortc has them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from stunkit.call.rehearsal import UNKNOWN, Picture, Share
from stunkit.rehearsal.meter import MOST_SAMPLES, Meter, Sample

RATES = {"audio": 48_000, "video": 90_000}


def transport(sent: int, received: int):
    return SimpleNamespace(
        type="transport", id="t", dtlsState="connected", bytesSent=sent, bytesReceived=received
    )


def inbound(received: int, lost: int, jitter: int = 0, kind: str = "audio"):
    return SimpleNamespace(
        type="inbound-rtp", kind=kind, id=kind,
        packetsReceived=received, packetsLost=lost, jitter=jitter,
    )  # fmt: skip


def report(received: int, lost: int, rtt: float | None = None):
    return SimpleNamespace(
        type="remote-inbound-rtp", id="r", kind="audio",
        packetsReceived=received, packetsLost=lost, roundTripTime=rtt,
    )  # fmt: skip


def test_knows_nothing_before_there_is_anything():
    assert Meter().figures(None, 0, 0).loss == UNKNOWN
    assert Meter().last == Sample()


def test_a_second_has_what_it_brought():
    meter = Meter()
    meter.begin(10.0)
    meter.take([transport(1_000, 2_000), inbound(90, 10), report(50, 0, 0.02)], RATES, 11.0)
    sample = meter.take(
        [transport(3_000, 2_500), inbound(190, 10, 96), report(140, 10, 0.04)], RATES, 13.0
    )
    assert sample.rtt == 0.04
    assert sample.jitter == pytest.approx(0.002)
    assert sample.loss == Share(0.1, 0.0)
    assert sample.kbps == Share(8.0, 2.0)


def test_the_whole_has_all_sessions():
    meter = Meter()
    meter.begin(0.0)
    meter.take([transport(1_000, 1_000), inbound(90, 10), report(10, 0, 0.01)], RATES, 1.0)
    meter.begin(100.0)
    meter.take([transport(1_000, 3_000), inbound(100, 0), report(10, 0, 0.03)], RATES, 101.0)
    figures = meter.figures(Picture(1, 2, 3), 4, 5)
    assert figures.loss == Share(0.0, 0.05)
    assert figures.kbps == Share(8.0, 16.0)
    assert figures.rtts == (0.01, 0.03)
    assert (figures.video, figures.chat_sent, figures.chat_received) == (Picture(1, 2, 3), 4, 5)


def test_a_late_packet_takes_a_loss_back():
    meter = Meter()
    meter.begin(0.0)
    meter.take([inbound(98, 2)], RATES, 1.0)
    meter.take([inbound(100, 0)], RATES, 2.0)
    assert meter.figures(None, 0, 0).loss.received == 0.0


def test_jitter_is_that_of_audio_and_unknown_without_a_clock_rate():
    meter = Meter()
    both = [inbound(10, 0, 480, "audio"), inbound(10, 0, 900, "video")]
    assert meter.take(both, RATES, 1.0).jitter == 0.01
    assert meter.take(both[1:], RATES, 2.0).jitter == 0.01
    assert meter.take(both, {"audio": None}, 3.0).jitter is None


def test_what_is_not_told_is_unknown():
    meter = Meter()
    meter.begin(1.0)
    sample = meter.take([report(0, 0, None)], RATES, 1.0)
    assert sample == Sample()


def test_a_round_trip_is_never_negative():
    assert Meter().take([report(1, 0, -0.001)], RATES, 1.0).rtt == 0.0


def test_keeps_so_many_samples():
    meter = Meter()
    for second in range(MOST_SAMPLES + 10):
        meter.take([report(1, 0, float(second))], RATES, float(second))
    assert len(meter.rtts) == MOST_SAMPLES
    assert meter.rtts[-1] == MOST_SAMPLES + 9
