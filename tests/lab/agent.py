"""An ICE agent of somebody else's making, aioice, to be run as a program inside the lab.

    python agent.py SENDS

It holds several connections at once, each with a number. Its standard input and output are lines
of JSON, which whoever started it carries between two of these:

    {"number", "do": "gather", "controls", "stun", "relay"}  is answered with
    {"number", "username", "password", "candidates"}         which goes to the peer as
    {"number", "do": "connect", and those three}             which is answered with
    {"number", "connected", "heard", "local", "remote"}

``stun`` is [host, port]; ``relay`` is null or {"server", "transport", "username", "password"}.
``heard`` says whether the peer's datagram came over the connection; ``local`` and ``remote`` are
the candidates of the selected pair. The program ends with its input.

Rules of this file: it is aioice that says whether a connection failed: all its checks have, and no
time limit of ours is in between. Only SENDS is ours, how often a request is sent: aioice's own 7
times take 63.5 seconds. What is not in aioice's documentation stands here and nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

from aioice import Candidate, Connection, stun

PATIENCE = 5.0  # seconds for the peer's datagram, which is sent once the peer is connected too


class Agent:
    """The connections, by number."""

    def __init__(self) -> None:
        self.connections: dict[int, Connection] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Do what the lines say until there are no more."""
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            words = json.loads(line)
            doing = {"gather": self.gather, "connect": self.connect}[words.pop("do")]
            task = asyncio.create_task(doing(**words))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        await asyncio.gather(*(one.close() for one in self.connections.values()))

    async def gather(
        self, number: int, *, controls: bool, stun: list[Any], relay: dict[str, Any] | None
    ) -> None:
        words = {} if relay is None else words_of(relay)
        connection = Connection(ice_controlling=controls, stun_server=tuple(stun), **words)
        self.connections[number] = connection
        await connection.gather_candidates()
        say(
            number=number,
            username=connection.local_username,
            password=connection.local_password,
            candidates=[one.to_sdp() for one in connection.local_candidates],
        )

    async def connect(
        self, number: int, *, username: str, password: str, candidates: list[str]
    ) -> None:
        connection = self.connections[number]
        connection.remote_username = username
        connection.remote_password = password
        for candidate in candidates:
            await connection.add_remote_candidate(Candidate.from_sdp(candidate))
        await connection.add_remote_candidate(None)
        try:
            await connection.connect()
        except ConnectionError:
            say(number=number, connected=False, heard=False, local=None, remote=None)
            return
        pair = connection._nominated[1]
        heard = None
        await connection.send(connection.local_username.encode())
        with contextlib.suppress(TimeoutError):
            heard = await asyncio.wait_for(connection.recv(), PATIENCE)
        say(
            number=number,
            connected=True,
            heard=heard == username.encode(),
            local=told(pair.local_candidate),
            remote=told(pair.remote_candidate),
        )


def words_of(relay: dict[str, Any]) -> dict[str, Any]:
    """What aioice calls a relay's properties."""
    is_secure = relay["transport"] == "tls"
    return {
        "turn_server": tuple(relay["server"]),
        "turn_username": relay["username"],
        "turn_password": relay["password"],
        "turn_transport": "tcp" if is_secure else relay["transport"],
        "turn_ssl": is_secure,
    }


def told(candidate: Candidate) -> dict[str, Any]:
    return {"type": candidate.type, "host": candidate.host, "port": candidate.port}


def say(**words: Any) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    stun.RETRY_MAX = int(sys.argv[1]) - 1
    asyncio.run(Agent().run())
