from __future__ import annotations

import pytest

from stunkit.endpoint import Endpoint
from stunkit.nat.report import Ports
from stunkit.nat.sighting import Sighting
from stunkit.nat.verdict import describe_ports, judge_nat, judge_ports, judge_rewriting
from tests.unit.nat.exchange import LOCAL, MAPPED, OTHER, SERVER

KEPT, OTHERS, MORE = Ports(50000, 50000), Ports(50001, 1025), Ports(50002, 1030)


def seen(mixed: Endpoint | None, plain: Endpoint | None = None, **more: Endpoint) -> Sighting:
    return Sighting(more.get("local", LOCAL), more.get("server", SERVER), plain, mixed)


def test_nat_is_there_when_every_server_sees_another_endpoint():
    assert judge_nat([seen(MAPPED), seen(MAPPED.with_port(1))], "") == (
        True,
        "10.0.0.2:50000 is seen as 203.0.113.1:40000",
    )


def test_nat_is_not_there_when_every_server_sees_our_own():
    assert judge_nat([seen(LOCAL), seen(LOCAL)], "") == (
        False,
        "we are seen as what we are: 10.0.0.2:50000",
    )


def test_nat_may_change_the_port_alone():
    assert judge_nat([seen(LOCAL.with_port(1))], "")[0] is True


def test_nat_is_unknown_when_servers_disagree():
    why = "some servers see our own endpoint, some another"
    assert judge_nat([seen(LOCAL), seen(MAPPED, server=OTHER)], "") == (None, why)


def test_nat_is_unknown_without_a_sighting():
    assert judge_nat([], "") == (None, "nobody said where they see us")
    assert judge_nat([], "a proxy") == (None, "a proxy")


def test_nat_is_unknown_of_a_wildcard():
    wildcard = Endpoint.of("0.0.0.0", 50000)
    verdict, why = judge_nat([seen(MAPPED, local=wildcard)], "")
    assert verdict is None
    assert why.startswith("our own address is not known")


def test_no_nat_is_not_believed_of_mapped_address_alone():
    verdict, why = judge_nat([seen(None, plain=LOCAL)], "")
    assert verdict is None
    assert why.endswith("but in MAPPED-ADDRESS, which a gateway may rewrite")


def test_nat_is_believed_of_mapped_address_alone():
    assert judge_nat([seen(None, plain=MAPPED)], "")[0] is True


@pytest.mark.parametrize(
    ("nat", "ports", "verdict", "why"),
    [
        (True, (KEPT, KEPT), True, "2 sockets were seen with their own ports"),
        (True, (OTHERS, MORE), False, "2 sockets were seen with other ports than their own"),
        (
            True,
            (KEPT, OTHERS, MORE),
            None,
            "3 sockets were seen with their own port or another: 1 with their own",
        ),
        (True, (KEPT,), None, "it takes two sockets to tell"),
        (True, (), None, "it takes two sockets to tell"),
        (False, (KEPT, KEPT), None, "there is no NAT to assign ports"),
        (None, (KEPT, KEPT), None, "it is not known whether there is a NAT"),
    ],
)
def test_ports_are_preserved_when_several_sockets_keep_theirs(
    nat: bool | None, ports: tuple[Ports, ...], verdict: bool | None, why: str
):
    assert judge_ports(nat, ports) == (verdict, why)


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        ((), "no server said through which port it sees us"),
        ((KEPT,), "seen 50000 as 50000; parity kept by 1 of 1"),
        (
            (OTHERS, MORE, Ports(50003, 1000)),
            (
                "seen 50001 as 1025, 50002 as 1030, 50003 as 1000; "
                "parity kept by 2 of 3; from one to the next 5, -30"
            ),
        ),
    ],
)
def test_ports_are_described_as_they_were_seen(ports: tuple[Ports, ...], words: str):
    assert describe_ports(ports) == words


def test_rewriting_is_seen_where_the_two_attributes_differ():
    verdict, why = judge_rewriting([seen(MAPPED, plain=MAPPED), seen(MAPPED, plain=LOCAL)])
    assert verdict is True
    assert why == (
        "MAPPED-ADDRESS says 10.0.0.2:50000, XOR-MAPPED-ADDRESS 203.0.113.1:40000: "
        "something on the way rewrites addresses"
    )


def test_nothing_is_rewritten_where_they_agree():
    assert judge_rewriting([seen(MAPPED, plain=MAPPED), seen(MAPPED)])[0] is False


@pytest.mark.parametrize("one", [seen(MAPPED), seen(None, plain=MAPPED)])
def test_rewriting_is_unknown_where_there_is_only_one(one: Sighting):
    assert judge_rewriting([one])[0] is None
