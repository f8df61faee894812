from __future__ import annotations

from importlib.resources import files

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import NoAnswer, Refused, ResolutionError, Unreachable, UsageError
from stunkit.ice.finding import Severity
from stunkit.ice.hosts import Omission
from stunkit.ice.interface import InterfaceAddress
from stunkit.net.gathered import Gathered
from stunkit.net.remark import RemarkCode as Code
from stunkit.net.remark import remarks
from tests.gathering import (
    ETHERNET,
    HOME,
    HOST,
    PLAIN,
    RELAY,
    RELAYED,
    SOUTH,
    SOUTH_ENDPOINT,
    TUNNEL,
    answer,
    gathering,
    host,
    miss,
    reflexive,
)

SEEN = "192.31.196.7:4000"
SILENCE = NoAnswer(3, 3.0)
NOWHERE = Unreachable("no route to host")


def texts(gathered: Gathered, code: Code) -> list[str]:
    return [one.text for one in remarks(gathered) if one.code is code]


def codes(gathered: Gathered) -> list[str]:
    return [one.code for one in remarks(gathered)]


def test_of_what_is_well_only_what_browsers_hide_is_said():
    gathered = gathering(host(), reflexive(SEEN), answers=(answer(),))
    assert codes(gathered) == [Code.BROWSER_HIDES]
    (text,) = texts(gathered, Code.BROWSER_HIDES)
    assert "an mDNS name instead of the address of host 10.0.0.2:4000/udp" in text
    assert "does not use" not in text


def test_the_worst_comes_first():
    gathered = gathering(
        host(), host(TUNNEL), misses=(miss(SILENCE),), answers=(), was_answered=False
    )
    ranks = [list(Severity).index(one.severity) for one in remarks(gathered)]
    assert ranks == sorted(ranks)
    assert codes(gathered)[0] == Code.SERVERS_SILENT


def test_nobody_is_called_silent_who_was_not_asked():
    assert Code.SERVERS_SILENT not in codes(gathering(host(), was_answered=None))


@pytest.mark.parametrize("candidates", [(), (host(HOME),)])
def test_a_host_without_an_address_is_told_so(candidates):
    assert Code.NO_ADDRESS in codes(gathering(*candidates))


def test_a_server_that_answers_from_nowhere_is_blamed_once():
    misses = (miss(SILENCE, SOUTH), miss(NOWHERE, SOUTH, TUNNEL))
    answers = (answer(), answer(address=TUNNEL))
    gathered = gathering(host(), host(TUNNEL), misses=misses, answers=answers)
    (text,) = texts(gathered, Code.SERVER_FAILED)
    assert text == (
        "stun:198.51.100.9:3478 gave eth0 (ethernet, 10.0.0.2) and wg0 (vpn, 10.8.0.2) no answer to"
        " use: no answer in 3.0 s (asked 3 times) and no route to host. Check its address and port."
    )
    assert Code.INTERFACE_FAILED not in codes(gathered)


def test_an_interface_that_leads_to_no_server_is_blamed_once():
    misses = (miss(SILENCE, address=TUNNEL), miss(SILENCE, SOUTH, TUNNEL))
    answers = (answer(), answer(SOUTH))
    gathered = gathering(host(), host(TUNNEL), misses=misses, answers=answers)
    (text,) = texts(gathered, Code.INTERFACE_FAILED)
    assert text.startswith("wg0 (vpn, 10.8.0.2) leads to no server")
    assert text.count("no answer in 3.0 s") == 1
    assert Code.SERVER_FAILED not in codes(gathered)


def test_one_question_of_many_that_failed_is_the_servers():
    misses = (miss(Refused(500, "Server Error"), SOUTH, TUNNEL),)
    answers = (answer(), answer(SOUTH), answer(address=TUNNEL))
    gathered = gathering(host(), host(TUNNEL), misses=misses, answers=answers)
    (text,) = texts(gathered, Code.SERVER_FAILED)
    assert "gave wg0 (vpn, 10.8.0.2) no answer to use: refused with 500" in text


def test_a_name_that_leads_nowhere_is_said_once_for_both_families():
    unknown = ResolutionError("north.example", "name or service not known")
    misses = (miss(unknown, address=None), miss(unknown, address=None))
    (text,) = texts(gathering(host(), misses=misses, was_answered=False), Code.SERVER_FAILED)
    assert text == "Cannot resolve north.example: name or service not known. Check the name."


def test_a_name_that_has_the_other_family_is_no_fault():
    missing = miss(ResolutionError("north.example", "no address"), address=None)
    gathered = gathering(host(), misses=(missing,), answers=(answer(),))
    assert codes(gathered) == [Code.BROWSER_HIDES]


def test_a_server_that_cannot_be_asked_is_named():
    error = UsageError("a server to gather from", "stuns:north.example", "ask it over UDP")
    gathered = gathering(host(), misses=(miss(error, address=None),))
    assert texts(gathered, Code.SERVER_NOT_ASKED) == [f"{error}."]


def test_a_socket_that_cannot_be_opened_is_told():
    missing = miss(Unreachable("cannot assign requested address"), None, TUNNEL, HOST)
    (text,) = texts(gathering(host(), misses=(missing,)), Code.INTERFACE_FAILED)
    assert "wg0 (vpn, 10.8.0.2)" in text
    assert "cannot assign requested address" in text


def test_a_relay_that_fails_is_told_once_for_all_addresses():
    refusal = Refused(401, "Unauthorized")
    misses = tuple(miss(refusal, RELAY, one, RELAYED) for one in (PLAIN, TUNNEL))
    (text,) = texts(gathering(host(), misses=misses), Code.RELAY_FAILED)
    assert text.startswith(
        "turn:relay.example over UDP gave eth0 (ethernet, 10.0.0.2) and wg0 (vpn, 10.8.0.2) no"
        " relayed address: refused with 401 Unauthorized."
    )


def test_one_socket_with_two_mappings_is_told():
    other = reflexive("192.31.196.7:5000", server=SOUTH_ENDPOINT, preference=65534)
    gathered = gathering(host(), reflexive(SEEN), other, answers=(answer(),))
    (text,) = texts(gathered, Code.MAPPING_VARIES)
    assert "The one socket 10.0.0.2:4000 is seen as" in text
    assert "192.31.196.7:5000 by 198.51.100.9:3478" in text
    assert f"{SEEN} by 198.51.100.1:3478" in text


@pytest.mark.parametrize(
    ("mapped", "server"),
    [
        ("10.0.0.2:4000", "10.0.0.9:3478"),
        ("172.17.0.1:5000", "198.51.100.9:3478"),
        ("198.51.100.9:5000", "198.51.100.9:3478"),
    ],
    ids=["on our side", "behind a bridge", "behind a node"],
)
def test_a_server_that_sees_no_mapping_does_not_make_it_vary(mapped: str, server: str):
    other = reflexive(mapped, server=Endpoint.parse(server), preference=65534)
    gathered = gathering(host(), reflexive(SEEN), other, answers=(answer(),))
    assert Code.MAPPING_VARIES not in codes(gathered)


def test_two_sockets_with_a_mapping_each_are_usual():
    gathered = gathering(host(), reflexive(SEEN), reflexive("192.31.196.7:9", TUNNEL, 4001))
    assert Code.MAPPING_VARIES not in codes(gathered)


def test_what_no_nat_changed_is_redundant():
    gathered = gathering(host(), reflexive("10.0.0.2:4000"))
    (text,) = texts(gathered, Code.REDUNDANT)
    assert text.startswith("srflx 10.0.0.2:4000/udp is host 10.0.0.2:4000/udp itself")


def test_a_vpn_is_named_with_what_it_is_seen_as():
    gathered = gathering(host(), host(TUNNEL), reflexive("192.31.196.7:77", TUNNEL))
    (text,) = texts(gathered, Code.VPN)
    assert text.startswith("wg0 is a VPN: ")
    assert "seen as 192.31.196.7:77" in text
    (hidden,) = texts(gathered, Code.BROWSER_HIDES)
    assert "does not use host 10.8.0.2:4000/udp and srflx 192.31.196.7:77/udp" in hidden


@pytest.mark.parametrize("reason", Omission)
def test_what_is_left_out_is_said_with_the_reason(reason: Omission):
    address = InterfaceAddress(ETHERNET, Endpoint.of("2001:db8::5", 0), 64)
    gathered = gathering(host())._replace(omitted=((address, reason),))
    found = texts(gathered, Code.LEFT_OUT)
    if reason is Omission.LOOPBACK:  # nobody expects it
        assert found == []
    else:
        assert found[0].startswith("2001:db8::5 of eth0 is left out: ")


@pytest.mark.parametrize("code", Code)
def test_the_manual_explains_every_code(code: Code):
    page = (files("stunkit") / "manual" / "candidates.md").read_text("utf-8")
    assert f"`{code}`" in page
