"""Asking the home router what its address outside is, over all three protocols at once.

    report = await ask_gateway(server)
    layers = double_nat(report.local, mapped, report)

Rules of this file: nothing on the router is changed: no request that could make, renew or end a
mapping exists in this package. Only the gateway of the route to the server is asked. IPv4 alone:
over IPv6 there is nothing to translate.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from ipaddress import IPv4Address

from stunkit.endpoint import Endpoint, Family
from stunkit.nat.gateway import GatewayReport, MappingProtocol, Reply
from stunkit.net import experiment
from stunkit.net.gateway.hops import find_second_hop
from stunkit.net.gateway.upnp import IgdQuery
from stunkit.net.host.route import find_route
from stunkit.net.transport.udp import describe_errno
from stunkit.protocol.port_control import PortControl, PortControlQuery
from stunkit.wire.message import Message
from stunkit.wire.pcp import PcpResult
from stunkit.wire.pmp import PmpResult
from stunkit.wire.registry import Method

TIMEOUT = 2.0  # seconds for all of it

_PCP_RESULTS: dict[int, str] = {  # what they mean here
    PcpResult.UNSUPP_VERSION: "the gateway knows NAT-PMP alone",
    PcpResult.NOT_AUTHORIZED: "the gateway refuses to map ports for us",
    PcpResult.NETWORK_FAILURE: "the gateway says that it has no address outside",
    PcpResult.ADDRESS_MISMATCH: "who answers sees another address of ours: a NAT is in between",
}


async def ask_gateway(server: Endpoint, *, timeout: float = TIMEOUT) -> GatewayReport:
    """Ask the gateway on the way to a STUN server, and look who stands behind it.

    What has not come after ``timeout`` seconds is missing.
    """
    if server.family is not Family.IPV4:
        return GatewayReport(None, None, (), "IPv6 has no NAT to ask about")
    route = find_route(server)
    source, gateway = route.source, route.gateway
    local = None if source is None else IPv4Address(source.packed)
    if gateway is None or source is None or gateway.family is not Family.IPV4:
        why = route.why or "the gateway has no IPv4 address"
        return GatewayReport(None, local, (), why)
    replies, next_hop = await asyncio.gather(
        _ask(gateway, source, timeout), _look_behind(server, source)
    )
    why = "" if any(one.is_answered for one in replies) else _describe_silence(gateway)
    return GatewayReport(IPv4Address(gateway.packed), local, replies, why, next_hop)


async def _ask(gateway: Endpoint, source: Endpoint, timeout: float) -> tuple[Reply, ...]:
    """Ask over everything, side by side."""
    igd = IgdQuery(gateway, source)
    asking = asyncio.create_task(igd.ask())
    try:
        control, _ = await asyncio.gather(
            _ask_port_control(gateway, source, timeout), asyncio.wait({asking}, timeout=timeout)
        )
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    return describe_pcp(control), describe_pmp(control), igd.reply


async def _look_behind(server: Endpoint, source: Endpoint) -> IPv4Address | None:
    request = Message.request(Method.BINDING, os.urandom(12))
    try:
        return await find_second_hop(server, source, request.raw)
    except OSError:
        return None


async def _ask_port_control(gateway: Endpoint, source: Endpoint, timeout: float) -> PortControl:
    def make(sockets: Sequence[Endpoint], now: float) -> PortControlQuery:
        return PortControlQuery(gateway, sockets[0], now, timeout=timeout)

    try:
        return await experiment.run([source.with_port(0)], make)
    except OSError as error:
        return PortControl(None, None, describe_errno(error.errno or 0))


def describe_pcp(control: PortControl) -> Reply:
    """Say what came over PCP; it cannot tell an address without making a mapping."""
    answer = control.pcp
    if answer is None:
        why = control.why or "no answer"
        return Reply(MappingProtocol.PCP, is_answered=False, why=why)
    if answer.result == PcpResult.SUCCESS:
        why = "the gateway maps ports for others, and tells its address only with a mapping"
        return Reply(MappingProtocol.PCP, is_answered=True, why=why, maps=True)
    why = _PCP_RESULTS.get(answer.result, f"the gateway answers with result {answer.result}")
    if answer.result == PcpResult.UNSUPP_VERSION:
        return Reply(MappingProtocol.PCP, is_answered=False, why=why)
    maps = False if answer.result == PcpResult.NOT_AUTHORIZED else None
    return Reply(MappingProtocol.PCP, is_answered=True, why=why, maps=maps)


def describe_pmp(control: PortControl) -> Reply:
    """Say what came over NAT-PMP."""
    protocol, answer = MappingProtocol.NAT_PMP, control.pmp
    if answer is None:
        return Reply(protocol, is_answered=False, why=control.why or "no answer")
    if answer.external is not None and int(answer.external):
        why = f"the gateway says that its address is {answer.external}"
        return Reply(protocol, is_answered=True, why=why, addresses=(answer.external,), maps=True)
    if answer.result in (PmpResult.SUCCESS, PmpResult.NETWORK_FAILURE):
        why = "the gateway says that it has no address outside"
        return Reply(protocol, is_answered=True, why=why, is_nameless=True)
    if answer.result == PmpResult.NOT_AUTHORIZED:
        why = "the gateway refuses to say, and to map ports"
        return Reply(protocol, is_answered=True, why=why, maps=False)
    why = f"the gateway answers with result {answer.result}"
    return Reply(protocol, is_answered=True, why=why)


def _describe_silence(gateway: Endpoint) -> str:
    return (
        f"the gateway {gateway.host} answers neither PCP nor NAT-PMP nor UPnP: such questions are "
        "switched off in many routers"
    )
