from __future__ import annotations

from random import Random

import pytest

from stunkit.behavior import Behavior
from stunkit.call.quality import Quality, assess
from stunkit.call.sampler import COUNT, INTERVAL, WAIT, Sampler, Samples
from stunkit.endpoint import Endpoint
from stunkit.sim.network import Weather
from stunkit.sim.world import World
from stunkit.wire.attributes.address import XorMappedAddress
from stunkit.wire.attributes.error import ErrorCode
from stunkit.wire.message import Message
from stunkit.wire.registry import MessageClass, Method

SERVER = Endpoint.of("198.51.100.1", 3478)
LOCAL = Endpoint.of("10.0.0.2", 40000)
FOREVER = 1000.0


def run(weather: Weather, *layers: Behavior, seed: int = 0) -> tuple[Samples, float]:
    network, host, (server,) = World(layers=layers, weather=weather, seed=seed).build()
    sampler = Sampler(server, network.open(host), network.now, Random(seed).randbytes)
    host.machine = sampler
    network.run(FOREVER, lambda: sampler.progress == 1.0)
    (samples,) = sampler.events()
    return samples, network.now


def judge(weather: Weather, seed: int = 0) -> Quality:
    return assess(run(weather, Behavior(), seed=seed)[0])


def sampler(count: int = COUNT) -> Sampler:
    return Sampler(SERVER, LOCAL, 0.0, Random(0).randbytes, count=count)


def success(request: bytes) -> bytes:
    message = Message.decode(request)
    return Message.build(
        MessageClass.SUCCESS_RESPONSE,
        Method.BINDING,
        message.transaction_id,
        [XorMappedAddress(LOCAL)],
    ).raw


def test_a_clean_path_is_seen_as_it_is():
    samples, elapsed = run(Weather(delay=0.03), Behavior())
    assert samples.sent == len(samples.answers) == COUNT
    assert [answer.rtt for answer in samples.answers] == pytest.approx([0.06] * COUNT)
    assert elapsed == pytest.approx((COUNT - 1) * INTERVAL + 0.06)  # no answer is waited for longer


@pytest.mark.parametrize("seed", range(5))
def test_loss_each_way_is_not_hidden_by_sending_again(seed: int):
    quality = judge(Weather(loss=0.2), seed)
    assert quality.sent == COUNT
    assert quality.loss_range is not None
    assert quality.loss_range.low <= 0.36 <= quality.loss_range.high
    assert quality.voice is not None
    assert quality.voice.grade == "poor"


@pytest.mark.parametrize("seed", range(5))
def test_jitter_is_that_of_both_ways(seed: int):
    # The difference of two sums of two uniform draws of 0 to 10 ms is 4.67 ms on average.
    quality = judge(Weather(jitter=0.01), seed)
    assert quality.jitter == pytest.approx(0.00467, rel=0.4)
    assert quality.rtt == pytest.approx(0.03, rel=0.1)
    assert quality.loss == 0.0


def test_answers_that_overtake_each_other_are_seen():
    quality = judge(Weather(jitter=0.3))
    assert quality.reordered > COUNT / 10


def test_doubles_are_seen():
    quality = judge(Weather(duplication=0.2))
    assert quality.loss == 0.0
    # a doubled question has two answers, and each of them may be doubled
    assert COUNT / 10 < quality.duplicates < COUNT


def test_silence_ends_in_time():
    samples, elapsed = run(Weather(loss=1.0), Behavior())
    assert (samples.sent, samples.answers) == (COUNT, ())
    assert elapsed == pytest.approx((COUNT - 1) * INTERVAL + WAIT)


def test_what_comes_too_late_is_lost():
    samples, _ = run(Weather(delay=WAIT / 2 + 0.1), Behavior())
    assert samples.sent == COUNT
    assert not samples.answers
    assert samples.late > COUNT / 2


@pytest.mark.parametrize("seed", range(5))
def test_slow_answers_do_not_make_it_more_patient(seed: int):
    samples, elapsed = run(Weather(jitter=1.0), Behavior(), seed=seed)
    assert max(answer.rtt for answer in samples.answers) <= WAIT
    assert elapsed <= (COUNT - 1) * INTERVAL + WAIT + 1e-6
    assert samples.sent == COUNT
    assert len(samples.answers) + samples.late < COUNT  # those that are still on their way


def test_a_refusal_is_an_answer():
    machine = sampler(1)
    (question,) = machine.sends()
    request = Message.decode(question.data)
    refusal = Message.build(
        MessageClass.ERROR_RESPONSE, Method.BINDING, request.transaction_id, [ErrorCode(401, "no")]
    )
    machine.receive(refusal.raw, SERVER, LOCAL, 0.02)
    (samples,) = machine.events()
    assert [answer.rtt for answer in samples.answers] == [0.02]
    assert not machine.events()


def test_what_others_send_is_no_answer():
    machine = sampler(1)
    (question,) = machine.sends()
    machine.receive(success(question.data), SERVER.with_port(1), LOCAL, 0.02)
    machine.receive(b"what", SERVER, LOCAL, 0.02)
    assert machine.samples == Samples(0, ())


def test_unreachable_ends_it():
    machine = sampler()
    machine.unreachable(SERVER.with_port(1), LOCAL, "of another", 0.1)
    assert not machine.events()
    machine.unreachable(SERVER, LOCAL, "connection refused", 0.1)
    assert machine.events() == [Samples(1, (), why="connection refused")]
    assert machine.deadline() is None
    assert machine.progress == 1.0


def test_a_pause_is_not_made_up_for():
    machine = sampler()
    machine.sends()
    machine.tick(0.9)  # 18 intervals later
    assert len(machine.sends()) == 1
    machine.tick(0.901)
    assert not machine.sends()


def test_progress_goes_from_nothing_to_all():
    machine = sampler(3)
    seen = [machine.progress]
    while (now := machine.deadline()) is not None:
        for question in machine.sends():
            machine.receive(success(question.data), SERVER, LOCAL, now)
        machine.tick(now)
        seen.append(machine.progress)
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0.25, 1.0)
