import re
from importlib.resources import files

import pytest

from stunkit.endpoint import Family
from stunkit.net.scrape import Scrape, parse
from stunkit.protocol.respond import Disposition
from stunkit.server.metrics.counters import Counters
from stunkit.server.metrics.exposition import METRICS, encode
from stunkit.server.metrics.figures import Facts, Figures, PartnerFigures
from stunkit.server.process.crew import Crew
from stunkit.signal.event import Event, Happening
from stunkit.signal.fault import Fault
from stunkit.signal.message import Kind
from stunkit.wire.uri import Transport

FACTS = Facts(version="1.2.3", lane="batch", max_connections=1000, limit_rate=100.0)
PARTNER = PartnerFigures(is_up=True, is_other_address=False, messages={"heard": 7, "forged": 0})
PAGE = (files("stunkit") / "manual/metrics.md").read_text()


def scrape(figures: Figures, facts: Facts = FACTS) -> Scrape:
    text, kind = encode(figures, facts)
    assert kind.startswith("text/plain; version=")
    return Scrape(0.0, parse(text.decode()))


def test_adds_up_the_figures_of_every_process():
    both = [Counters(), Counters()]
    for counters in both:
        udp = counters.of(Transport.UDP, Family.IPV4)
        udp.add_many(Disposition.ANSWERED, 3, 60, 96)
        udp.add(Disposition.LIMITED, 20, 0)
        udp.kernel_drops += 5
        udp.unsent += 2
        counters.of(Transport.TLS, Family.IPV6).errors += 1
        counters.connections = 4
    shown = scrape(Figures(both))
    way = {"transport": "udp", "family": "ipv4"}
    name = "stunkit_messages_total"
    assert shown.sum(name, **way, lane="batch", disposition="answered") == 6
    assert shown.sum(name, **way, lane="batch", disposition="limited") == 2
    assert shown.sum(name) == 8
    assert shown.sum("stunkit_received_bytes_total", **way) == 160
    assert shown.sum("stunkit_sent_bytes_total", **way) == 192
    assert shown.sum("stunkit_kernel_drops_total", family="ipv4") == 10
    assert shown.sum("stunkit_unsent_total", family="ipv4") == 4
    assert shown.sum("stunkit_errors_total", transport="tls", family="ipv6") == 2
    assert shown.sum("stunkit_connections") == 8


def test_shows_what_is_no_tally():
    crew = Crew(3, memoryview(bytearray(24)))
    crew.serving, crew.replaced = 2, 1
    shown = scrape(Figures([Counters()], crew, started=1.75e9), FACTS._replace(partner=PARTNER))
    gauges = {
        "stunkit_connections_limit": 1000,
        "stunkit_limit_answers_per_second": 100,
        "stunkit_workers": 3,
        "stunkit_workers_serving": 2,
        "stunkit_workers_replaced_total": 1,
        "stunkit_partner_up": 1,
        "stunkit_partner_other_address": 0,
        "stunkit_start_time_seconds": 1.75e9,
    }
    assert {name: shown.sum(name) for name in gauges} == gauges
    assert shown.sum("stunkit_partner_messages_total", outcome="heard") == 7
    assert shown.values("stunkit_build_info", "version") == ["1.2.3"]


def test_shows_signalling_where_there_is_some():
    counters = Counters()
    counters.signalling.make()
    counters.signalling.note([Event(Happening.RELAYED, 0, Kind.OFFER), Event(Happening.LOST, 0)])
    counters.signalling.refuse(Fault.TOO_MANY)
    counters.signalling.observe(2, 1)
    shown = scrape(Figures([counters]), FACTS._replace(has_web=True))
    assert shown.sum("stunkit_signal_messages_total", kind="offer") == 1
    assert shown.sum("stunkit_signal_messages_total") == 1
    assert shown.sum("stunkit_signal_events_total", event="lost") == 1
    assert shown.sum("stunkit_signal_refused_total", code="too-many") == 1
    assert shown.sum("stunkit_signal_rooms_made_total") == 1
    assert shown.sum("stunkit_signal_connections") == 2
    assert shown.sum("stunkit_signal_rooms") == 1
    assert not [s for s in scrape(Figures([counters])).samples if "signal" in s.name]


def test_has_no_partner_where_there_is_none():
    assert not [s for s in scrape(Figures([Counters()])).samples if "partner" in s.name]


def test_makes_the_same_series_whatever_comes():
    quiet, busy = Counters(), Counters()
    for tally in busy.tallies.values():
        for kind in Disposition:
            tally.add(kind, 20, 32)
    before, after = scrape(Figures([quiet])), scrape(Figures([busy]))
    assert [s[:2] for s in before.samples] == [s[:2] for s in after.samples]
    assert len(after.samples) < 200


def test_speaks_openmetrics_to_who_asks_for_it():
    text, kind = encode(Figures([Counters()]), FACTS, "application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert text.endswith(b"# EOF\n")


@pytest.mark.parametrize("description", METRICS, ids=lambda one: one.name)
def test_is_described_in_the_manual(description):
    labels = ", ".join(f"`{label}`" for label in description.labels)
    assert f"| `{description.name}` | {labels} | {description.help} |" in PAGE.splitlines()


def test_manual_describes_nothing_else():
    described = re.findall(r"^\| `(stunkit_\w+)` \|", PAGE, re.MULTILINE)
    assert described == [one.name for one in METRICS]


def test_manual_explains_every_disposition():
    assert not [kind for kind in Disposition if f"- **{kind}**" not in PAGE]
