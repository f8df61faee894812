"""Calls: two real ICE agents try to reach each other through two real NATs, and how that ends.

In each side of a lab runs an agent (``agent.py``: aioice). Outside are our STUN server and, for
those that may use it, a real coturn as relay. This process carries what the two tell each other.
All the ways of one call are tried side by side in one lab, each on sockets of its own, for most of
the time is waiting.

What aioice cannot do and a browser can: one STUN server, asked over IPv4 alone, so an IPv6 address
behind a NAT has no candidate; one relay, with IPv4 alone. And of several nominated pairs it takes
the last, not the best: where a direct pair works and relays are there too, either may be selected.

Rules of this file: an attempt ends as the agents say. Where the two do not agree it has failed.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from stunkit.lab import Kind, Lab, Namespace, Service, start_server
from stunkit.lab.command import configure_links
from tests.integration.certificates import Authority

AGENT = Path(__file__).with_name("agent.py")
STUN_PORT = 3478
RELAY_PORT = 3480  # our server has 3478, and 3479 at its other address
SECURE_RELAY_PORT = 5349  # RFC 8656 section 18
USERNAME, PASSWORD = "caller", "a-password-for-the-lab"
RTO = 0.5  # seconds; aioice's, and the least of RFC 8445 section 14.3
SENDS = 5  # of a request that nobody answers: it has failed after 15.5 s
AIOICES_SENDS = 7  # its own number: 63.5 s
PATIENCE = 30.0  # seconds for what ought to come soon
LEAD = 0.7  # seconds from one's beginning to the other's: two checks of each pair have been sent


class Order(StrEnum):
    """Who begins to check. The caller is the first side, and has the controlling role."""

    TOGETHER = "together"
    CALLER = "caller first"
    CALLEE = "callee first"


LATE_ONES = {Order.CALLER: 1, Order.CALLEE: 0}  # the side that begins later


class Transport(StrEnum):
    """How an end reaches the relay."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Way(NamedTuple):
    """One way of trying: how each end reaches the relay, if it may, and who begins."""

    relays: tuple[Transport | None, Transport | None]
    order: Order


class Outcome(StrEnum):
    DIRECT = "direct"
    RELAY = "relay"
    FAILED = "failed"


class Selected(NamedTuple):
    """A candidate of the selected pair, as the agent has it."""

    type: str
    host: str
    port: int


class End(NamedTuple):
    """What one agent said of an attempt; ``connected`` is None when it said nothing.

    That is no word of failure, but comes to the same: where every check comes from another port,
    there is always one more to try, and aioice never gives up. It had half a minute more than all
    checks of what it was told at first take.
    """

    connected: bool | None = None
    heard: bool = False
    local: Selected | None = None
    remote: Selected | None = None


class Attempt(NamedTuple):
    """A way that was tried, and what both agents said, the caller's first."""

    way: Way
    ends: tuple[End, End]

    @property
    def outcome(self) -> Outcome:
        if not all(end.connected and end.heard for end in self.ends):
            return Outcome.FAILED
        selected = [candidate for end in self.ends for candidate in (end.local, end.remote)]
        is_relayed = any(one is not None and one.type == "relay" for one in selected)
        return Outcome.RELAY if is_relayed else Outcome.DIRECT


class Call(NamedTuple):
    """All attempts of two networks to reach each other."""

    attempts: tuple[Attempt, ...]

    def outcomes(self, *, relays: bool) -> list[Outcome]:
        """How the attempts with or without a relay ended."""
        return [one.outcome for one in self.attempts if any(one.way.relays) is relays]


def usual_transport(kind: Kind) -> Transport:
    """How an end in such a network reaches a relay: without UDP, TLS is what is left to it."""
    return Transport.TLS if kind.behavior().blocks_udp else Transport.UDP


def usual_ways(kind: Kind, other: Kind) -> list[Way]:
    """Each order, without relays and with one for each end."""
    relays = [(None, None), (usual_transport(kind), usual_transport(other))]
    return [Way(both, order) for both in relays for order in Order]


def call(kind: Kind, other: Kind, ways: Sequence[Way] | None = None, *, sends: int = SENDS) -> Call:
    """Let an agent in each of two networks try to reach the other, in each of these ways."""
    ways = usual_ways(kind, other) if ways is None else ways
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(kind, other))
        folder = Path(stack.enter_context(TemporaryDirectory()))
        authority = Authority(folder)
        lead_nowhere(lab)
        stack.enter_context(start_server(lab))
        stack.enter_context(start_relay(lab, authority, folder))
        programs = []
        for side in lab.sides:
            programs.append(Program(side.client, authority.file, len(ways), sends))
            stack.callback(programs[-1].stop)
        described = gather(programs, ways, lab.server_addresses()[0])
        for way, both in zip(ways, described, strict=True):
            for one, transport, words in zip((kind, other), way.relays, both, strict=True):
                assert types_of(words["candidates"]) == types_to_have(one, transport)
        connect(programs, ways, described)
        end = time.monotonic() + RTO * (2**sends - 1) + PATIENCE
        results = [
            [result(program, number, end) for program in programs] for number in range(len(ways))
        ]
        return Call(
            tuple(Attempt(way, (one, two)) for way, (one, two) in zip(ways, results, strict=True))
        )


def lead_nowhere(lab: Lab) -> None:
    """Let the outside lose what it sends to addresses of nobody, as the world does.

    A relay sends to private addresses too, since candidates have them. Without any route that is
    an error, and coturn (4.6.1) ends an allocation whose relayed socket has one.
    """
    lines = [
        "link add nowhere type veth peer name beyond",
        "link set nowhere arp off",
        "link set nowhere up",
        "link set beyond up",
        "route add default dev nowhere",
    ]
    lab.outside.call(configure_links, "lead nowhere", lines)


def start_relay(
    lab: Lab, authority: Authority, folder: Path, *, secret: str | None = None
) -> Service:
    """Start coturn in the outside, at the first address, with relayed endpoints at that too.

    It knows the one user, or with a ``secret`` whoever has credentials that were made from it.
    """
    address = lab.server_addresses()[0]
    pair = authority.issue(address)
    command = ["turnserver", "-n", "--no-cli", "--no-dtls", "--relay-threads=1"]
    command += [f"--listening-ip={address}", f"--relay-ip={address}"]
    command += [f"--listening-port={RELAY_PORT}", f"--tls-listening-port={SECURE_RELAY_PORT}"]
    command += [f"--cert={pair.certificate}", f"--pkey={pair.key}"]
    command += ["--realm=lab"]
    if secret is None:
        command += ["--lt-cred-mech", f"--user={USERNAME}:{PASSWORD}"]
    else:
        command += ["--use-auth-secret", f"--static-auth-secret={secret}"]
    command += ["--log-file=stdout", f"--pidfile={folder / 'pid'}", f"--db={folder / 'db'}"]
    return Service(lab.outside, command, ready="SQLite DB connection success")


class Program:
    """A running agent: lines to it, and those from it by the number of what they are about."""

    def __init__(self, namespace: Namespace, authority: Path, count: int, sends: int) -> None:
        self.process = namespace.popen(
            [sys.executable, str(AGENT), str(sends)],
            stdin=PIPE,
            stdout=PIPE,
            env={"SSL_CERT_FILE": str(authority)},
        )
        self._said = [queue.SimpleQueue[dict[str, Any]]() for _ in range(count)]
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            words = json.loads(line)
            self._said[words.pop("number")].put(words)

    def tell(self, number: int, do: str, **words: Any) -> None:
        assert self.process.stdin is not None
        line = json.dumps({"number": number, "do": do, **words})
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self, number: int, end: float) -> dict[str, Any]:
        """Raises queue.Empty when nothing has come until ``end``."""
        return self._said[number].get(timeout=max(0.0, end - time.monotonic()))

    def stop(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)
        self.process.stdout.close()


def gather(
    programs: Sequence[Program], ways: Sequence[Way], server: str
) -> list[list[dict[str, Any]]]:
    """Return what both agents have to tell each other, by way."""
    end = time.monotonic() + PATIENCE
    for number, way in enumerate(ways):
        for index, (program, transport) in enumerate(zip(programs, way.relays, strict=True)):
            program.tell(
                number,
                "gather",
                controls=index == 0,
                stun=(server, STUN_PORT),
                relay=None if transport is None else words_of_relay(server, transport),
            )
    return [[program.hear(number, end) for program in programs] for number in range(len(ways))]


def words_of_relay(server: str, transport: Transport) -> dict[str, Any]:
    """What an agent is told of the relay."""
    return {
        "server": (server, SECURE_RELAY_PORT if transport is Transport.TLS else RELAY_PORT),
        "transport": transport,
        "username": USERNAME,
        "password": PASSWORD,
    }


def types_of(candidates: Iterable[str]) -> set[str]:
    """The types of candidates in SDP (RFC 8839 section 5.1)."""
    return {candidate.split()[7] for candidate in candidates}


def types_to_have(kind: Kind, transport: Transport | None) -> set[str]:
    """What has to be gathered, else it is not the networks that an outcome tells of."""
    is_blocked = kind.behavior().blocks_udp
    types = {"host"} if is_blocked else {"host", "srflx"}
    has_relay = transport is not None and not (is_blocked and transport is Transport.UDP)
    return types | {"relay"} if has_relay else types


def connect(
    programs: Sequence[Program], ways: Iterable[Way], described: list[list[dict[str, Any]]]
) -> None:
    """Tell both agents of their peers, the late ones later."""
    late = []
    for number, way in enumerate(ways):
        for index, program in enumerate(programs):
            if LATE_ONES.get(way.order) == index:
                late.append((program, number, index))
            else:
                program.tell(number, "connect", **described[number][1 - index])
    time.sleep(LEAD)
    for program, number, index in late:
        program.tell(number, "connect", **described[number][1 - index])


def result(program: Program, number: int, end: float) -> End:
    """Return what an agent says of an attempt.

    A controlled one says nothing where its checks succeed and its peer's do not: it waits.
    """
    try:
        words = program.hear(number, end)
    except queue.Empty:
        return End()
    for name in ("local", "remote"):
        words[name] = None if words[name] is None else Selected(**words[name])
    return End(**words)
