import pytest

from stunkit.endpoint import Endpoint
from stunkit.ice.browser import Shown, shown_to_page
from stunkit.ice.candidate import CandidateType
from stunkit.ice.interface import Interface, InterfaceAddress, InterfaceKind

HOST, REFLEXIVE, RELAYED = (
    CandidateType.HOST,
    CandidateType.SERVER_REFLEXIVE,
    CandidateType.RELAYED,
)


def address(host: str, *, is_default: bool = False) -> InterfaceAddress:
    interface = Interface("eth0", 2, InterfaceKind.ETHERNET)
    return InterfaceAddress(interface, Endpoint.of(host, 0), 24, is_default=is_default)


@pytest.mark.parametrize(
    ("kind", "is_default", "shown"),
    [
        (HOST, True, Shown.MDNS),
        (REFLEXIVE, True, Shown.YES),
        (RELAYED, True, Shown.YES),
        (HOST, False, Shown.PERMITTED),
        (REFLEXIVE, False, Shown.PERMITTED),
    ],
)
def test_a_page_sees(kind: CandidateType, is_default: bool, shown: Shown):
    assert shown_to_page(kind, address("10.0.0.2", is_default=is_default)) is shown


@pytest.mark.parametrize("host", ["fe80::1%2", "127.0.0.1", "::1"])
def test_a_page_never_sees(host: str):
    assert shown_to_page(HOST, address(host, is_default=True)) is Shown.NO
