import resource

import pytest

from stunkit.server.process import descriptors
from stunkit.server.process.descriptors import OF_WORKER, SPARE
from stunkit.server.settings.tree import Settings, TcpSettings

NEEDS = Settings(workers=2, tcp=TcpSettings(max_connections=5000))
WANTED = 5000 + SPARE + 2 * OF_WORKER


@pytest.fixture
def allowed(monkeypatch):
    """What is set where the limits are these."""

    def allowed(soft: int, hard: int, error: Exception | None = None) -> list[tuple[int, int]]:
        made: list[tuple[int, int]] = []

        def setrlimit(_: int, limits: tuple[int, int]) -> None:
            made.append(limits)
            if error is not None:
                raise error

        monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
        monkeypatch.setattr(resource, "setrlimit", setrlimit)
        descriptors.allow(NEEDS)
        return made

    return allowed


def test_raises_the_limit_to_what_is_needed(allowed):
    assert allowed(1024, 1 << 20) == [(WANTED, 1 << 20)]
    assert allowed(1024, resource.RLIM_INFINITY) == [(WANTED, resource.RLIM_INFINITY)]


def test_raises_it_no_higher_than_it_may(allowed):
    assert allowed(1024, 4096) == [(4096, 4096)]
    assert allowed(1024, 1 << 20, ValueError("no")) == [(WANTED, 1 << 20)]


def test_leaves_a_limit_that_is_high_enough(allowed):
    assert allowed(WANTED, 1 << 20) == []


def test_leaves_windows_alone(allowed, monkeypatch):
    monkeypatch.setattr(descriptors.sys, "platform", "win32")
    assert allowed(512, 512) == []
