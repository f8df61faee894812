import json

from stunkit.cli.render.whoami import HEADINGS, row, sentences, short, to_document, to_json
from stunkit.endpoint import Endpoint, Family
from stunkit.errors import Refused, ResolutionError
from stunkit.net.whoami import Answer, Whoami
from stunkit.wire.uri import Transport, Uri

IPV4 = Answer(
    Uri.parse("198.51.100.1"),
    Transport.UDP,
    Family.IPV4,
    Endpoint.of("198.51.100.1", 3478),
    Endpoint.of("10.0.0.2", 40000),
    Endpoint.of("203.0.113.1", 40000),
    0.0008,
)
IPV6 = Answer(
    Uri.parse("stun.example.org:3479"),
    Transport.TCP,
    Family.IPV6,
    Endpoint.of("2001:db8::5", 3479),
    Endpoint.of("2001:db8::1", 40001),
    Endpoint.of("2001:db8::1", 40001),
    None,
)
REFUSED = IPV4._replace(
    mapped=None, rtt=None, error=Refused(420, "Unknown\x1b[2J Attribute", (0x8000,))
)
LOST = Answer(
    Uri.parse("stun.example.net"),
    Transport.UDP,
    error=ResolutionError("stun.example.net", "no address"),
)


def test_json_is_the_contracts():
    # with "name", which the contract does not ask for
    assert json.loads(to_json(Whoami((IPV4,)))) == {
        "schema": "stunkit/whoami/1",
        "public": {"ipv4": "203.0.113.1", "ipv6": None},
        "consensus": True,
        "answers": [
            {
                "family": "ipv4",
                "name": "stun:198.51.100.1",
                "server": "198.51.100.1:3478",
                "transport": "udp",
                "local": "10.0.0.2:40000",
                "mapped": "203.0.113.1:40000",
                "rtt_ms": 0.8,
                "error": None,
            }
        ],
    }


def test_json_opens_with_its_schema_and_stands_on_one_line():
    text = to_json(Whoami((IPV4, IPV6, REFUSED, LOST)))
    assert text.startswith('{"schema": "stunkit/whoami/1", ')
    assert "\n" not in text


def test_json_writes_null_for_what_is_not_known():
    document = to_document(Whoami((LOST,)))
    assert document["public"] == {"ipv4": None, "ipv6": None}
    assert document["consensus"] is None
    (answer,) = document["answers"]
    unknown = {key for key, value in answer.items() if value is None}
    assert unknown == {"family", "server", "local", "mapped", "rtt_ms"}
    assert answer["error"] == "cannot resolve stun.example.net: no address"


def test_json_escapes_what_a_server_wrote():
    (answer,) = to_document(Whoami((REFUSED,)))["answers"]
    assert answer["error"] == r"refused with 420 Unknown\x1b[2J Attribute 0x8000"


def test_short_is_one_bare_address_a_family():
    assert short(Whoami((IPV6, IPV4))) == ["203.0.113.1", "2001:db8::1"]
    assert short(Whoami((LOST,))) == []


def test_one_sentence_names_both_addresses():
    assert sentences(Whoami((IPV4, IPV6))) == [
        "The world sees you as 203.0.113.1 (IPv4) and 2001:db8::1 (IPv6)."
    ]


def test_a_sentence_tells_of_disagreement():
    other = IPV4._replace(mapped=Endpoint.of("203.0.113.9", 40000))
    first, second = sentences(Whoami((IPV4, IPV4, other)))
    assert first == "The world sees you as 203.0.113.1 (IPv4)."
    assert second.startswith("The servers disagree over IPv4: 203.0.113.1 (2x), 203.0.113.9 (1x).")


def test_no_sentence_picks_an_address_without_a_majority():
    other = IPV4._replace(mapped=Endpoint.of("203.0.113.9", 40000))
    (sentence,) = sentences(Whoami((IPV4, other)))
    assert sentence.startswith("The servers disagree over IPv4: ")


def test_a_sentence_says_when_nobody_answered():
    assert sentences(Whoami((LOST, REFUSED))) == ["Nobody said where they see you."]


def test_a_sentence_tells_of_a_server_behind_a_proxy():
    proxied = IPV4._replace(mapped=Endpoint.of("172.17.0.1", 40000))
    (said,) = sentences(Whoami((proxied,)))
    assert said.startswith("198.51.100.1:3478 sees 172.17.0.1, which the internet does not route")
    assert sentences(Whoami((IPV4, proxied))) == ["The world sees you as 203.0.113.1 (IPv4).", said]


def test_a_row_has_a_cell_for_each_heading():
    assert row(IPV4) == (
        "198.51.100.1:3478",
        "udp",
        "10.0.0.2:40000",
        "203.0.113.1:40000",
        "0.8 ms",
    )
    assert len(row(IPV4)) == len(HEADINGS)


def test_a_row_names_the_server_and_says_when_there_is_no_nat():
    assert row(IPV6) == (
        "stun.example.org [2001:db8::5]:3479",
        "tcp",
        "[2001:db8::1]:40001",
        "[2001:db8::1]:40001 (no NAT)",
        "-",
    )


def test_a_row_says_why_there_is_no_answer():
    assert row(LOST) == (
        "stun.example.net",
        "udp",
        "-",
        "cannot resolve stun.example.net: no address",
        "-",
    )
    assert row(REFUSED)[3] == r"refused with 420 Unknown\x1b[2J Attribute 0x8000"


def test_a_row_cannot_be_broken_into_two_by_a_server():
    forged = REFUSED._replace(error=Refused(500, "no\nThe world sees you as 192.0.2.66 (IPv4)."))
    assert "\n" not in "".join(row(forged))
