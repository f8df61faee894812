"""pystun3's interface over a discovery that is not run: only what it makes of the results."""

import errno
import inspect
import sys

import pytest

from stunkit.behavior import Filtering, Mapping
from stunkit.compat import pystun3 as stun
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import StartError
from stunkit.nat.report import Report
from stunkit.net.nat import NatResult

EI, AD, APD = Mapping
EIF, ADF, APDF = Filtering
MAPPED = Endpoint.of("203.0.113.1", 40000)


def report(mapping=EI, filtering=APDF, *, udp=True, nat=True, mapped=MAPPED) -> Report:
    return Report(udp, mapped, mapped, nat, mapping, filtering, None, None, None, ())


@pytest.fixture
def discover(monkeypatch):
    """Stand in for the discovery: note how it is called, and give what is set."""
    monkeypatch.delenv("STUNKIT_SERVER", raising=False)

    class Discover:
        result: Report | None = None

        def __init__(self):
            self.calls = []
            self.errors = []

        async def __call__(self, servers, **options):
            self.calls.append(([str(one) for one in servers], options))
            if self.errors:
                raise self.errors.pop()
            return NatResult(self.result, None, 0.1)

    stand_in = Discover()
    monkeypatch.setattr(stun, "discover", stand_in)
    return stand_in


def busy() -> StartError:
    error = StartError("cannot ask", "choose another")
    error.__cause__ = OSError(errno.EADDRINUSE, "in use")
    return error


@pytest.mark.parametrize(
    ("found", "name"),
    [
        (report(EI, EIF), "Full Cone"),
        (report(EI, ADF), "Restric NAT"),
        (report(EI, APDF), "Restric Port NAT"),
        (report(APD, APDF), "Symmetric NAT"),
        (report(EI, EIF, nat=False), "Open Internet"),
        (report(EI, APDF, nat=False), "Symmetric UDP Firewall"),
        (report(None, None, udp=False, nat=None, mapped=None), "Blocked"),
    ],
)
def test_gives_the_name_that_truly_exists(discover, found, name):
    discover.result = found
    nat_type, host, port = stun.get_ip_info(stun_host="198.51.100.1")
    assert nat_type == name
    assert (host, port) == ((None, None) if name == "Blocked" else ("203.0.113.1", 40000))


@pytest.mark.parametrize(
    "found",
    [
        None,  # no server, no route
        report(None, None, udp=None, nat=None, mapped=None),  # nobody answered
        report(EI, None),
        report(None, APDF),
        report(AD, APDF),  # RFC 3489 knows no such NAT
        report(APD, EIF),
        report(EI, ADF, nat=False),
    ],
)
def test_claims_nothing_where_there_is_no_true_name(discover, found):
    discover.result = found
    nat_type, host, _ = stun.get_ip_info(stun_host="198.51.100.1")
    assert nat_type == "Meet an error, when do Test1 on Changed IP and Port"
    assert host == (found and found.mapped and found.mapped.host)


def test_has_the_names_of_the_verdicts():
    names = {
        "Blocked": "Blocked",
        "OpenInternet": "Open Internet",
        "FullCone": "Full Cone",
        "SymmetricUDPFirewall": "Symmetric UDP Firewall",
        "RestricNAT": "Restric NAT",
        "RestricPortNAT": "Restric Port NAT",
        "SymmetricNAT": "Symmetric NAT",
        "ChangedAddressError": "Meet an error, when do Test1 on Changed IP and Port",
    }
    assert {name: getattr(stun, name) for name in names} == names
    assert stun.DEFAULTS == {"stun_port": 3478, "source_ip": "0.0.0.0", "source_port": 54320}
    assert stun.stun_servers_list == stun.STUN_SERVERS


def test_takes_the_arguments_in_their_order():
    parameters = inspect.signature(stun.get_ip_info).parameters.values()
    assert [(one.name, one.default) for one in parameters] == [
        ("source_ip", "0.0.0.0"),
        ("source_port", 54320),
        ("stun_host", None),
        ("stun_port", 3478),
    ]
    names = list(inspect.signature(stun.get_nat_type).parameters)
    assert names == ["s", "source_ip", "source_port", "stun_host", "stun_port"]


def test_asks_the_server_from_the_source_over_ipv4(discover):
    stun.get_ip_info("192.0.2.7", 5004, "198.51.100.1", 3479)
    (servers, options) = discover.calls[0]
    assert servers == ["stun:198.51.100.1:3479"]
    assert options == {"family": Family.IPV4, "bind": Endpoint.of("192.0.2.7", 5004)}


def test_takes_another_port_when_that_of_the_default_is_busy(discover):
    discover.errors = [busy()]
    discover.result = report()
    assert stun.get_ip_info(stun_host="198.51.100.1")[0] == "Restric Port NAT"
    assert [options["bind"].port for _, options in discover.calls] == [54320, 0]


def test_raises_os_error_when_the_wanted_port_is_busy(discover):
    discover.errors = [busy()]
    with pytest.raises(OSError, match="in use"):
        stun.get_ip_info(source_port=5004, stun_host="198.51.100.1")


def test_asks_its_list_of_servers_without_a_host(discover, monkeypatch):
    monkeypatch.setattr(stun, "stun_servers_list", ["one.example", "two.example:19302"])
    stun.get_ip_info(stun_port=3479)
    assert discover.calls[0][0] == ["stun:one.example:3479", "stun:two.example:19302"]


def test_asks_the_servers_of_the_environment_without_a_host(discover, monkeypatch):
    monkeypatch.setenv("STUNKIT_SERVER", "one.example, two.example:3479")
    stun.get_ip_info()
    assert discover.calls[0][0] == ["stun:one.example:3478", "stun:two.example:3479"]


async def test_works_inside_a_running_event_loop(discover):
    discover.result = report()
    assert stun.get_ip_info(stun_host="198.51.100.1")[0] == "Restric Port NAT"


def test_prints_nothing(discover, capfd):
    stun.get_ip_info(stun_host="198.51.100.1")
    assert capfd.readouterr() == ("", "")


def test_stands_in_for_the_module_of_that_name(discover, monkeypatch):
    discover.result = report(EI, EIF)
    monkeypatch.setitem(sys.modules, "stun", stun)
    program = "import stun\nnat_type, ip, port = stun.get_ip_info(stun_host='198.51.100.1')"
    names: dict[str, object] = {}
    exec(program, names)
    assert names["nat_type"] == stun.FullCone
