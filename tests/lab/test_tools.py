"""Other people's tools name the lab's networks as we do, each as far as it can."""

from __future__ import annotations

import pytest

from stunkit.behavior import Filtering, Mapping
from stunkit.lab import KINDS, Lab, Service, find_kind

# vovida's client knows one dependent mapping and does not look at the filtering behind it.
# It calls no NAT what has the client's own address.
VOVIDA_FILTERS = {
    Filtering.ENDPOINT_INDEPENDENT: "Independent Filter",
    Filtering.ADDRESS_DEPENDENT: "Address Dependent Filter",
    Filtering.ADDRESS_AND_PORT_DEPENDENT: "Port Dependent Filter",
}
COTURN_KINDS = ["full-cone", "restricted", "port-restricted", "address-dependent", "symmetric"]
COTURN_KINDS += ["symmetric-unfiltered"]
COTURN_WORDS = {
    "endpoint-independent": "Endpoint Independent",
    "address-dependent": "Address Dependent",
    "address-and-port-dependent": "Address and Port Dependent",
}


def vovida_verdict(name: str) -> str:
    behavior = find_kind(name).behavior()
    if behavior.blocks_udp:
        return "Blocked or could not reach STUN server"
    if not behavior.nat:
        unfiltered = behavior.filtering is Filtering.ENDPOINT_INDEPENDENT
        return "Open" if unfiltered else "Firewall"
    ports = "preserves ports" if behavior.port_assignment == "preserving" else "random port"
    if behavior.mapping is Mapping.ENDPOINT_INDEPENDENT:
        return f"Independent Mapping, {VOVIDA_FILTERS[behavior.filtering]}, {ports}"
    return f"Dependent Mapping, {ports}"


@pytest.mark.parametrize("name", KINDS)
def test_vovidas_stun_names_the_kind(name: str):
    hairpin = find_kind(name).ipv4[0].nat and name not in {"unsolicited", "carrier", "udp-blocked"}
    kind = find_kind(name).varied(hairpin=hairpin)
    with Lab(kind) as lab:
        first, second = lab.server_addresses()
        server = ["stund", "-h", first, "-a", second, "-v"]
        with Service(lab.outside, server, ready="Opened port 3479 with fd 6"):
            done = lab.client.run(["stun", first], timeout=40)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("Primary: "))
    words = line.removeprefix("Primary: ").strip()
    assert words.startswith(vovida_verdict(name))
    if kind.behavior().nat and not kind.behavior().blocks_udp:
        assert words.endswith("will hairpin" if hairpin else "no hairpin")


@pytest.mark.parametrize("name", COTURN_KINDS)
def test_coturns_discovery_names_the_kind(name: str):
    behavior = find_kind(name).behavior()
    with Lab(find_kind(name)) as lab:
        first, second = lab.server_addresses()
        server = ["turnserver", "--stun-only", "-n", "--no-cli", "-L", first, "-L", second]
        server += ["--log-file", "stdout", "--pidfile", "/dev/null"]
        # the strictest filtering takes it six seconds each time: once is enough
        tests = ["-m"] if name in {"address-dependent", "symmetric"} else ["-m", "-f"]
        local = ["-L", lab.sides[0].local_address()]
        with Service(lab.outside, server, ready="Total General servers"):
            done = lab.client.run(["turnutils_natdiscovery", *tests, *local, first], timeout=40)
    verdicts = [line for line in done.stdout.splitlines() if line.startswith("NAT with ")]
    assert (
        verdicts
        == [
            f"NAT with {COTURN_WORDS[behavior.mapping]} Mapping!",
            f"NAT with {COTURN_WORDS[behavior.filtering]} Filtering!",
        ][: len(tests)]
    )
