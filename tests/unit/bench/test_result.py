import pytest

from stunkit.bench.options import Options
from stunkit.bench.result import Latency, Result, Tally
from stunkit.endpoint import Endpoint
from stunkit.wire.uri import Uri

SPREAD = Latency(0.0001, 0.0002, 0.0002, 0.0003, 0.0004, 0.0005, 0.2)
LATE = SPREAD._replace(p99=0.004)


def result(*, rate: float | None = None, **more) -> Result:
    values = {
        "options": Options(server=Uri.parse("127.0.0.1"), rate=rate),
        "server": Endpoint.of("127.0.0.1", 3478),
        "software": None,
        "sockets": 8,
        "unheard": 0,
        "addresses": 1,
        "tally": Tally(sent=1000, answered=900, wrong=40, refused=10, lost=50),
        "elapsed": 2.0,
        "latency": SPREAD,
        "behind": None if rate is None else SPREAD,
        "unsent": 0,
        "dropped": 0,
        "busy": 0.5,
        "interrupted": False,
    }
    return Result(**(values | more))


def test_tells_rate_and_loss():
    told = result()
    assert told.rate == 450
    assert told.loss == 0.05
    assert told.tally.in_flight == 0


def test_knows_no_rate_and_no_loss_of_nothing():
    told = result(tally=Tally(), elapsed=0.0)
    assert told.rate == 0
    assert told.loss is None


@pytest.mark.parametrize(
    ("more", "is_late"),
    [
        ({}, False),
        ({"rate": 100.0}, False),
        ({"rate": 100.0, "behind": LATE}, True),
        ({"rate": 100.0, "unsent": 1}, True),
    ],
)
def test_tells_a_late_generator(more, is_late):
    assert result(**more).is_late is is_late


@pytest.mark.parametrize(
    ("more", "is_busy"),
    [({}, False), ({"busy": 0.95}, True), ({"busy": 0.95, "rate": 100.0}, False)],
)
def test_tells_a_busy_generator(more, is_busy):
    assert result(**more).is_busy is is_busy
