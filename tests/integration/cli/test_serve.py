import asyncio
import os
import resource
import signal
import socket

import pytest

from stunkit.endpoint import Endpoint
from stunkit.net.transport.sockaddr import endpoint_of
from stunkit.net.whoami import whoami
from tests.integration.command import PATIENCE, STUNKIT, environment, serve, stunkit
from tests.integration.loopback import HOSTS, family_of, free_port, udp_socket

FREE = ("127.0.0.1:0", "[::1]:0")


async def test_says_where_it_listens_and_then_that_it_is_ready():
    async with serve(*FREE) as server:
        named = [(transport, endpoint.host) for transport, endpoint in server.endpoints]
        assert named == [
            ("udp", "127.0.0.1"),
            ("tcp", "127.0.0.1"),
            ("udp", "::1"),
            ("tcp", "::1"),
        ]
        assert len(server.lines) == 4
        for transport, endpoint in server.endpoints:
            result = await whoami([f"stun:{endpoint}?transport={transport}"])
            assert result.answers[0].mapped == result.answers[0].local
        ended = await server.stop()
        assert ended.stderr == "stopped: 4 received, 4 answered\n"
        assert ended.stdout == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_ends_well_when_it_is_told_to(number: int):
    async with serve(FREE[0]) as server:
        ended = await server.stop(number)
    assert ended.said == (0, "stopped: 0 received, 0 answered\n")


async def test_lives_on_after_a_hangup():
    async with serve(FREE[0]) as server:
        server.process.send_signal(signal.SIGHUP)
        assert await server.line() == "INFO reloaded: the settings are the same"
        result = await whoami([str(server.endpoints[0][1])])
        assert result.answers[0].error is None
        assert (await server.stop()).status == 0


async def test_ends_well_with_clients_that_stay():
    async with serve(FREE[0]) as server:
        local = server.endpoints[1][1]
        with socket.create_connection((local.host, local.port)) as plain:
            plain.sendall(b"\0\1\0\0")
            assert (await server.stop()).status == 0


async def test_check_prints_the_settings_and_serves_nothing():
    ended = await stunkit("serve", "--listen", "192.0.2.1", "--check")
    assert (ended.status, ended.stderr) == (0, "")
    assert 'listen = ["192.0.2.1:3478"]\n' in ended.stdout


async def test_has_as_many_workers_as_processors_when_it_is_told_to():
    ended = await stunkit("serve", "--workers", "auto", "--check")
    assert f"workers = {len(os.sched_getaffinity(0))}\n" in ended.stdout


@pytest.mark.parametrize("host", HOSTS)
async def test_ends_with_3_when_its_port_is_taken(host: str):
    with udp_socket(host) as taken:
        local = endpoint_of(taken.getsockname())
        ended = await stunkit("serve", "--listen", local)
    assert ended.said == (
        3,
        (
            f"stunkit: cannot listen on udp {local}: another program has port {local.port};"
            " `ss -lunp` names it; choose another port with --listen ADDRESS:PORT\n"
        ),
    )


async def test_ends_with_3_when_its_port_is_taken_for_tcp():
    with socket.socket(family_of("127.0.0.1")) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = await stunkit("serve", "--listen", endpoint_of(taken.getsockname()))
    assert ended.status == 3
    assert ended.stderr.startswith("stunkit: cannot listen on tcp 127.0.0.1:")
    assert ended.stderr.count("\n") == 1


async def test_ends_with_3_when_an_address_is_not_ours():
    ended = await stunkit("serve", "--listen", "203.0.113.1:0")
    assert ended.said == (
        3,
        (
            "stunkit: cannot listen on udp 203.0.113.1:0: this machine has no address 203.0.113.1;"
            " `ip address` lists those that it has\n"
        ),
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--listen", "localhost"], "localhost"),
        (["--listen", "127.0.0.1:65536"], "127.0.0.1:65536"),
        (["--software", "x" * 128], "SOFTWARE"),
        (["--software", "\udcff"], "SOFTWARE"),
        (["--workers", "0"], "'0' is not a number of workers"),
        (["--workers", "-1"], "'-1' is not a number of workers"),
        (["--workers", "many"], "'many' is not a number of workers"),
        (["--workers", "513"], "'513' is not a number of workers"),
        (["--frobnicate"], "--frobnicate"),
    ],
)
async def test_ends_with_2_and_names_what_is_wrong(arguments, named):
    ended = await stunkit("serve", *arguments)
    assert ended.status == 2
    assert named in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


async def test_ends_with_3_and_names_what_is_wrong_in_its_file(tmp_path):
    path = tmp_path / "stunkit.toml"
    path.write_text("[limit]\nrat = 5\n")
    ended = await stunkit("serve", "--config", path)
    assert ended.said == (
        3,
        f"stunkit: {path}, line 2: limit.rat: there is no such key; the nearest is limit.rate\n",
    )
    ended = await stunkit("serve", "--config", tmp_path / "absent", "--check")
    assert ended.said == (
        3,
        f"stunkit: {tmp_path}/absent: cannot be read: no such file or directory\n",
    )


async def test_ends_with_3_and_no_secret_where_credentials_are_broken(tmp_path):
    path = tmp_path / "credentials"
    path.write_text("password ann\nhush hush\n")
    path.chmod(0o600)
    ended = await stunkit("serve", "--authentication-credentials-file", path)
    assert ended.said == (
        3,
        f"stunkit: {path}, line 1: after password belongs a username and something more\n",
    )


async def test_serves_what_its_file_says(tmp_path):
    path = tmp_path / "stunkit.toml"
    path.write_text('listen = ["127.0.0.1:0", "[::1]:0"]\n')
    async with serve(options=["--config", str(path)]) as server:
        assert [endpoint.host for _, endpoint in server.endpoints[::2]] == ["127.0.0.1", "::1"]


async def test_sample_explains_and_serves_nothing():
    ended = await stunkit("serve", "--sample")
    assert (ended.status, ended.stderr) == (0, "")
    assert "#max_connections = 1000\n" in ended.stdout


async def test_outlives_a_flood_of_half_open_connections_with_few_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))
    try:
        async with serve(FREE[0]) as server:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
            local = server.endpoints[1][1]
            flood = [socket.socket() for _ in range(2500)]
            try:
                for plain in flood:
                    plain.setblocking(False)  # noqa: FBT003
                    plain.connect_ex((local.host, local.port))
                result = await whoami([f"stun:{local}?transport=tcp"], timeout=5)
                assert result.answers[0].error is None
                result = await whoami([str(local)], timeout=5)
                assert result.answers[0].error is None
            finally:
                for plain in flood:
                    plain.close()
            ended = await server.stop()
            assert ended.said == (0, "stopped: 2 received, 2 answered\n")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_serves_where_nobody_reads_what_it_says():
    local = Endpoint.of("127.0.0.1", free_port("127.0.0.1"))
    reading, writing = os.pipe()
    os.close(reading)
    process = await asyncio.create_subprocess_exec(
        *STUNKIT, "serve", "--listen", str(local), stderr=writing, env=environment()
    )
    os.close(writing)
    try:
        async with asyncio.timeout(PATIENCE):
            while (await whoami([str(local)])).answers[0].error is not None:
                assert process.returncode is None
        # That may have been the last answer of one that ends; a second one comes from who serves.
        assert (await whoami([str(local)])).answers[0].error is None
    finally:
        if process.returncode is None:
            process.terminate()
        assert await process.wait() == 0
