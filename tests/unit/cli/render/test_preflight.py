import pytest

from stunkit.call.facts import Facts, Relay, RelayTransport
from stunkit.call.forecast import Peer, forecast
from stunkit.call.simulation import Outcome
from stunkit.call.token import format_token, parse_token
from stunkit.cli.render import preflight as render
from stunkit.endpoint import Endpoint
from stunkit.net.preflight_report import Part
from stunkit.net.relay.report import RelayOutcome
from stunkit.wire.uri import Transport
from tests.preflights import (
    BLOCKED,
    FAILED,
    SILENT,
    SYMMETRIC,
    nat,
    preflight,
    relay,
    report,
    router,
)

USUAL = "someone behind a usual home router"
TOKEN = format_token(Facts.of_kind("symmetric", [Relay(RelayTransport.UDP)]))
SHUT = format_token(Facts.of_kind("udp-blocked"))


def foretell(found, *peers: str):
    return forecast(found.facts, [Peer.parse(one) for one in peers], found.unproven)


def view(found, *peers: str, **more):
    return render.view(found, foretell(found, *peers), **more)


HOW = "but only through a relay"
NONE = "will not work: there is no direct way, and no relay was named"
LATE = relay(RelayOutcome.TIMED_OUT, **FAILED)
OVER_UDP, OVER_TCP = (relay(transport=one) for one in (Transport.UDP, Transport.TCP))


@pytest.mark.parametrize(
    ("found", "peers", "sentence"),
    [
        (preflight(), [], f"A call with {USUAL} connects directly."),
        (preflight(), ["nat66"], "A call with someone in a network “nat66” connects directly."),
        (
            preflight(),
            ["full-cone"],
            "A call with someone behind a full-cone NAT connects directly.",
        ),
        (preflight(SYMMETRIC), [], f"A call with {USUAL} {NONE}."),
        (
            preflight(SYMMETRIC, relays=(LATE,)),
            [],
            f"A call with {USUAL} will not work: there is no direct way, and no relay that works.",
        ),
        (
            preflight(SYMMETRIC, relays=(OVER_UDP,)),
            [],
            f"A call with {USUAL} works, {HOW}.",
        ),
        (
            preflight(BLOCKED, relays=(relay(), OVER_TCP)),
            [],
            f"A call with {USUAL} works, {HOW} over TLS.",
        ),
        (
            preflight(BLOCKED, relays=(OVER_TCP,)),
            [],
            f"A call with {USUAL} works, {HOW} over TCP.",
        ),
        (preflight(), [TOKEN], f"A call with this peer works, {HOW} of the other end."),
        (
            preflight(relays=(relay(),)),
            [SHUT],
            "A call with this peer will not work: the other end cannot reach the relay.",
        ),
        (preflight(report(mapping=None)), [], f"Whether a call with {USUAL} works is unknown."),
        (
            preflight(report(mapping=None), relays=(relay(),)),
            [],
            f"A call with {USUAL} works, but whether directly or through a relay is unknown.",
        ),
        (
            preflight(SILENT, gathered=None),
            [],
            f"Whether a call with {USUAL} works is unknown: nobody answered.",
        ),
        (
            preflight(),
            ["public", "symmetric"],
            f"Of 2 calls the hardest is this: a call with someone behind a symmetric NAT {NONE}.",
        ),
    ],
)
def test_sentence(found, peers, sentence):
    assert render.sentence(found, foretell(found, *peers)) == sentence


def test_udp_is_not_called_blocked_where_a_relay_is_reached_over_it():
    found = preflight(BLOCKED, relays=(relay(transport=Transport.UDP),))
    said = "IPv4: UDP is open to a relay, but not to the servers: it answers over TCP alone."
    assert said in view(found).reasons
    assert not any(
        "UDP is blocked" in one or "does not get out" in one for one in view(found).reasons
    )


def test_reasons_name_blocked_udp_with_its_evidence():
    assert "IPv4: UDP is blocked: it answers over TCP alone." in view(preflight(BLOCKED)).reasons


def test_reasons_name_a_second_nat():
    reasons = view(preflight(gateway=router("100.64.0.1"))).reasons
    assert any(one.startswith("There is probably a second NAT") for one in reasons)
    assert not any("second NAT" in one for one in view(preflight()).reasons)


def test_reasons_name_relays_where_they_matter():
    found = relay(RelayOutcome.WRONG_CREDENTIALS, **FAILED)
    said = "turns:relay.example over TLS: wrong-credentials: nothing came back."
    assert said in view(preflight(SYMMETRIC, relays=(found,))).reasons
    assert said not in view(preflight(relays=(found,))).reasons


def test_changes_ask_for_the_relay_that_was_not_named():
    name = "Name the relay that your application uses with --turn, to have it tried."
    assert name in view(preflight(SYMMETRIC)).changes
    assert view(preflight(relays=(relay(),))).changes == ()
    (said,) = view(preflight()).changes
    assert said.startswith("With some others (symmetric, udp-blocked) it takes a relay")


def test_changes_do_not_advise_a_port_mapping_behind_a_second_nat():
    said = " ".join(view(preflight(SYMMETRIC)).changes)
    assert "A port mapping at the router of this end" in said
    said = " ".join(view(preflight(SYMMETRIC, gateway=router("100.64.0.1"))).changes)
    assert "A port mapping at the router of this end" not in said
    assert "a public address from your provider" in said


def test_friends_have_a_name_an_outcome_and_words():
    friends = view(preflight(), "symmetric", TOKEN, SHUT).friends
    assert [one.name for one in friends][-3:] == ["udp-blocked", "token 1", "token 2"]
    asked = {one.name: one.outcome for one in friends if one.is_asked}
    assert asked == {
        "symmetric": Outcome.BLOCKED,
        "token 1": Outcome.RELAY,
        "token 2": Outcome.BLOCKED,
    }
    assert not any(one.is_asked for one in view(preflight()).friends)
    assert view(preflight(), TOKEN).friends[-1][:3] == ("token", Outcome.RELAY, "this peer")


def test_view_says_why_a_part_found_nothing():
    problems = dict.fromkeys(Part, "there is a reason")
    found = preflight(gateway=None, quality=None, gathered=None, nat=None, problems=problems)
    said = view(found)
    assert said.router_sentence == "Whether there is a second NAT is unknown: there is a reason."
    assert said.quality_sentence == "How a call would sound is unknown: there is a reason."
    assert said.relays_sentence == "No relay was tried: there is a reason."
    assert (said.facts, said.candidates, said.quality) == ((), (), ())
    assert said.asked == "asked in 4.0 s"


def test_view_has_the_steps_of_each_way_to_a_relay():
    (way,) = view(preflight(relays=(relay(),))).ways
    assert way.name == "turns:relay.example (198.51.100.9) over TLS"
    assert way.steps == (("allocate", "ok", "10.0 ms", "198.51.100.9:50000"),)


def test_findings_leave_out_what_other_parts_say_better():
    codes = {code for _, _, code in view(preflight()).findings}
    assert "missing-relay" not in codes
    assert "missing-reflexive" in codes


def test_redacted_view_has_no_address_and_says_what_they_are():
    found = preflight(relays=(relay(),), gateway=router("100.64.0.1"))
    said = str(view(found, redacts=True))
    assert not [one for one in ("10.0.0.", "203.0.113.", "198.51.100.", "100.64.0.") if one in said]
    assert "ipv4-private-1.invalid:40000" in said
    assert parse_token(view(found, redacts=True).token).ipv4.public is None
    assert parse_token(view(found).token).ipv4.public == bytes((203, 0, 113, 1))


def test_text_of_strangers_is_escaped():
    evil = relay(RelayOutcome.REFUSED, relayed=None, why="\x1b[2Jgone")
    assert "\x1b" not in str(view(preflight(SYMMETRIC, relays=(evil,))))


@pytest.mark.parametrize(
    ("part", "found", "text"),
    [
        (Part.NAT, preflight(), "IPv4 port restricted cone"),
        (Part.NAT, preflight(BLOCKED), "IPv4 UDP is blocked"),
        (Part.NAT, preflight(SILENT), "IPv4 unknown"),
        (Part.NAT, preflight(report(mapping=None)), "IPv4 mapping unknown"),
        (Part.NAT, preflight(report(filtering=None)),
         "IPv4 endpoint-independent mapping, unknown filtering"),
        (Part.NAT, preflight(nat=nat()), "no server could be asked"),
        (Part.CANDIDATES, preflight(), "1 way to be reached"),
        (Part.RELAYS, preflight(relays=(relay(),)), "The way to a relay works"),
        (Part.ROUTER, preflight(), "second NAT: unknown"),
        (Part.ROUTER, preflight(BLOCKED), "-"),
        (Part.QUALITY, preflight(), "voice good"),
        (Part.QUALITY, preflight(quality=None), "-"),
        (Part.QUALITY, preflight(problems={Part.QUALITY: "nobody\x07"}), "nobody\\x07"),
    ],
)  # fmt: skip
def test_summary_of_a_part_is_a_few_words(part, found, text):
    assert render.summary(part, found) == text


def test_quality_without_a_rating_says_why():
    found = preflight()
    quality = found.quality._replace(voice=None, why="only 3 answers came")
    assert render.summary(Part.QUALITY, found._replace(quality=quality)) == "only 3 answers came"


def test_mapped_endpoint_of_ipv6_stands_in_the_facts():
    ours = report(mapped=Endpoint.of("2001:db8::1", 4), nat=False)
    assert ("seen as", "[2001:db8::1]:4") in view(preflight(nat=nat(None, ours))).facts
