"""Other people's tools name the lab's networks as we do, each as far as it can."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from stunkit.behavior import Filtering, Mapping
from stunkit.lab import KINDS, Lab, Service, find_kind, start_server

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


def start_stund(lab: Lab) -> Service:
    first, second = lab.server_addresses()
    command = ["stund", "-h", first, "-a", second, "-v"]
    return Service(lab.outside, command, ready="Opened port 3479 with fd 6")


def start_turnserver(lab: Lab) -> Service:
    first, second = lab.server_addresses()
    command = ["turnserver", "--stun-only", "-n", "--no-cli", "-L", first, "-L", second]
    command += ["--log-file", "stdout", "--pidfile", "/dev/null"]
    return Service(lab.outside, command, ready="Total General servers")


@pytest.mark.parametrize("start", [start_stund, start_server])
@pytest.mark.parametrize("name", KINDS)
def test_vovidas_stun_names_the_kind(name: str, start: Callable[[Lab], Service]):
    hairpin = find_kind(name).ipv4[0].nat and name not in {"unsolicited", "carrier", "udp-blocked"}
    kind = find_kind(name).varied(hairpin=hairpin)
    with Lab(kind) as lab, start(lab):
        done = lab.client.run(["stun", lab.server_addresses()[0]], timeout=40)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("Primary: "))
    words = line.removeprefix("Primary: ").strip()
    assert words.startswith(vovida_verdict(name))
    if kind.behavior().nat and not kind.behavior().blocks_udp:
        assert words.endswith("will hairpin" if hairpin else "no hairpin")


# It asks the OTHER-ADDRESS of its second answer for the third. By RFC 5780 section 6.1 that leads
# back to the first address, and then address-dependent mapping cannot be told.
COTURN_PAIRS = [(start_turnserver, name) for name in COTURN_KINDS]
COTURN_PAIRS += [(start_server, name) for name in COTURN_KINDS if name != "address-dependent"]


@pytest.mark.parametrize(("start", "name"), COTURN_PAIRS)
def test_coturns_discovery_names_the_kind(start: Callable[[Lab], Service], name: str):
    behavior = find_kind(name).behavior()
    # the strictest filtering takes it six seconds each time: once is enough
    tests = ["-m"] if name in {"address-dependent", "symmetric"} else ["-m", "-f"]
    with Lab(find_kind(name)) as lab, start(lab):
        words = [*tests, "-L", lab.sides[0].local_address(), lab.server_addresses()[0]]
        done = lab.client.run(["turnutils_natdiscovery", *words], timeout=40)
    verdicts = [line for line in done.stdout.splitlines() if line.startswith("NAT with ")]
    assert (
        verdicts
        == [
            f"NAT with {COTURN_WORDS[behavior.mapping]} Mapping!",
            f"NAT with {COTURN_WORDS[behavior.filtering]} Filtering!",
        ][: len(tests)]
    )
