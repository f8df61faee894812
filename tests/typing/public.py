"""The names that stand in stunkit itself, as programs use them."""

from __future__ import annotations

from typing import assert_type

from stunkit import (
    Answer,
    Asker,
    Endpoint,
    Family,
    Message,
    Received,
    Relay,
    RelayReport,
    Response,
    Server,
    Site,
    TransactionError,
    Uri,
    Whoami,
    allocate,
    probe_relays,
    resolve,
    respond,
    turn_rest_credentials,
    whoami,
)
from stunkit.protocol.client import Answered, Client, Event
from stunkit.protocol.machine import Machine, Outgoing


async def learn_the_public_address() -> str | None:
    result = await whoami(["stun.example.com"], family=Family.IPV4, timeout=5)
    assert_type(result, Whoami)
    assert_type(result.answers, tuple[Answer, ...])
    assert_type(result.consensus, bool | None)
    assert_type(result.answers[0].mapped, Endpoint | None)
    return result.public(Family.IPV4)


async def ask_one_server() -> float | None:
    endpoints = await resolve(Uri.parse("stun.example.com"))
    async with Asker() as asker:
        local = await asker.open(endpoints[0])
        try:
            answered = await asker.ask(endpoints[0], local)
        except TransactionError:
            return None
    assert_type(answered, Answered)
    assert_type(answered.response, Message)
    return answered.rtt


async def serve() -> None:
    async with Server() as server:
        assert_type(server, Server)


def answer_without_sockets(data: bytes, source: Endpoint, local: Endpoint) -> bytes:
    response = respond(Received(data, source, local), Site())
    assert_type(response, Response)
    return response.data


def ask_without_sockets(request: Message, server: Endpoint, local: Endpoint) -> float | None:
    client = Client()
    client.request(request, server, local, now=0.0)
    machine: Machine[Event] = client
    assert_type(machine.sends(), list[Outgoing])
    assert_type(machine.events(), list[Event])
    return machine.deadline()


async def see_which_relays_work(now: float) -> list[Uri]:
    credentials = turn_rest_credentials("secret", "ann", now, 600)
    reports = await probe_relays(["turn:relay.example", "turns:relay.example"], credentials)
    assert_type(reports, tuple[RelayReport, ...])
    return [report.uri for report in reports if report.is_usable]


async def hold_an_allocation() -> Endpoint:
    async with await allocate(Uri.parse("turn:relay.example"), None) as relay:
        assert_type(relay, Relay)
        return relay.relayed
