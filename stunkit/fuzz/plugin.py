"""What pytest loads when stunkit is installed: fixtures for the tests of whoever uses STUN.

- ``stun_server``: a STUN server on loopback, which makes mistakes on demand (``stand.StunServer``);
  ``@pytest.mark.stun_server(...)`` gives its settings.
- ``make_stun_server``: the same, as many as a test wants.
- ``nat_lab``: a client behind a NAT in network namespaces (``stunkit.lab.Lab``); needs root on
  Linux, and the test is skipped without. ``@pytest.mark.nat_lab(KIND, ...)`` says which NAT.

Rules of this file: every pytest of a machine that has stunkit loads it, so it imports nothing but
pytest until a fixture is used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from stunkit.fuzz.stand import StunServer
    from stunkit.lab.lab import Lab

MARKERS = (
    "stun_server(**settings): settings of the fixture stun_server, as stunkit.Settings has them",
    "nat_lab(kind, other=None, loss=0): which NAT the fixture nat_lab builds (stunkit lab --help)",
)


def pytest_configure(config: pytest.Config) -> None:
    """Name the markers, so that --strict-markers knows them."""
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


@pytest.fixture
def make_stun_server() -> Iterator[Callable[..., StunServer]]:
    """Start a STUN server on loopback for each call; all end with the test."""
    from stunkit.fuzz.stand import StunServer  # noqa: PLC0415 (see the rules of this file)

    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(StunServer(**settings))


@pytest.fixture
def stun_server(
    request: pytest.FixtureRequest, make_stun_server: Callable[..., StunServer]
) -> StunServer:
    """Return a STUN server on loopback; the marker of this name gives its settings."""
    marker = request.node.get_closest_marker("stun_server")
    settings: dict[str, Any] = {} if marker is None else marker.kwargs
    return make_stun_server(**settings)


@pytest.fixture
def nat_lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    """Build a client behind a NAT; the marker of this name says which. Needs root on Linux."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("nat_lab needs root on Linux")
    from stunkit.errors import LabError, StartError  # noqa: PLC0415 (see the rules of this file)
    from stunkit.lab import Lab, find_kind  # noqa: PLC0415

    marker = request.node.get_closest_marker("nat_lab")
    names = ("port-restricted",) if marker is None or not marker.args else marker.args
    options: dict[str, Any] = {} if marker is None else dict(marker.kwargs)
    other = options.pop("other", None)
    kinds = [find_kind(name) for name in (*names, *(() if other is None else (other,)))]
    lab = Lab(*kinds, **options)
    try:
        lab.open()
    except (LabError, StartError) as error:
        pytest.skip(f"nat_lab cannot be built here: {error}")
    try:
        yield lab
    finally:
        lab.close()
