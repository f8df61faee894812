"""The names in stunkit that look at the way to a server, as programs use them."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import assert_type

from stunkit import (
    Endpoint,
    GatewayReport,
    Layers,
    Quality,
    SecondNat,
    Voice,
    ask_gateway,
    double_nat,
    measure,
)


async def look_for_a_second_nat(server: Endpoint, mapped: IPv4Address) -> bool:
    report = await ask_gateway(server)
    assert_type(report, GatewayReport)
    layers = double_nat(report.local, mapped, report)
    assert_type(layers, Layers)
    return layers.second is SecondNat.PROVEN


async def listen_to_a_path(server: Endpoint) -> float | None:
    quality = await measure(server)
    assert_type(quality, Quality)
    assert_type(quality.voice, Voice | None)
    return quality.loss
