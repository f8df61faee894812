from __future__ import annotations

from dataclasses import replace

import pytest

from stunkit.behavior import Behavior, Filtering, Mapping, Pooling
from stunkit.call.assumption import Fact, Setting, Unknown, Whose
from stunkit.call.facts import Access, Facts
from stunkit.call.reason import caution, explain, suggest
from stunkit.call.simulation import Outcome
from stunkit.endpoint import Family

HOME = Access.of_behavior(Behavior())
DIRECT, RELAY, BLOCKED, _ = Outcome
STRICT = "lets in only the very ports that it has sent to"


def sentences(
    here: Access | None,
    *possible: Outcome,
    theirs: Access | None = HOME,
    relay: bool = False,
    is_shared: bool = False,
    hinges: tuple[Unknown, ...] = (),
) -> list[str]:
    setting = Setting(here, theirs, relay, False, is_shared)  # noqa: FBT003 (their relay)
    said = explain(Family.IPV4, setting, frozenset(possible), hinges)
    assert all(one.startswith("IPv4: ") and one.endswith(".") for one in said)
    return said


@pytest.mark.parametrize(
    ("access", "words"),
    [
        (None, "this end has no address of its own"),
        (Access(udp=False), "UDP does not get out of this end"),
        (Access(), "it is not known whether UDP gets out of this end"),
        (Access(udp=True), "it is not known whether there is a NAT before this end"),
        (
            Access(udp=True, nat=False, filtering=Filtering.ENDPOINT_INDEPENDENT),
            "this end has no NAT, and lets in anybody",
        ),
        (Access(udp=True, nat=False), "this end has no NAT, and whom it lets in is not known"),
        (
            HOME,
            f"the NAT before this end shows one port to everybody, and {STRICT}",
        ),
        (
            replace(HOME, filtering=None),
            "the NAT before this end shows one port to everybody; whom it lets in is not known",
        ),
        (
            replace(HOME, mapping=None),
            f"the NAT before this end {STRICT}; how it takes ports is not known",
        ),
        (
            Access(udp=True, nat=True),
            "there is a NAT before this end, of which no more is known",
        ),
    ],
)
def test_end_is_described(access: Access | None, words: str):
    assert sentences(access, DIRECT)[0] == f"IPv4: {words}."


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (sentences(HOME, DIRECT), "the checks of the two ends open the way for each other"),
        (sentences(HOME, BLOCKED), "there is no relay"),
        (sentences(HOME, RELAY, relay=True), "a relay carries the call"),
        (
            sentences(HOME, BLOCKED, relay=True, theirs=Access(udp=False)),
            "the relay that there is cannot be reached from the other end",
        ),
    ],
)
def test_last_sentence_is_how_it_ends(said: list[str], words: str):
    assert said[-1] == f"IPv4: {words}."


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        (Access(udp=False), "no UDP goes from the one to the other"),
        (HOME, "come from a port that the other does not let in"),
    ],
)
def test_cause_is_given_where_it_is_not_direct(theirs: Access, words: str):
    assert words in sentences(HOME, BLOCKED, theirs=theirs)[2]


def test_no_cause_is_made_up_for_an_end_without_address():
    assert len(sentences(None, RELAY, relay=True)) == 3


def test_shared_address_is_told():
    assert "share a NAT" in sentences(HOME, DIRECT, is_shared=True)[2]


def test_unknown_says_what_it_hangs_on():
    hinges = (Unknown(Whose.THEIRS, Fact.FILTERING), Unknown(Whose.BOTH, Fact.TIMING))
    assert sentences(HOME, BLOCKED, DIRECT, hinges=hinges)[-1] == (
        "IPv4: it ends with a direct connection or without a connection; that hangs on the "
        "filtering before the other end and on who starts first, and by how much."
    )


@pytest.mark.parametrize("fact", Fact)
def test_every_fact_has_words(fact: Fact):
    said = sentences(HOME, BLOCKED, RELAY, hinges=(Unknown(Whose.OURS, fact),))[-1]
    assert "hangs on whe" in said or "hangs on " in said
    assert "{" not in said


def test_advice_is_given_once_and_only_where_there_is_some():
    twice = [Unknown(Whose.OURS, Fact.FILTERING)] * 2
    (said,) = suggest([*twice, Unknown(Whose.BOTH, Fact.TIMING)])
    assert said == (
        "To know the filtering before this end: "
        "find out with `stunkit nat` at this end, asking a server with two addresses."
    )


def test_short_lifetime_and_several_addresses_are_cautioned_against():
    short = replace(HOME, lifetime=10, pooling=Pooling.ARBITRARY)
    here, there = Facts(ipv4=short, kind="a"), Facts(ipv4=HOME, kind="b")
    said = caution(here, there, is_direct=True)
    assert ["10 s" in said[0], "several public addresses" in said[1]] == [True, True]
    assert caution(there, there, is_direct=True) == []
    assert caution(here, there, is_direct=False) == []


def test_token_without_addresses_is_cautioned_against():
    there = Facts(ipv4=replace(HOME, mapping=Mapping.ENDPOINT_INDEPENDENT))
    (said,) = caution(Facts(ipv4=HOME, kind="a"), there, is_direct=True)
    assert "does not tell whether both ends share a NAT" in said
