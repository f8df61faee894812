import pytest

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import Unencodable
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Quartet, Site
from stunkit.wire.message import Message
from stunkit.wire.registry import Method

HERE = Endpoint(bytes((192, 0, 2, 1)), 3478)
V4 = Endpoint(bytes((198, 51, 100, 1)), 5000)
V6 = Endpoint(bytes.fromhex("20010db8000000000000000000000001"), 5000)
BLANK = Message.request(Method.BINDING, bytes(12)).raw


def test_sends_no_software_by_default():
    assert Site().software is None
    assert Site().software_size == 0


@pytest.mark.parametrize(
    ("software", "size"),
    [("", 4), ("a", 8), ("abcd", 8), ("abcde", 12), ("é", 8), ("ééé", 12), ("x" * 127, 132)],
)
def test_software_takes_its_padded_utf8_and_a_header(software: str, size: int):
    assert Site(software).software_size == size


@pytest.mark.parametrize("software", ["x" * 128, "\ud800"])
def test_refuses_software_that_fits_into_no_answer(software: str):
    with pytest.raises(Unencodable, match="SOFTWARE"):
        Site(software)


@pytest.mark.parametrize(
    ("request_size", "family", "budget"),
    [
        (20, Family.IPV4, 32),
        (20, Family.IPV6, 44),
        (28, Family.IPV4, 40),
        (28, Family.IPV6, 52),
        (548, Family.IPV4, 560),
    ],
)
def test_budget_is_the_request_and_one_mapped_address(
    request_size: int, family: Family, budget: int
):
    assert Site().budget(request_size, family) == budget
    assert Site("abcd").budget(request_size, family) == budget + 8


def test_budget_covers_a_header_when_the_request_is_shorter():
    assert Site().budget(0, Family.IPV4) == 32
    assert Site().budget(19, Family.IPV6) == 44


@pytest.mark.parametrize("source", [V4, V6], ids=lambda endpoint: endpoint.family)
@pytest.mark.parametrize("site", [Site(), Site("abcde")], ids=["bare", "software"])
def test_success_to_a_blank_request_uses_up_the_budget(source: Endpoint, site: Site):
    answer = respond(Received(BLANK, source, HERE), site)
    assert len(answer.data) == site.budget(len(BLANK), source.family)


def test_budget_covers_the_addresses_that_rfc_5780_adds():
    sockets = (HERE, HERE.with_port(3479), V4, V4.with_port(3479))
    site = Site(quartet=Quartet(sockets, sockets))
    assert site.budget(20, Family.IPV4) == 20 + 4 * 12
    assert site.budget(20, Family.IPV6) == 20 + 4 * 24
