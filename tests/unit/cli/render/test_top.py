import json

import pytest

from stunkit.cli.render import top
from stunkit.endpoint import Family
from stunkit.net.scrape import Scrape, parse
from stunkit.protocol.respond import Disposition
from stunkit.server.metrics.counters import Counters
from stunkit.server.metrics.exposition import encode
from stunkit.server.metrics.figures import Facts, Figures, PartnerFigures
from stunkit.wire.uri import Transport

FACTS = Facts(version="1.2.3", lane="batch", max_connections=1000, limit_rate=100.0)


def glance(*, facts: Facts = FACTS, seconds: float = 2.0, dropped: int = 0) -> top.Glance:
    """What is seen of a server that answers 100 and limits 100 datagrams within the time."""
    counters = Counters()
    figures = Figures([counters], started=1000.0)
    before = Scrape(10.0, parse(encode(figures, facts)[0].decode()))
    udp = counters.of(Transport.UDP, Family.IPV4)
    udp.add_many(Disposition.ANSWERED, 100, 2000, 3200)
    udp.add_many(Disposition.LIMITED, 100, 2000, 0)
    udp.kernel_drops += dropped
    counters.connections = 7
    after = Scrape(10.0 + seconds, parse(encode(figures, facts)[0].decode()))
    return top.look(before, after, 1000.0 + 3725)


def test_says_how_much_it_answers():
    assert top.sentence(glance()) == "50 answers a second, to 50.0% of what comes."


def test_shows_rates_of_ways_that_are_used():
    assert top.ways(glance())[1:] == [("udp ipv4", "100", "50", "2.0 kB/s", "1.6 kB/s", "0.80")]


def test_shows_what_became_of_it_and_what_was_lost():
    assert top.outcomes(glance(dropped=4))[1:] == [
        ("answered", "50", "100"),
        ("limited", "50", "100"),
        ("dropped by the kernel", "2", "4"),
        ("answers not sent", "0", "0"),
        ("errors of ours", "0", "0"),
    ]


def test_shows_what_the_server_is():
    assert top.facts(glance()) == [
        ("server", "stunkit 1.2.3, lane batch, up 1 h 2 min"),
        ("workers", "1 of 1 serve, 0 replaced so far"),
        ("connections", "7 of 1,000"),
        ("limit", "100 answers a second for each source"),
        ("bytes", "2.0 kB/s in, 1.6 kB/s out"),
        ("amplification", "0.80"),
    ]


@pytest.mark.parametrize(
    ("is_up", "is_named", "said"),
    [
        (True, True, "link up, OTHER-ADDRESS is named"),
        (False, False, "link down, OTHER-ADDRESS is withdrawn"),
    ],
)
def test_shows_the_partner_where_there_is_one(is_up, is_named, said):
    figures = PartnerFigures(is_up, is_named, {})
    assert top.facts(glance(facts=FACTS._replace(partner=figures)))[-1] == ("partner", said)


def test_starts_from_zero_when_the_server_did():
    line = 'stunkit_messages_total{transport="udp",family="ipv4",disposition="answered"}'
    full, again = Scrape(0.0, parse(f"{line} 9")), Scrape(1.0, parse(f"{line} 1"))
    seen = top.look(full, again, 0.0)
    assert seen.whole.received == 0
    assert top.sentence(seen) == "Nobody asks."
    assert seen.uptime is None


def test_escapes_what_a_server_says():
    seen = glance(facts=FACTS._replace(version="\x1b[2J"))
    assert "\x1b" not in top.to_text(seen)
    assert "\x1b" not in json.loads(top.to_json(seen, "x"))["version"]


def test_gives_one_json_document():
    document = json.loads(top.to_json(glance(), "http://127.0.0.1:9478/metrics"))
    assert document["schema"] == "stunkit/top/1"
    assert document["total"] == {
        "received_per_second": 100.0,
        "answered_per_second": 50.0,
        "bytes_in_per_second": 2000.0,
        "bytes_out_per_second": 1600.0,
        "amplification": 0.8,
    }
    assert document["dispositions"]["limited"] == {"per_second": 50.0, "total": 100}
    assert document["ways"]["tcp ipv6"]["amplification"] is None
    assert document["workers"] == {"wanted": 1, "serving": 1, "replaced": 0}
    assert document["partner"] is None


def test_draws_a_line_of_bars():
    assert top.sparkline([0, 1, 4, 8]) == "▁▂▅█"
    assert top.sparkline([]) == ""
    assert top.sparkline([0.0]) == "▁"
