import json

import pytest

from stunkit.bench.options import Options
from stunkit.bench.result import Progress, Tally
from stunkit.bench.sources import Source
from stunkit.cli.render.bench import line, notes, rows, sentence, to_json
from stunkit.wire.uri import Uri
from tests.unit.bench.test_result import LATE, SPREAD, result

OPEN = {"rate": 100.0}


def test_prints_one_document():
    text = to_json(result(software="\x1b[2J"))
    document = json.loads(text)
    assert "\n" not in text
    assert next(iter(document)) == "schema"
    assert document["schema"] == "stunkit/bench/1"
    assert document["server"] == {
        "name": "stun:127.0.0.1",
        "endpoint": "127.0.0.1:3478",
        "transport": "udp",
        "software": "\\x1b[2J",
    }
    assert document["load"] == {
        "loop": "closed",
        "window": 16,
        "rate": None,
        "sockets": 8,
        "addresses": 1,
        "bind": [],
        "duration": 5.0,
        "warmup": 0.5,
        "timeout": 1.0,
    }
    assert document["answers_per_second"] == 450
    assert document["loss"] == 0.05
    counts = ("answered", "wrong", "refused", "lost")
    assert sum(document[name] for name in counts) == document["sent"] == 1000
    assert document["latency_ms"] == {
        "min": 0.1,
        "mean": 0.2,
        "p50": 0.2,
        "p90": 0.3,
        "p99": 0.4,
        "p99.9": 0.5,
        "max": 200,
    }
    assert document["generator"]["behind_ms"] is None
    assert document["generator"]["is_late"] is None
    assert document["generator"]["is_busy"] is False


def test_document_of_an_open_loop():
    document = json.loads(to_json(result(**OPEN)))
    assert (document["load"]["loop"], document["load"]["rate"]) == ("open", 100)
    assert document["load"]["window"] is None
    assert document["generator"]["behind_ms"]["p99"] == 0.4
    assert document["generator"]["is_late"] is False
    assert document["generator"]["is_busy"] is None


def test_what_is_unknown_is_null():
    document = json.loads(to_json(result(tally=Tally(), latency=None, elapsed=0.0)))
    assert document["latency_ms"] is None
    assert document["loss"] is None


def test_says_the_rate_and_the_loss():
    assert sentence(result()) == (
        "127.0.0.1:3478 gives 450 answers a second over UDP. 5.0% of the requests were lost."
    )
    whole = result(tally=Tally(sent=3_000_000, answered=3_000_000))
    assert sentence(whole) == "127.0.0.1:3478 gives 1,500,000 answers a second over UDP."
    little = result(tally=Tally(sent=3_000_000, answered=2_999_999, lost=1))
    assert sentence(little).endswith(" 3.3e-05% of the requests were lost.")


def test_rows_name_the_load_and_what_seldom_happens_only_if_it_did():
    told = dict(rows(result()))
    assert told["load"] == "closed loop, 16 in flight on each of 8 sockets"
    assert told["latency"] == "p50 0.200, p90 0.300, p99 0.400, p99.9 0.500, max 200 ms"
    assert told["refused"] == "10"
    assert not told.keys() & {"duplicate", "late", "strange", "left late by"}
    told = dict(rows(result(**OPEN, sockets=1, tally=Tally(sent=9, answered=9, late=3))))
    assert told["load"] == "open loop, 100 requests a second from 1 socket"
    assert told["late"] == "3"
    assert "left late by" in told


def test_rows_name_addresses_and_connections():
    options = Options(
        server=Uri.parse("stun:127.0.0.1?transport=tcp"), sources=(Source.parse("127.1.0.0/16"),)
    )
    told = dict(rows(result(options=options, addresses=8, software="it\x07")))
    assert told["load"].endswith("on each of 8 connections with 8 addresses")
    assert told["server"] == "127.0.0.1:3478 it\\x07"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"interrupted": True}, "Interrupted after 2.00 of 5 s."),
        ({"unheard": 2}, "2 of 10 sockets got no first answer"),
        ({**OPEN, "behind": LATE}, "1 in 100 requests left 4.00 ms late or more. The"),
        ({**OPEN, "unsent": 7}, "0.400 ms late or more, 7 never."),
        ({"busy": 0.97}, "97.0% of a core: the server may be faster"),
        ({"dropped": 1234}, "1,234 answers came and found the generator's own queues full"),
        ({"tally": Tally(closed=2)}, "2 connections ended before the run did."),
        ({"tally": Tally(errors=2)}, "The kernel told of 2 errors"),
        ({"tally": Tally(wrong=2)}, "Wrong answers say another address"),
    ],
)
def test_notes_say_what_to_know_first(more, words):
    (note,) = notes(result(**({"tally": Tally()} | more)))
    assert words in note


def test_says_nothing_of_a_good_run():
    assert notes(result(**OPEN, tally=Tally(sent=1, answered=1), latency=SPREAD)) == []


def test_line_of_a_run_under_way():
    progress = Progress(
        is_warmup=False,
        elapsed=1.0,
        duration=5.0,
        rate=12345.6,
        sent=2000,
        answered=1990,
        lost=10,
        wrong=0,
        p50=0.00123,
        p99=0.0456,
    )
    assert line(progress) == "measuring  12,346/s  loss 0.5%  p50 1.23 ms  p99 45.6 ms"
    warmup = progress._replace(is_warmup=True, answered=0, lost=0)
    assert line(warmup).startswith("warming up  12,346/s  loss 0.0%")
