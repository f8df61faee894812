"""Credentials between strangers: our client at coturn's closed server, aioice at ours."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from aioice import stun

from stunkit.endpoint import Endpoint
from stunkit.errors import Refused
from stunkit.net.whoami import whoami
from stunkit.protocol.login import Login
from stunkit.server.settings.authentication import AuthenticationSettings
from stunkit.wire.uri import Transport
from tests.integration.command import stunkit
from tests.integration.loopback import (
    HOSTS,
    endpoint_of_server,
    exchange,
    free_port,
    serving,
    udp_socket,
)
from tests.integration.peers.program import running

REALM, USERNAME, PASSWORD = "example.org", "ann", "a-secret-word"

each_family = pytest.mark.parametrize("host", HOSTS)


@pytest.fixture(scope="module")
def closed_turnserver(tmp_path_factory) -> int:
    """The port of coturn's server where it wants to know who asks."""
    folder = tmp_path_factory.mktemp("coturn")
    port = free_port(*HOSTS)
    arguments = ["--stun-only", "-n", "--no-tls", "--no-dtls", "--no-cli", "--relay-threads=1"]
    arguments += ["--secure-stun", "--lt-cred-mech", f"--user={USERNAME}:{PASSWORD}"]
    arguments += [f"--realm={REALM}", *(f"--listening-ip={host}" for host in HOSTS)]
    arguments += [f"--listening-port={port}", "--log-file=stdout"]
    arguments += [f"--pidfile={folder / 'pid'}", f"--db={folder / 'db'}"]
    answers = [Endpoint.of(host, port) for host in HOSTS]
    with running(folder / "log", answers, "turnserver", *arguments):
        yield port


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
async def test_coturn_lets_our_client_in(transport: Transport, closed_turnserver: int):
    hosts = ("127.0.0.1", "[::1]")
    servers = [f"stun:{host}:{closed_turnserver}?transport={transport}" for host in hosts]
    for password, is_in in ((PASSWORD, True), ("wrong", False)):
        result = await whoami(servers, login=lambda password=password: Login(USERNAME, password))
        for answer in result.answers:
            assert (answer.mapped == answer.local) is is_in
            assert isinstance(answer.error, Refused) is not is_in


async def test_coturn_lets_our_command_line_in(closed_turnserver: int, tmp_path: Path):
    password = tmp_path / "password"
    password.write_text(f"{PASSWORD}\n")
    server = f"127.0.0.1:{closed_turnserver}"
    login = ("--username", USERNAME, "--password-file", password)
    ended = await stunkit("whoami", "--short", server, *login)
    assert (ended.status, ended.stdout) == (0, "127.0.0.1\n")
    ended = await stunkit("whoami", "--short", server)
    assert (ended.status, ended.stdout) == (5, "")


@pytest.fixture
async def closed(tmp_path: Path):
    """Return a function that runs a closed server of ours."""
    path = tmp_path / "credentials"
    path.write_text(f"password {USERNAME} {PASSWORD}\n")
    path.chmod(0o600)

    def closed(realm: str | None):
        settings = AuthenticationSettings(credentials_file=path, realm=realm)
        return serving(authentication=settings)

    return closed


def request_of_aioice(**attributes: object) -> stun.Message:
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    request.attributes.update(attributes)
    return request


@each_family
async def test_aioice_is_let_in_with_a_short_term_credential(host: str, closed):
    request = request_of_aioice(USERNAME=USERNAME)
    request.add_message_integrity(PASSWORD.encode())
    async with closed(None) as server:
        with udp_socket(host) as plain:
            local = endpoint_of_server(server, HOSTS.index(host))
            data, _ = await exchange(plain, bytes(request), local)
            name = plain.getsockname()[:2]
    response = stun.parse_message(data)
    assert response.message_class is stun.Class.RESPONSE
    assert response.attributes["XOR-MAPPED-ADDRESS"] == name
    assert response.check_message_integrity(PASSWORD.encode())
    assert not response.check_message_integrity(b"wrong")


@each_family
async def test_aioice_is_let_in_with_a_long_term_credential(host: str, closed):
    async with closed(REALM) as server:
        local = endpoint_of_server(server, HOSTS.index(host))
        with udp_socket(host) as plain:
            data, _ = await exchange(plain, bytes(request_of_aioice()), local)
            challenge = stun.parse_message(data)
            assert challenge.attributes["ERROR-CODE"][0] == 401
            realm, nonce = (challenge.attributes[name] for name in ("REALM", "NONCE"))
            request = request_of_aioice(USERNAME=USERNAME, REALM=realm, NONCE=nonce)
            key = hashlib.md5(f"{USERNAME}:{realm}:{PASSWORD}".encode()).digest()
            request.add_message_integrity(key)
            data, _ = await exchange(plain, bytes(request), local)
            name = plain.getsockname()[:2]
    response = stun.parse_message(data)
    assert response.check_message_integrity(key)
    assert response.message_class is stun.Class.RESPONSE
    assert response.attributes["XOR-MAPPED-ADDRESS"] == name
