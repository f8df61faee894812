"""A real miniupnpd on a box of the lab, and addresses that it takes for public ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from stunkit.behavior import Behavior
from stunkit.endpoint import Family
from stunkit.lab import Lab, Namespace, Service, side
from stunkit.lab.command import configure_filter
from stunkit.lab.plan import Link, plan_side

OPEN = "add rule ip box own iifname lan accept\n"  # the box itself may be asked from inside
CHAINS = """
table inet filter {
    chain miniupnpd {
    }
    chain prerouting_miniupnpd {
    }
    chain postrouting_miniupnpd {
    }
}
"""
SETTINGS = """
ext_ifname=wan
listening_ip=lan
http_port=5000
enable_natpmp=yes
enable_upnp=yes
secure_mode=yes
uuid=7c36aa4c-1a9c-4b3e-8a2b-000000000001
"""


def start_miniupnpd(box: Namespace, folder: Path) -> Service:
    """Start it on a box; it is ready when it answers everything."""
    box.call(configure_filter, "let the box be asked", OPEN + CHAINS)
    settings = folder / "miniupnpd.conf"
    settings.write_text(f"{SETTINGS}lease_file={folder}/leases\n")
    command = ["miniupnpd", "-d", "-f", str(settings), "-P", str(folder / "pid")]
    return Service(box, command, ready="Listening for NAT-PMP/PCP traffic")


def renumber(monkeypatch: pytest.MonkeyPatch, networks: dict[str, str]) -> None:
    """Give links of the labs to come other networks.

    The lab's own public addresses are those of documentation, which miniupnpd refuses to name, as
    it does all that nobody routes to. In namespaces any address will do.
    """

    def plan(index: int, layers: Sequence[Behavior], family: Family) -> tuple[Link, ...]:
        return tuple(_moved(link, networks) for link in plan_side(index, layers, family))

    monkeypatch.setattr(side, "plan_side", plan)


def _moved(link: Link, networks: dict[str, str]) -> Link:
    network = ip_network(networks.get(str(link.network), link.network))
    shift = int(network.network_address) - int(link.network.network_address)
    inner = tuple(str(ip_address(int(ip_address(one)) + shift)) for one in link.inner)
    outer = str(ip_address(int(ip_address(link.outer)) + shift))
    return replace(link, network=network, inner=inner, outer=outer)


def rules(box: Namespace) -> str:
    """Return all rules of a box, without what changes by itself."""
    return box.run(["nft", "--stateless", "list", "ruleset"]).stdout


def home(lab: Lab) -> Namespace:
    return lab.sides[0].routers[0]
