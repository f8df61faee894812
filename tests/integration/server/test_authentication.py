"""A closed server on real sockets: what the vectors of the RFCs get, and who is let in."""

from __future__ import annotations

import asyncio
import tomllib
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import InvalidAnswer, NoAnswer, Refused
from stunkit.net.query import Asker
from stunkit.protocol.client import mapped_endpoint
from stunkit.protocol.credentials import rest_password
from stunkit.protocol.login import ROUNDS, Login
from stunkit.protocol.schedule import Schedule
from stunkit.server.settings.authentication import AuthenticationSettings
from stunkit.wire.attributes.error import ErrorCode, UnknownAttributes
from stunkit.wire.attributes.text import Nonce, Realm
from stunkit.wire.fingerprint import check_fingerprint
from stunkit.wire.integrity import check_integrity
from stunkit.wire.message import Message
from stunkit.wire.registry import AttributeType, Code, MessageClass
from stunkit.wire.uri import Transport
from tests.integration.loopback import (
    HOSTS,
    PATIENCE,
    answer,
    blank,
    endpoint_of_server,
    exchange,
    fake,
    serving,
    udp_socket,
)

DATA = Path(__file__).parents[2] / "data"
RFC_5769 = tomllib.loads((DATA / "rfc5769.toml").read_text("utf-8"))
RFC_8489_B1 = tomllib.loads((DATA / "rfc8489_b1.toml").read_text("utf-8"))
REALM = "example.org"
QUICK = Schedule(rto=0.05, rc=3, rm=2, ti=0.2, rto_min=0.05)

each_lane = pytest.mark.parametrize("lane", ["portable", "batch"])
each_family = pytest.mark.parametrize("host", HOSTS)


@pytest.fixture
def closed(tmp_path: Path):
    """Run a server with these entries, long-term with a realm."""

    @asynccontextmanager
    async def closed(*entries: str, realm: str | None = None, **more):
        path = tmp_path / "credentials"
        path.write_text("\n".join(entries), "utf-8")
        path.chmod(0o600)
        settings = AuthenticationSettings(credentials_file=path, realm=realm)
        async with serving(authentication=settings, **more) as server:
            yield server

    return closed


def types_of(made: Message) -> list[int]:
    return [number for number, _ in made.attributes]


async def told(vector: str, server: Endpoint) -> Message:
    """Return what a server answers to a vector, over UDP and over TCP."""
    data = bytes.fromhex(vector)
    with udp_socket(server.host) as plain:
        over_udp, _ = await exchange(plain, data, server)
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(data)
    async with asyncio.timeout(PATIENCE):
        over_tcp = await reader.read(2048)
    writer.close()
    answers = Message.decode(over_udp), Message.decode(over_tcp)
    assert types_of(answers[0]) == types_of(answers[1])
    assert answers[0].get(ErrorCode) == answers[1].get(ErrorCode)
    return answers[0]


@each_family
@each_lane
async def test_lets_in_the_short_term_request_of_rfc_5769(lane: str, host: str, closed):
    vector = RFC_5769["request"]
    async with closed(f"password {vector['username']} {vector['password']}", lane=lane) as server:
        made = await told(vector["hex"], endpoint_of_server(server, HOSTS.index(host)))
    # PRIORITY is for an ICE agent; that this is said shows that the request was let in
    assert made.get(ErrorCode).code == Code.UNKNOWN_ATTRIBUTE
    assert made.get(UnknownAttributes) == UnknownAttributes((AttributeType.PRIORITY,))
    assert check_integrity(made, vector["password"].encode()) is True
    assert check_fingerprint(made) is True


@each_lane
async def test_refuses_the_short_term_request_under_another_password(lane: str, closed):
    vector = RFC_5769["request"]
    async with closed(f"password {vector['username']} wrong", lane=lane) as server:
        made = await told(vector["hex"], endpoint_of_server(server))
    assert made.get(ErrorCode).code == Code.UNAUTHORIZED
    assert made.value(AttributeType.MESSAGE_INTEGRITY) is None


@each_lane
@pytest.mark.parametrize(
    "vector",
    [RFC_5769["request_long_term"], RFC_8489_B1["corrected"]],
    ids=["RFC 5769 2.4", "RFC 8489 B.1"],
)
async def test_knows_the_user_of_the_long_term_vectors(vector, lane: str, closed):
    # their nonce is not ours, and is the last thing that is looked at
    for password, code in (("TheMatrIX", Code.STALE_NONCE), ("TheMatrix", Code.UNAUTHORIZED)):
        entry = f"password {RFC_8489_B1['username']} {password}"
        async with closed(entry, realm=REALM, lane=lane) as server:
            made = await told(vector["hex"], endpoint_of_server(server))
        assert made.get(ErrorCode).code == code
        assert made.get(Realm).text == REALM


async def log_in(login: Login | None, server: Endpoint, transport: Transport):
    async with Asker(schedule=QUICK, login=None if login is None else lambda: login) as asker:
        return await asker.ask(server, await asker.open(server, transport), transport)


EXPIRING = "4000000000:ann"
LOGINS = {
    "short-term": (None, lambda: Login("ann", "pw", is_short_term=True)),
    "long-term": (REALM, lambda: Login("ann", "pw")),
    "shared secret": (REALM, lambda: Login(EXPIRING, rest_password("shared", EXPIRING))),
}


@each_lane
@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
@pytest.mark.parametrize("name", LOGINS)
async def test_lets_in_who_has_a_credential(name: str, transport, lane: str, closed):
    realm, login = LOGINS[name]
    async with closed("password ann pw", "secret shared", realm=realm, lane=lane) as server:
        for index in range(len(HOSTS)):
            local = endpoint_of_server(server, index)
            answered = await log_in(login(), local, transport)
            assert mapped_endpoint(answered.response) == answered.local
            # a short-term refusal is not signed, and so is taken as if it had never come
            with pytest.raises(InvalidAnswer if realm is None else Refused):
                await log_in(Login("ann", "no", is_short_term=realm is None), local, transport)
            with pytest.raises(Refused, match="400" if realm is None else "401"):
                await log_in(None, local, transport)


async def test_expired_usernames_stay_outside(closed):
    name = "1700000000:ann"
    async with closed("secret shared", realm=REALM) as server:
        login = Login(name, rest_password("shared", name))
        for transport in (Transport.UDP, Transport.TCP):
            with pytest.raises(Refused, match="401"):
                await log_in(login, endpoint_of_server(server), transport)


async def test_is_asked_once_more_only_when_it_has_to_be(closed):
    login = Login("ann", "pw")
    async with closed("password ann pw", realm=REALM) as server:
        local = endpoint_of_server(server)
        async with Asker(schedule=QUICK, login=lambda: login) as asker:
            source = await asker.open(local)
            for _ in range(3):
                await asker.ask(local, source)
        assert server.counters.received == 4


async def test_each_server_gets_a_login_of_its_own(closed):
    made = []

    def login() -> Login:
        made.append(Login("ann", "pw"))
        return made[-1]

    async with (
        closed("password ann pw", realm=REALM) as server,
        Asker(schedule=QUICK, login=login) as asker,
    ):
        for index in [*range(len(HOSTS)), *range(len(HOSTS))]:
            local = endpoint_of_server(server, index)
            await asker.ask(local, await asker.open(local))
    assert len(made) == len(HOSTS)


async def test_a_server_that_never_has_enough_is_asked_a_bounded_number_of_times():
    asked = []

    def reply(request: Message, _: Endpoint) -> bytes:
        asked.append(request)
        stale = ErrorCode(Code.STALE_NONCE, "again")
        nonce = Nonce(f"nonce {len(asked)}".encode())
        return answer(MessageClass.ERROR_RESPONSE, request, stale, Realm(REALM), nonce)

    async with fake("127.0.0.1", reply) as server:
        with pytest.raises(Refused, match="438"):
            await log_in(Login("ann", "pw"), server, Transport.UDP)
    assert len(asked) == ROUNDS


async def test_an_answer_that_somebody_has_forged_is_as_if_it_had_not_come(closed):
    async with fake("127.0.0.1", lambda request, _: answer(SUCCESS, request)) as server:
        with pytest.raises((InvalidAnswer, NoAnswer)):
            await log_in(Login("ann", "pw", is_short_term=True), server, Transport.UDP)


SUCCESS = MessageClass.SUCCESS_RESPONSE


async def test_a_closed_server_proves_its_other_address_all_the_same(tmp_path: Path):
    from stunkit.server.server import Server
    from stunkit.server.settings.tree import Settings

    path = tmp_path / "credentials"
    path.write_text("password ann pw")
    path.chmod(0o600)
    settings = Settings(
        listen=(Endpoint.of("127.0.0.1", 0),),
        alternate=(Endpoint.of("127.0.0.2", 0),),
        authentication=AuthenticationSettings(credentials_file=path),
    )
    async with Server(settings) as server:
        login = Login("ann", "pw", is_short_term=True)
        answered = await log_in(login, server.endpoints[0][1], Transport.UDP)
    assert answered.response.value(AttributeType.OTHER_ADDRESS) is not None


async def test_old_clients_are_refused_without_a_challenge(closed):
    async with closed("password ann pw", realm=REALM) as server:
        with udp_socket("127.0.0.1") as plain:
            old = blank()[:4] + bytes(4) + blank()[8:]
            data, _ = await exchange(plain, old, endpoint_of_server(server))
    made = Message.decode(data)
    assert made.get(ErrorCode).code == Code.UNAUTHORIZED
    assert made.value(AttributeType.NONCE) is None
