"""The drop-in for pystun3 on real sockets."""

import asyncio
import socket
import subprocess
import sys

import pytest

from stunkit.compat import pystun3 as stun
from tests.integration.behavior import quartet, without_udp
from tests.integration.command import environment
from tests.integration.loopback import (
    endpoint_of_server,
    free_port,
    refusing,
    serving,
    udp_socket,
)

NO_VERDICT = "Meet an error, when do Test1 on Changed IP and Port"


@pytest.fixture
async def server():
    async with quartet() as endpoint:
        yield endpoint


async def ask(*arguments, **options):
    return await asyncio.to_thread(stun.get_ip_info, *arguments, **options)


async def test_sees_that_there_is_no_nat(server):
    found = await ask(source_port=0, stun_host="127.0.0.1", stun_port=server.port)
    assert found[:2] == ("Open Internet", "127.0.0.1")


async def test_says_where_the_wanted_port_is_seen(server):
    port = free_port("127.0.0.1", "127.0.0.3")
    found = await ask("127.0.0.3", port, "127.0.0.1", server.port)
    assert found == ("Open Internet", "127.0.0.3", port)


async def test_raises_os_error_when_the_wanted_port_is_taken(server):
    with pytest.raises(OSError, match="in use"):
        await ask("127.0.0.1", server.port, "127.0.0.1", server.port)


async def test_takes_another_port_when_that_of_pystun3_is_taken(server):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.9", stun.DEFAULTS["source_port"]))
        found = await ask("127.0.0.9", stun_host="127.0.0.1", stun_port=server.port)
    assert found[:2] == ("Open Internet", "127.0.0.9")
    assert found[2] != stun.DEFAULTS["source_port"]


async def test_a_server_with_one_address_is_not_enough_for_a_name():
    async with serving("127.0.0.1") as plain:
        port = endpoint_of_server(plain).port
        assert await ask(source_port=0, stun_host="127.0.0.1", stun_port=port) == (
            NO_VERDICT,
            "127.0.0.1",
            pytest.approx(32768, abs=32767),
        )


async def test_nobody_there_is_not_called_blocked():
    with refusing("127.0.0.1") as closed:
        found = await ask(source_port=0, stun_host="127.0.0.1", stun_port=closed.port)
    assert found == (NO_VERDICT, None, None)


async def test_a_block_is_called_so():
    async with without_udp() as server:
        found = await ask(source_port=0, stun_host="127.0.0.1", stun_port=server.port)
    assert found == ("Blocked", None, None)


async def test_says_where_the_callers_socket_is_seen(server):
    with udp_socket("127.0.0.3") as s:
        s.settimeout(7.5)
        nat_type, found = await asyncio.to_thread(
            stun.get_nat_type, s, "127.0.0.3", 0, "127.0.0.1", server.port
        )
        assert nat_type == stun.OpenInternet
        assert found["Resp"] is True
        assert (found["ExternalIP"], found["ExternalPort"]) == s.getsockname()
        assert (found["SourceIP"], found["SourcePort"]) == ("127.0.0.1", server.port)
        assert s.gettimeout() == 7.5


async def test_says_that_the_callers_socket_had_no_answer():
    with refusing("127.0.0.1") as closed, udp_socket("127.0.0.1") as s:
        nat_type, found = await asyncio.to_thread(
            stun.get_nat_type, s, "127.0.0.1", 0, "127.0.0.1", closed.port
        )
    assert nat_type == NO_VERDICT
    assert found["Resp"] is False
    assert found["ExternalIP"] is None


async def test_a_script_for_pystun3_runs_as_it_is(server):
    script = (
        "import sys; from stunkit.compat import pystun3; sys.modules['stun'] = pystun3\n"
        "import stun\n"
        f"print(*stun.get_ip_info('127.0.0.3', 0, 'localhost', {server.port})[:2], sep=', ')"
    )
    command = [sys.executable, "-W", "error", "-c", script]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, env=environment(), check=False
    )
    assert (done.stdout, done.stderr) == ("Open Internet, 127.0.0.3\n", "")


def test_takes_a_name_as_the_source():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        taken = free.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            stun.get_ip_info("localhost", taken, "127.0.0.1")
