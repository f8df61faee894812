"""What the kernel knows of a box's connections: the ground truth of its translations."""

from __future__ import annotations

import re
from dataclasses import dataclass

from stunkit.endpoint import Endpoint
from stunkit.lab import Namespace

TABLE = "/proc/thread-self/net/nf_conntrack"
FIELDS = re.compile(r"\b(src|dst|sport|dport)=(\S+)")


@dataclass(frozen=True)
class Connection:
    """A tracked UDP connection: who began it, towards whom, and as what that one sees it."""

    local: Endpoint
    remote: Endpoint
    mapped: Endpoint


def connections(box: Namespace) -> list[Connection]:
    return [parse(line) for line in box.read(TABLE).splitlines() if " udp " in line]


def parse(line: str) -> Connection:
    values = FIELDS.findall(line)
    assert [name for name, _ in values] == ["src", "dst", "sport", "dport"] * 2
    addresses, ports = (
        [value for name, value in values if ("port" in name) == kind] for kind in (0, 1)
    )
    ends = [Endpoint.of(address, int(port)) for address, port in zip(addresses, ports, strict=True)]
    return Connection(local=ends[0], remote=ends[1], mapped=ends[3])
