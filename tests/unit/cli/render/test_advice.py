import pytest

from stunkit.behavior import Filtering, Mapping
from stunkit.cli.render.advice import sentence
from stunkit.endpoint import Endpoint
from stunkit.nat.report import Evidence, Report
from stunkit.net.nat import NatResult

EI, AD, APD = Mapping
EIF, ADF, APDF = Filtering
HERE = Endpoint.of("192.0.2.1", 4000)


def report(
    mapping: Mapping | None, filtering: Filtering | None, *, nat=True, udp=True, why="so it is"
) -> Report:
    return Report(
        udp=udp,
        local=HERE,
        mapped=HERE if udp else None,
        nat=nat,
        mapping=mapping,
        filtering=filtering,
        port_preserved=None,
        hairpin=None,
        rewritten=None,
        evidence=(Evidence("mapping", mapping, why),),
    )


def said(ipv4: Report | None, ipv6: Report | None = None) -> str:
    return sentence(NatResult(ipv4, ipv6, 0.5))


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (report(EI, EIF, nat=False), ["easy", "no NAT and no firewall", "everyone"]),
        (report(EI, EIF), ["easy", "everyone", "even behind a symmetric NAT"]),
        (report(EI, ADF), ["easy", "everyone", "even behind a symmetric NAT"]),
        (report(EI, APDF), ["easy with most", "symmetric NAT a relay is needed"]),
        (report(EI, APDF, nat=False), ["easy with most", "symmetric NAT a relay is needed"]),
        (report(EI, None), ["not symmetric", "unknown"]),
        (report(AD, ADF), ["hard", "relay"]),
        (report(APD, EIF), ["hard", "relay"]),
        (report(APD, APDF), ["hard", "relay"]),
        (report(APD, None), ["hard", "relay"]),
        (report(None, EIF, why="one server alone"), ["unknown", "one server alone"]),
        (report(None, None, nat=None, udp=False), ["UDP is blocked", "relay", "TCP or TLS"]),
        (report(None, None, nat=None, udp=None), ["nothing is known"]),
    ],
)
def test_says_how_hard_a_direct_call_is(one: Report, words: list[str]):
    text = said(one)
    assert all(word.lower() in text.lower() for word in words), text
    assert text[0].isupper()
    assert text.endswith(".")
    assert text.count(".") == 1


def test_never_calls_easy_or_hard_what_is_unknown():
    for one in (report(None, None), report(None, APDF), report(None, None, udp=None)):
        assert "easy" not in said(one)
        assert "hard:" not in said(one)


def test_says_why_nothing_is_known_of_udp_where_a_server_was_asked_over_tls():
    over_tls = report(None, None, nat=None, udp=None, why="asked over TLS")._replace(mapped=HERE)
    assert said(over_tls) == "How hard a direct call is stays unknown: asked over TLS."


def test_names_the_families_where_they_differ():
    text = said(report(APD, APDF), report(EI, APDF, nat=False))
    assert text.startswith("Over IPv4, direct calls are hard")
    assert "; over IPv6, direct calls are easy with most people" in text


def test_names_no_family_where_they_agree():
    assert "IPv" not in said(report(EI, APDF), report(EI, APDF, nat=False))


def test_says_that_nobody_could_be_asked():
    assert said(None) == "Nothing is known: there is no server that could be asked."


def test_escapes_what_came_from_the_network():
    assert "\x1b" not in said(report(None, None, why="\x1b[2J"))
