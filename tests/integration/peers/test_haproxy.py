"""HAProxy in front of our server: the PROXY protocol as its inventor speaks it, and WebSockets."""

import asyncio
import csv
import re
import socket
import time
from contextlib import contextmanager
from importlib.resources import files
from ipaddress import ip_network
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.query import Asker
from stunkit.net.transport.sockaddr import sockaddr_of
from stunkit.protocol.client import mapped_endpoint
from stunkit.server.server import Server
from stunkit.server.settings.tls import ProxySettings, TlsSettings
from stunkit.server.settings.tree import Settings
from stunkit.wire.uri import Transport
from tests.integration.certificates import Authority
from tests.integration.loopback import HOSTS, family_of, free_port
from tests.integration.peers.program import ATTEMPT, PATIENCE, running
from tests.integration.server.web.calling import (
    calling,
    make_room,
    meet,
    negotiate,
    place_of,
    serving,
)

CLIENT = Endpoint.parse("127.0.0.7:0")  # HAProxy asks from 127.0.0.1
STATISTICS = "global\n    stats socket {folder}/statistics\n"
CHECK = "check inter 100ms fall 1000"  # however late the answers come, it goes on asking us
DEFAULTS = """\
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
"""


@pytest.fixture
def authority(tmp_path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
async def server(authority: Authority):
    """Our server, which believes whoever is on loopback."""
    pair = authority.issue()
    settings = Settings(
        listen=(Endpoint.parse("127.0.0.1:0"),),
        tls=TlsSettings(
            certificate=pair.certificate,
            key=pair.key,
            listen=(Endpoint.parse("127.0.0.1:0"),),
            shared=True,
        ),
        proxy=ProxySettings(trusted=(ip_network("127.0.0.1/32"), ip_network("::1/128"))),
    )
    async with Server(settings) as server:
        yield server


def place(server: Server, transport: Transport, index: int = 0) -> Endpoint:
    found = [local for one, local in server.endpoints if one is transport]
    return found[index]


@contextmanager
def haproxy(folder, to: Endpoint, option: str, bind: str = "", host: str = "127.0.0.1"):
    """Yield where a HAProxy listens that passes connections on to our server."""
    port = free_port(*HOSTS)
    listening = Endpoint.of(host, port)
    configuration = folder / "haproxy.cfg"
    configuration.write_text(
        f"{STATISTICS.format(folder=folder)}{DEFAULTS}"
        f"listen stun\n    bind {listening} {bind}\n    server ours {to} {option}\n"
    )
    with running(folder / "log", [], "haproxy", "-db", "-f", configuration):
        wait_for(listening)
        yield listening


def wait_for(listening: Endpoint) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        with socket.socket(family_of(listening.host)) as plain:
            if plain.connect_ex(sockaddr_of(listening)) == 0:
                return
        assert time.monotonic() < end
        time.sleep(ATTEMPT)  # it is not there yet, and nobody tells when it is


async def until_found_well(folder: Path) -> None:
    """Wait until a check of HAProxy's has succeeded."""
    async with asyncio.timeout(PATIENCE):
        while True:
            reader, writer = await asyncio.open_unix_connection(folder / "statistics")
            writer.write(b"show stat\n")
            rows = csv.DictReader((await reader.read()).decode().splitlines())
            writer.close()
            (found,) = {row["check_status"] for row in rows if row["check_status"]}
            if found.endswith("OK"):
                return
            await asyncio.sleep(ATTEMPT)


async def ask(
    front: Endpoint, transport: Transport, authority: Authority, bind: Endpoint | None = CLIENT
) -> None:
    """Ask through HAProxy: we have to be seen as it sees us."""
    async with Asker(bind=bind, ca_file=authority.file) as asker:
        local = await asker.open(front, transport)
        for _ in range(2):
            answered = await asker.ask(front, local, transport)
            assert mapped_endpoint(answered.response) == local


each_version = pytest.mark.parametrize("version", ["send-proxy", "send-proxy-v2"])


@each_version
async def test_tells_us_whom_it_speaks_for(version, server, authority, tmp_path):
    with haproxy(tmp_path, place(server, Transport.TCP), version) as front:
        await ask(front, Transport.TCP, authority)


@each_version
async def test_tells_us_so_before_tls(version, server, authority, tmp_path):
    with haproxy(tmp_path, place(server, Transport.TLS, 1), version) as front:
        await ask(front, Transport.TLS, authority)


@each_version
async def test_tells_us_so_before_tls_on_a_shared_port(version, server, authority, tmp_path):
    with haproxy(tmp_path, place(server, Transport.TCP), version) as front:
        await ask(front, Transport.TLS, authority)
        await ask(front, Transport.TCP, authority)


@each_version
async def test_tells_us_of_clients_over_ipv6(version, server, authority, tmp_path):
    with haproxy(tmp_path, place(server, Transport.TCP), version, host="::1") as front:
        await ask(front, Transport.TCP, authority, None)


async def test_tells_us_whom_it_ended_tls_for(server, authority, tmp_path):
    pair = authority.issue()
    both = tmp_path / "haproxy.pem"
    both.write_bytes(pair.certificate.read_bytes() + pair.key.read_bytes())
    tlvs = "send-proxy-v2-ssl-cn proxy-v2-options crc32c"
    with haproxy(tmp_path, place(server, Transport.TCP), tlvs, f"ssl crt {both}") as front:
        await ask(front, Transport.TLS, authority)


@each_version
async def test_may_look_whether_we_are_well(version, server, authority, tmp_path):
    checked = f"{version} {CHECK}"
    with haproxy(tmp_path, place(server, Transport.TCP), checked) as front:
        await until_found_well(tmp_path)
        await ask(front, Transport.TCP, authority)


async def test_carries_signalling_as_the_manual_sets_it_up(tmp_path):
    page = (files("stunkit") / "manual/deploy.md").read_text()
    (text,) = re.findall(r"^```\n(frontend web\n.*?)^```", page, re.DOTALL | re.MULTILINE)
    front = Endpoint.of("127.0.0.1", free_port("127.0.0.1"))
    async with serving() as ours:
        text = text.replace(":443 ssl crt /etc/haproxy/stun.example.org.pem", str(front))
        text = text.replace("127.0.0.1:8080 check", f"{place_of(ours)} {CHECK}")
        configuration = tmp_path / "haproxy.cfg"
        configuration.write_text(STATISTICS.format(folder=tmp_path) + text)
        with running(tmp_path / "log", [], "haproxy", "-db", "-f", configuration):
            await asyncio.to_thread(wait_for, front)
            await until_found_well(tmp_path)
            room = await make_room(str(front), headers={"Origin": f"http://{front}"})
            async with calling(str(front), str(front)) as (one, other):
                await meet(one, other, room)
                await negotiate(one, other)
