from __future__ import annotations

import pytest
from aioice import ice


@pytest.fixture(autouse=True)
def _loopback(monkeypatch):
    """Have peers on loopback, which aioice leaves out."""
    monkeypatch.setattr(ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
