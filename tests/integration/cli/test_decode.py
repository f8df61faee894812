import json
import re
import socket

from stunkit.endpoint import Endpoint
from stunkit.net.transport.sockaddr import sockaddr_of
from stunkit.wire.message import Message
from tests.integration.command import outcome, start, stunkit

RAW = Message.request(1, bytes(range(12))).raw


async def test_decodes_what_comes_over_udp_and_ends_after_so_many():
    process = await start("decode", "--listen", "127.0.0.1:0", "--count", "2", "--json-lines")
    assert process.stderr is not None
    line = (await process.stderr.readline()).decode()
    local = re.fullmatch(r"listening on udp (\S+)\n", line)
    assert local is not None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for data in (RAW, RAW[:10]):
            asker.sendto(data, sockaddr_of(Endpoint.parse(local[1])))
    done = await outcome(process)
    whole, broken = map(json.loads, done.stdout.splitlines())
    assert (done.status, done.stderr) == (5, "")
    assert (whole["method"], whole["accepted"]) == ("Binding", True)
    assert broken["error"]["reason"] == "10 bytes, fewer than a header's 20"


async def test_says_in_one_sentence_what_is_no_bytes():
    status, said = (await stunkit("decode", "no-such-thing")).said
    assert status == 2
    assert said.startswith("stunkit: 'no-such-thing' is not a file that exists, nor bytes in")
    assert said.count("\n") == 1


async def test_says_that_a_port_is_taken():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        local = f"127.0.0.1:{taken.getsockname()[1]}"
        status, said = (await stunkit("decode", "--listen", local)).said
    assert status == 3
    assert said.startswith(f"stunkit: cannot listen on {local}: ")
