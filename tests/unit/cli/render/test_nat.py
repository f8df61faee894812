import json

import pytest

from stunkit.behavior import Filtering, Mapping
from stunkit.cli.render import nat as render
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import ResolutionError
from stunkit.nat.report import NOT_ASKED, Evidence, Lifetime, Ports, Report
from stunkit.net.discovery.path import Asked
from stunkit.net.nat import NatResult
from stunkit.wire.uri import Uri

LOCAL, MAPPED = Endpoint.of("10.0.0.2", 40000), Endpoint.of("203.0.113.1", 40000)
SERVER = Endpoint.of("198.51.100.1", 3478)
NAME = Uri.parse("stun.example.org")
ASKED = Asked(NAME, Family.IPV4, SERVER)
FIELDS = {
    "udp": True,
    "local": LOCAL,
    "mapped": MAPPED,
    "nat": True,
    "mapping": Mapping.ENDPOINT_INDEPENDENT,
    "filtering": Filtering.ADDRESS_AND_PORT_DEPENDENT,
    "port_preserved": True,
    "hairpin": None,
    "rewritten": False,
}


def report(**changes) -> Report:
    fields = FIELDS | changes
    if "evidence" not in fields:
        claims = {name: fields[name] for name in fields if name not in ("local", "mapped")}
        fields["evidence"] = tuple(
            Evidence(name, value, NOT_ASKED if name == "hairpin" else f"why {name}", ("a probe",))
            for name, value in claims.items()
        )
    return Report(**fields)


SILENT = dict.fromkeys(FIELDS) | {"local": LOCAL, "evidence": (Evidence("udp", None, "silence"),)}


def result(ipv4=None, ipv6=None, asked=(ASKED,)) -> NatResult:
    return NatResult(ipv4, ipv6, 1.23456, asked)


def document(**changes):
    return json.loads(render.to_json(result(report(**changes))))


def test_json_has_the_fields_of_the_contract():
    whole = document()
    assert list(whole)[:4] == ["schema", "elapsed", "ipv4", "ipv6"]
    assert whole["schema"] == "stunkit/nat/1"
    assert whole["elapsed"] == 1.235
    assert whole["ipv6"] is None
    promised = {
        "udp": "open",
        "local": "10.0.0.2:40000",
        "mapped": "203.0.113.1:40000",
        "nat": True,
        "mapping": "endpoint-independent",
        "filtering": "address-and-port-dependent",
        "port_preserved": True,
        "hairpin": None,
        "lifetime": None,
        "fragments": None,
        "rewritten": False,
        "legacy": "port restricted cone",
    }
    assert {name: whole["ipv4"][name] for name in promised} == promised
    assert set(whole["ipv4"]["evidence"][0]) == {"claim", "value", "why", "probes"}


def test_json_says_who_was_asked_and_what_went_wrong():
    lost = Asked(Uri.parse("gone.example"), Family.IPV6, None, ResolutionError("gone", "no\x1b"))
    servers = render.to_document(result(report(), asked=(ASKED, lost)))["servers"]
    assert servers == [
        {
            "family": "ipv4",
            "name": "stun:stun.example.org",
            "server": "198.51.100.1:3478",
            "error": None,
        },
        {
            "family": "ipv6",
            "name": "stun:gone.example",
            "server": None,
            "error": "cannot resolve gone: no\\x1b",
        },
    ]


def test_json_has_words_for_what_is_unknown():
    one = document(mapping=None, filtering=None, nat=None, port_preserved=None)["ipv4"]
    assert one["mapping"] == one["filtering"] == "unknown"
    assert one["nat"] is one["port_preserved"] is one["legacy"] is None
    assert document(**SILENT)["ipv4"]["udp"] == "unknown"
    assert document(**SILENT | {"udp": False})["ipv4"]["udp"] == "blocked"
    assert document(**SILENT | {"udp": False})["ipv4"]["legacy"] == "UDP blocked"


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"mapping": None, "nat": None},
        {"mapping": Mapping.ADDRESS_DEPENDENT},
        SILENT,
        SILENT | {"udp": False},
        SILENT | {"udp": True},
    ],
    ids=str,
)
def test_json_gives_a_reason_for_everything_unknown(changes):
    one = document(**changes)["ipv4"]
    reasons = {item["claim"]: item["why"] for item in one["evidence"]}
    unknown = [name for name, value in one.items() if value in (None, "unknown")]
    assert all(reasons.get(name) for name in unknown)


def test_json_evidence_says_the_same_as_the_fields():
    one = document(mapping=None, udp=None)["ipv4"]
    assert all(item["value"] == one[item["claim"]] for item in one["evidence"])


def test_json_shows_a_lifetime_as_a_range():
    evidence = (Evidence("lifetime", Lifetime(30.0, 60.0), "seen"),)
    one = document(lifetime=Lifetime(30.0, 60.0), evidence=evidence)["ipv4"]
    assert one["lifetime"] == {"at_least": 30.0, "at_most": 60.0}
    item = next(item for item in one["evidence"] if item["claim"] == "lifetime")
    assert item["value"] == {"at_least": 30.0, "at_most": 60.0}


def test_json_lists_what_was_seen():
    one = document(public_addresses=("203.0.113.1", "203.0.113.2"), ports=(Ports(1, 2),))["ipv4"]
    assert one["public_addresses"] == ["203.0.113.1", "203.0.113.2"]
    assert one["ports"] == [{"local": 1, "mapped": 2}]


def table(*reports: Report | None) -> dict[str, tuple[str, ...]]:
    headings, *rows = render.facts(result(*reports))
    assert headings[0] == ""
    return {row[0]: row[1:] for row in rows}


def test_facts_are_a_short_table():
    assert table(report()) == {
        "seen as": ("203.0.113.1:40000",),
        "asked from": ("10.0.0.2:40000",),
        "NAT": ("yes",),
        "mapping": ("endpoint-independent",),
        "filtering": ("address-and-port-dependent",),
        "port preserved": ("yes",),
        "legacy name": ("port restricted cone",),
    }


def test_facts_have_a_column_for_each_family():
    facts = table(report(), report(nat=False, mapped=LOCAL, port_preserved=None))
    assert facts["NAT"] == ("yes", "no")
    assert facts["port preserved"] == ("yes", "-")
    assert facts["legacy name"] == ("port restricted cone", "symmetric UDP firewall")
    assert render.facts(result(report(), report()))[0] == ("", "IPv4", "IPv6")
    assert render.facts(result(None, report()))[0] == ("", "IPv6")


def test_facts_give_a_legacy_name_only_where_one_truly_exists():
    assert "legacy name" not in table(report(mapping=Mapping.ADDRESS_DEPENDENT))
    assert "legacy name" not in table(report(filtering=None))


def test_facts_of_a_silent_path_are_that_it_is_silent():
    assert table(report(**SILENT)) == {"UDP": ("unknown",), "asked from": ("10.0.0.2:40000",)}
    blocked = table(report(**SILENT | {"udp": False}))
    assert blocked["UDP"] == ("blocked",)
    assert blocked["legacy name"] == ("UDP blocked",)
    assert "mapping" not in blocked
    assert table(report(), report(**SILENT))["mapping"] == ("endpoint-independent", "-")


def test_facts_show_what_was_asked_for():
    evidence = (
        Evidence("hairpin", value=True, why="it came back"),
        Evidence("lifetime", Lifetime(30.0, None), "it lived"),
        Evidence("fragments", None, "the server knows no PADDING"),
    )
    one = report(hairpin=True, lifetime=Lifetime(30.0, None), evidence=evidence)
    facts = table(one)
    assert facts["hairpin"] == ("yes",)
    assert facts["lifetime"] == ("over 30 s",)
    assert facts["fragments"] == ("unknown",)
    assert render.notes(result(one)) == ["Fragments unknown: the server knows no PADDING."]
    bounded = report(lifetime=Lifetime(30.0, 60.0), evidence=evidence)
    assert table(bounded)["lifetime"] == ("30 to 60 s",)


def test_facts_show_several_public_addresses_and_rewriting():
    one = report(public_addresses=("203.0.113.1", "203.0.113.2"), rewritten=True)
    assert table(one)["public addresses"] == ("203.0.113.1, 203.0.113.2",)
    assert table(one)["rewritten"] == ("yes",)
    assert "Why rewritten." in render.notes(result(one))


def test_notes_say_why_something_is_unknown():
    assert render.notes(result(report())) == []
    assert render.notes(result(report(filtering=None))) == ["Filtering unknown: why filtering."]
    both = result(report(filtering=None), report(**SILENT))
    assert render.notes(both) == [
        "IPv4: filtering unknown: why filtering.",
        "IPv6: UDP is unknown: silence.",
    ]


def test_notes_name_the_servers_that_could_not_be_asked():
    lost = Asked(NAME, Family.IPV6, None, ResolutionError("stun.example.org", "no address"))
    said = "stun.example.org: cannot resolve stun.example.org: no address"
    assert render.notes(result(None, None, (lost,))) == [said]
    assert render.notes(result(report(), None, (ASKED, lost))) == []  # the other family does


def test_says_who_was_asked():
    assert render.asked_line(result()) == "asked stun.example.org 198.51.100.1:3478 in 1.2 s"
    plain = Asked(Uri.parse("198.51.100.1"), Family.IPV4, SERVER)
    assert render.asked_line(result(asked=(plain, plain))) == "asked 198.51.100.1:3478 in 1.2 s"
    assert render.asked_line(result(asked=())) == ""


def test_items_group_what_is_unknown_for_one_reason():
    shown = render.items(result(report()))
    by_claim = {item.claim: item for item in shown}
    assert by_claim["mapping"].value == "endpoint-independent"
    assert by_claim["mapping"].why == "why mapping"
    assert by_claim["mapping"].probes == "a probe"
    assert by_claim["lifetime, fragments, answers through"].value == "unknown"
    assert by_claim["lifetime, fragments, answers through"].why == NOT_ASKED


def test_items_name_the_family_where_there_are_two():
    claims = [item.claim for item in render.items(result(report(), report()))]
    assert "IPv4 mapping" in claims
    assert "IPv6 mapping" in claims


def test_escapes_what_came_from_the_network():
    evil = report(mapping=None, evidence=(Evidence("mapping", None, "\x1b[2J", ("\x07",)),))
    shown = str(render.items(result(evil))) + str(render.notes(result(evil)))
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "\\u001b" not in render.to_json(result(evil))


@pytest.mark.parametrize(
    ("changes", "is_shown"),
    [
        ({}, True),
        ({"mapping": Mapping.ADDRESS_DEPENDENT}, False),
        (
            {
                "mapping": Mapping.ADDRESS_DEPENDENT,
                "filtering": Filtering.ENDPOINT_INDEPENDENT,
            },
            True,
        ),
        ({"nat": False}, False),
    ],
)
def test_how_strangers_are_answered_is_shown_where_they_get_in(
    changes: dict[str, object], is_shown: bool
):
    evidence = (Evidence("answers_through", None, "asked in vain"),)
    one = report(**changes, evidence=evidence)
    assert ("answers through" in table(one)) is is_shown
    assert any("asked in vain" in note for note in render.notes(result(one))) is is_shown
