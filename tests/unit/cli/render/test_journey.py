from stunkit.behavior import Filtering, Mapping
from stunkit.call.facts import Facts, Relay, RelayTransport
from stunkit.call.forecast import Peer, forecast
from stunkit.call.token import format_token
from stunkit.cli.render.journey import plan
from stunkit.cli.render.picture import Plan
from stunkit.net.relay.report import RelayOutcome
from stunkit.wire.uri import Transport
from tests.preflights import (
    BLOCKED,
    FAILED,
    FIREWALL6,
    SILENT,
    SYMMETRIC,
    nat,
    preflight,
    relay,
    report,
    router,
)


def drawn(found, *peers: str) -> Plan:
    return plan(found, forecast(found.facts, [Peer.parse(one) for one in peers], found.unproven))


def boxes(*arguments) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {box.title: (box.state, box.lines) for box in drawn(*arguments).boxes}


def kinds(*arguments) -> set[str]:
    return {line.kind for line in drawn(*arguments).lines}


def test_way_of_a_usual_call():
    assert boxes(preflight()) == {
        "You": ("other", ("10.0.0.2", "eth0")),
        "Your NAT": ("fine", ("one port for all", "knows ports", "10.0.0.1")),
        "Internet": ("other", ("you are seen as", "203.0.113.1")),
        "Their NAT": ("fine", ("one port for all", "knows ports")),
        "Peer": ("other", ("port-restricted",)),
        "STUN server": ("other", ("stun.example.org",)),
    }
    assert kinds(preflight()) == {"direct", "thin"}


def test_second_nat_is_shown():
    found = preflight(gateway=router("100.64.0.1"))
    assert boxes(found)["Second NAT"] == ("unknown", ("likely", "100.64.0.1"))


def test_relay_is_on_the_way_where_it_is_needed():
    found = preflight(SYMMETRIC, relays=(relay(RelayOutcome.TIMED_OUT, **FAILED), relay()))
    assert boxes(found)["Your NAT"][0] == "hinders"
    assert boxes(found)["Relay"] == ("fine", ("relay.example", "TLS: works"))
    whole = drawn(found)
    place = [box.title for box in whole.boxes].index("Relay")
    assert {line.kind for line in whole.lines if place in line[:2]} == {"thin", "relay"}


def test_relay_of_the_other_end_is_shown_too():
    token = format_token(Facts.of_kind("symmetric", [Relay(RelayTransport.UDP)]))
    assert boxes(preflight(), token)["Relay"] == ("fine", ("of the other end",))


def test_blocked_udp_stops_the_call():
    found = preflight(BLOCKED)
    assert boxes(found)["Firewall"] == ("stops", ("blocks UDP",))
    assert kinds(found) == {"blocked", "thin"}


def test_what_a_relayed_call_passes_does_not_stop_it():
    over_tcp = relay(transport=Transport.TCP)
    found = boxes(preflight(BLOCKED, relays=(over_tcp, relay())))
    assert found["Firewall"] == ("hinders", ("blocks UDP",))
    assert found["Relay"] == ("fine", ("relay.example", "TLS: works"))


def test_relay_that_does_not_work_is_shown_as_such():
    late = relay(RelayOutcome.TIMED_OUT, **FAILED)
    assert boxes(preflight(relays=(late,)))["Relay"] == (
        "stops",
        ("relay.example", "TLS: timed-out"),
    )
    unproven = relay(RelayOutcome.UNPROVEN)
    assert boxes(preflight(relays=(late, unproven)))["Relay"][0] == "unknown"


def test_two_who_cannot_find_each_other_are_stopped_at_the_others_nat():
    assert boxes(preflight(SYMMETRIC))["Their NAT"][0] == "stops"


def test_what_is_not_known_says_so():
    assert boxes(preflight(SILENT))["Your NAT?"] == ("unknown", ("UDP unknown",))
    unknown = report(nat=None, mapping=None)
    assert boxes(preflight(unknown))["Your NAT?"] == ("unknown", ("NAT unknown", "10.0.0.1"))
    unknown = report(mapping=None, filtering=None)
    assert boxes(preflight(unknown))["Your NAT"][1][:2] == ("ports unknown", "filter unknown")
    assert "unknown" in kinds(preflight(unknown))


def test_firewall_without_nat_and_no_firewall():
    assert boxes(preflight(report(nat=False)))["Firewall"] == ("fine", ("knows ports", "10.0.0.1"))
    free = report(nat=False, filtering=Filtering.ENDPOINT_INDEPENDENT)
    assert not {"Firewall", "Your NAT"} & {*boxes(preflight(free))}
    assert boxes(preflight(report(nat=False, filtering=None)))["Firewall"][0] == "unknown"


def test_family_is_the_one_of_the_call():
    found = preflight(nat=nat(SYMMETRIC, FIREWALL6))
    assert drawn(found).title == "The way of a call over IPv4"
    assert drawn(found, "ipv6-firewall").title == "The way of a call over IPv6"
    alone = preflight(nat=nat(None, FIREWALL6))
    assert drawn(alone).title == "The way of a call over IPv6"
    assert boxes(alone)["No address"][0] == "stops"


def test_nothing_known_at_all_can_be_drawn():
    assert boxes(preflight(nat=None, gateway=None, gathered=None))["You"] == ("other", ())


def test_mapping_by_address_hinders():
    found = preflight(report(mapping=Mapping.ADDRESS_DEPENDENT))
    assert boxes(found)["Your NAT"][1][0] == "a port per address"
