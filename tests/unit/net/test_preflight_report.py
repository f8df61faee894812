import pytest

from stunkit.call.facts import Access, Relay, RelayTransport
from stunkit.endpoint import Family
from stunkit.nat.layers import SecondNat
from stunkit.net.preflight_report import Preflight
from stunkit.net.relay.report import RelayOutcome
from stunkit.wire.uri import Transport
from tests.preflights import (
    BLOCKED,
    FAILED,
    FIREWALL6,
    RELAY,
    SERVER,
    SILENT,
    gathered,
    nat,
    preflight,
    relay,
    report,
    router,
)

TIMED_OUT = relay(RelayOutcome.TIMED_OUT, transport=Transport.UDP, **FAILED)


def test_facts_are_those_of_the_reports():
    facts = preflight(nat=nat(report(), FIREWALL6)).facts
    assert facts.ipv4 == Access.of_report(report())
    assert facts.ipv6 == Access.of_report(FIREWALL6)
    assert facts.relays == frozenset()


def test_only_relays_that_work_count():
    found = preflight(
        relays=(
            relay(),
            relay(RelayOutcome.UNPROVEN, transport=Transport.TCP),
            relay(RelayOutcome.NO_DATA, transport=Transport.UDP),
        )
    )
    assert found.facts.relays == {Relay(RelayTransport.TLS)}
    assert found.unproven == {Relay(RelayTransport.TCP)}


def test_relay_over_udp_shows_that_udp_gets_out():
    assert preflight(SILENT, relays=(relay(transport=Transport.UDP),)).facts.ipv4.udp is True


def test_relay_that_is_silent_over_udp_alone_shows_that_udp_is_blocked():
    assert preflight(SILENT, relays=(TIMED_OUT, relay())).facts.ipv4.udp is False


@pytest.mark.parametrize(
    "relays",
    [(), (relay(),), (TIMED_OUT,), (TIMED_OUT, relay(server=SERVER))],
    ids=["none", "not tried over UDP", "silent altogether", "another one answers"],
)
def test_silence_stays_unknown_where_relays_prove_nothing(relays):
    assert preflight(SILENT, relays=relays).facts.ipv4.udp is None


def test_silence_of_a_relay_alone_proves_nothing_where_nobody_else_was_asked():
    assert preflight(nat=None, relays=(TIMED_OUT, relay())).facts.ipv4 == Access()


def test_relays_do_not_contradict_a_discovery():
    assert preflight(report(), relays=(TIMED_OUT, relay())).facts.ipv4.udp is True
    assert preflight(BLOCKED).facts.ipv4.udp is False


def test_relay_that_is_reached_over_udp_outweighs_servers_that_are_silent():
    access = preflight(BLOCKED, relays=(relay(transport=Transport.UDP),)).facts.ipv4
    assert access.udp is True
    assert access.mapping is None


def test_family_with_an_address_that_no_server_was_asked_in_is_unknown():
    assert preflight(gathered=gathered("2001:db8:2::2")).facts.ipv6 == Access()


def test_family_without_such_an_address_is_not_there():
    assert preflight(gathered=gathered("fd00::2")).facts.ipv6 is None
    assert preflight(gathered=None).facts.ipv6 is None
    only = preflight(gathered=gathered("2001:db8:2::2"), family=Family.IPV4)
    assert only.facts.ipv6 is None


def test_second_nat_makes_opening_a_port_of_no_use():
    found = preflight(gateway=router("100.64.0.1"))
    assert found.layers.second is SecondNat.LIKELY
    assert found.facts.ipv4.is_shared is True
    assert preflight().facts.ipv4.is_shared is None


def test_there_is_nothing_to_say_of_layers_without_a_router_or_a_server():
    assert preflight(gateway=None).layers is None
    assert preflight(BLOCKED).layers is None
    assert Preflight().layers is None


def test_nothing_is_known_of_a_run_in_which_nothing_was_done():
    found = Preflight()
    assert found.facts.ipv4 is None
    assert not found.is_heard


def test_is_heard_when_anybody_answers():
    quiet = preflight(SILENT, gathered=None)
    assert not quiet.is_heard
    assert preflight(BLOCKED, gathered=None).is_heard
    assert quiet._replace(relays=(relay(server=RELAY),)).is_heard
    assert quiet._replace(gathered=gathered()).is_heard
