"""Two machines with a wire between them: a client's and a server's, in namespaces of their own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from stunkit.endpoint import Family
from stunkit.lab import Namespace
from stunkit.lab.command import configure_links
from stunkit.lab.service import Service
from stunkit.lab.side import addresses, prepare

STUNKIT = (sys.executable, "-m", "stunkit")
CLIENT = {Family.IPV4: "203.0.113.7", Family.IPV6: "2001:db8:7::7"}
CLIENT_GATEWAY = "203.0.113.1"
PUBLIC = {  # the server's two addresses, as clients know them
    Family.IPV4: ("198.51.100.5", "198.51.100.6"),
    Family.IPV6: ("2001:db8:5::5", "2001:db8:5::6"),
}
EVERYWHERE = {Family.IPV4: "0.0.0.0/0", Family.IPV6: "::/0"}
PREFIX = {Family.IPV4: 24, Family.IPV6: 64}


@contextmanager
def running(server: Namespace, *options: str) -> Iterator[Service]:
    """A server of ours, until the end of the block."""
    with Service(server, [*STUNKIT, "serve", *options], ready="ready") as service:
        yield service


@contextmanager
def wired() -> Iterator[tuple[Namespace, Namespace]]:
    """A client and a server's machine, which has both addresses of both families."""
    with Namespace("client") as client, Namespace("server") as server:
        for node in (client, server):
            prepare(node, Family)
        lines = [
            "link set lo up",
            f"link add eth0 type veth peer name eth0 netns {server.path}",
            "link set eth0 up",
        ]
        there = ["link set lo up", "link set eth0 up"]
        for family in Family:
            lines += addresses([CLIENT[family]], PREFIX[family], "eth0")
            there += addresses(PUBLIC[family], PREFIX[family], "eth0")
            for script in (lines, there):
                script.append(f"route add {EVERYWHERE[family]} dev eth0")
        client.call(configure_links, "set up the client", lines)
        server.call(configure_links, "set up the server", there)
        yield client, server
