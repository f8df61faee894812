import pytest

from stunkit.call.facts import Access, Facts, Relay, RelayTransport
from stunkit.call.forecast import COMMON, USUAL, Peer, forecast, judge
from stunkit.call.simulation import Outcome
from stunkit.call.token import format_token
from stunkit.errors import UsageError

TLS, UDP = Relay(RelayTransport.TLS), Relay(RelayTransport.UDP)
HOME, HARD, SHUT = (Facts.of_kind(name) for name in ("port-restricted", "symmetric", "udp-blocked"))
TOKEN = format_token(HARD)


def outcomes(ours: Facts, **more) -> list[Outcome]:
    found = forecast(ours, **more)
    return [verdict.outcome for _, verdict in found.peers][: len(COMMON)]


def relayed(name: str, *relays: Relay) -> Facts:
    return Facts.of_kind(name, relays)


def test_nobody_asked_about_is_a_usual_home_router():
    found = forecast(HARD)
    assert found.is_usual
    assert found.hardest.name == USUAL
    assert found.verdict.outcome is Outcome.BLOCKED


def test_table_has_the_common_kinds_in_their_order():
    assert [peer.name for peer, _ in forecast(HOME).peers] == list(COMMON)


def test_table_has_whoever_else_is_asked_about():
    asked = [Peer.parse("nat66"), Peer.parse("public"), Peer.parse(TOKEN)]
    assert [peer.name for peer, _ in forecast(HOME, asked).peers] == [*COMMON, "nat66", TOKEN]


def test_verdict_is_that_for_the_hardest():
    asked = [Peer.parse("public"), Peer.parse("symmetric"), Peer.parse("full-cone")]
    found = forecast(HOME, asked)
    assert (found.hardest.name, found.verdict.outcome) == ("symmetric", Outcome.BLOCKED)
    assert not found.is_usual


def test_certain_block_outweighs_what_is_unknown():
    unknown = Peer("x", Facts(ipv4=Access(udp=None)), is_token=True)
    asked = [unknown, Peer.parse("symmetric")]
    assert forecast(HOME, asked[:1]).verdict.outcome is Outcome.UNKNOWN
    assert forecast(HOME, asked).verdict.outcome is Outcome.BLOCKED


def test_certain_relay_outweighs_what_may_be_direct_or_relayed():
    unknown = Peer("x", Facts(ipv4=Access(udp=None), relays=frozenset({TLS})), is_token=True)
    ours = relayed("port-restricted", TLS)
    assert set(judge(ours, unknown).possible) == {Outcome.DIRECT, Outcome.RELAY}
    found = forecast(ours, [unknown, Peer.parse("symmetric")])
    assert (found.hardest.name, found.verdict.outcome) == ("symmetric", Outcome.RELAY)


def test_kinds_use_our_relays():
    assert outcomes(relayed("symmetric", TLS)) == [Outcome.DIRECT] * 3 + [Outcome.RELAY] * 3


def test_kind_without_udp_does_not_reach_a_relay_over_udp():
    assert outcomes(relayed("port-restricted", UDP))[-2:] == [Outcome.RELAY, Outcome.BLOCKED]


def test_token_has_its_own_relays_alone():
    peer = Peer.parse(format_token(SHUT))
    assert forecast(relayed("port-restricted", TLS), [peer]).verdict.outcome is Outcome.BLOCKED
    peer = Peer.parse(format_token(relayed("udp-blocked", TLS)))
    assert forecast(HOME, [peer]).verdict.outcome is Outcome.RELAY


def test_relay_that_may_not_work_leaves_it_unknown():
    verdict = forecast(HARD, unproven=[TLS]).verdict
    assert verdict.outcome is Outcome.UNKNOWN
    assert verdict.possible == (Outcome.RELAY, Outcome.BLOCKED)
    assert verdict.reasons[-1].startswith("It is not known whether a relay")


def test_relay_that_may_not_work_does_not_matter_where_one_works_or_none_is_needed():
    assert forecast(relayed("symmetric", TLS), unproven=[UDP]).verdict.outcome is Outcome.RELAY
    assert forecast(HOME, unproven=[TLS]).verdict.outcome is Outcome.DIRECT


def test_only_who_is_asked_about_gets_advice():
    changes = {peer.name: verdict.changes for peer, verdict in forecast(HARD).peers}
    assert changes[USUAL]
    assert not changes["symmetric"]


def test_token_is_told_by_its_form():
    peer = Peer.parse(f" {TOKEN.upper()}\n")
    assert peer == Peer(TOKEN, HARD, is_token=True)
    assert not Peer.parse("symmetric").is_token


@pytest.mark.parametrize("text", ["symetric", "", TOKEN[:-1], "stunkit-"])
def test_what_is_neither_kind_nor_token_is_refused(text: str):
    with pytest.raises(UsageError) as caught:
        Peer.parse(text)
    assert "token" in str(caught.value)
