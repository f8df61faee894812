from __future__ import annotations

from stunkit.endpoint import Family
from stunkit.lab import Lab, find_kind

TTL = "/proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream"


def test_side_knows_its_addresses():
    with Lab(find_kind("carrier").varied(ipv6=True), find_kind("ipv6-firewall")) as lab:
        near, far = lab.sides
        assert near.local_address() == "10.0.0.2"
        assert near.public_addresses() == ("203.0.113.1",)
        assert near.public_addresses(Family.IPV6) == ("2001:db8:1::1",)
        assert far.local_address() == "10.0.1.2"
        assert far.public_addresses() == ("203.0.113.33",)
        assert far.public_addresses(Family.IPV6) == (far.local_address(Family.IPV6),)


def test_each_box_has_its_own_lifetime():
    with Lab(find_kind("carrier").varied(lifetime=45)) as lab:
        assert [router.read(TTL) for router in lab.sides[0].routers] == ["45\n", "45\n"]


def test_interfaces_have_the_names_that_the_docstring_draws():
    def names(text: str) -> set[str]:
        return {line.partition(":")[0].strip() for line in text.splitlines()[2:]} - {"lo"}

    with Lab(find_kind("port-restricted"), find_kind("public")) as lab:
        devices = "/proc/thread-self/net/dev"
        assert names(lab.client.read(devices)) == {"eth0"}
        assert names(lab.router.read(devices)) == {"lan", "wan"}
        assert names(lab.outside.read(devices)) == {"side0", "side1"}
