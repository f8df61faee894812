import re

import pytest

from stunkit.errors import Malformed
from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.attributes.table import ATTRIBUTES, decode_attribute
from stunkit.wire.attributes.text import Software
from stunkit.wire.registry import AttributeType, attribute_name

ID = bytes(12)

# Registered, but only by name: drafts, vendors, and extensions that nothing here speaks.
WITHOUT_CLASS = {
    "BANDWIDTH",
    "ACCESS-TOKEN",
    "TIMER-VAL",
    "CONNECTION-ID",
    "TRANSACTION_TRANSMIT_COUNTER",
    "ECN-CHECK STUN",
    "THIRD-PARTY-AUTHORIZATION",
    "MOBILITY-TICKET",
    "CISCO-STUN-FLOWDATA",
    "ENF-FLOW-DESCRIPTION",
    "ENF-NETWORK-STATUS",
    "GOOG-NETWORK-INFO",
    "GOOG-LAST-ICE-CHECK-RECEIVED",
    "GOOG-MISC-INFO",
    "GOOG-OBSOLETE-1",
    "GOOG-CONNECTION-ID",
    "GOOG-DELTA",
    "GOOG-DELTA-ACK",
    "GOOG-MESSAGE-INTEGRITY-32",
    "DTLS-IN-STUN",
    "DTLS-IN-STUN-ACKNOWLEDGEMENT",
}


@pytest.mark.parametrize(("number", "kind"), ATTRIBUTES.items())
def test_finds_the_class_that_has_the_registered_name(number: int, kind: type[Attribute]) -> None:
    assert kind.type == number
    spelled = re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).upper()
    assert spelled == attribute_name(number)


def test_holds_every_registered_attribute_but_those_listed() -> None:
    missing = {attribute_name(number) for number in AttributeType if number not in ATTRIBUTES}
    assert missing == WITHOUT_CLASS


def test_decodes_by_number() -> None:
    assert decode_attribute(0x8022, b"stunkit", ID) == Software("stunkit")


@pytest.mark.parametrize("number", [0x0010, 0x7FFF, 0xC057])
def test_decodes_nothing_when_there_is_no_class(number: int) -> None:
    assert decode_attribute(number, b"anything", ID) is None


def test_says_where_in_the_value_it_is_malformed() -> None:
    with pytest.raises(Malformed) as caught:
        decode_attribute(0x8001, b"\2\0\4\x28ab\xff", ID)
    assert (caught.value.place, caught.value.offset) == ("ADDRESS-ERROR-CODE", 6)
