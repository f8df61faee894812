import csv
import re
from pathlib import Path

import pytest

from stunkit.wire.registry import (
    COMPREHENSION_OPTIONAL,
    AttributeType,
    Code,
    MessageClass,
    Method,
    PasswordAlgorithmNumber,
    attribute_name,
    method_name,
    reason_phrase,
)

IANA = Path(__file__).parents[2] / "data" / "iana"
_WAS = re.compile(r"Reserved(?:; was | \(was )([A-Za-z-]+)")


def registered(file: str) -> dict[int, str]:
    """Return number and name of every row that has a name, be it a former one."""
    names = {}
    with (IANA / file).open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            former = _WAS.match(row["Name"])
            if former:
                names[int(row["Value"], 0)] = former[1]
            elif not row["Name"].startswith(("Reserved", "Unassigned")):
                names[int(row["Value"], 0)] = row["Name"]
    return names


ATTRIBUTES = registered("stun-parameters-4.csv")
METHODS = registered("stun-parameters-2.csv")
CODES = registered("stun-parameters-6.csv")


def test_the_registries_are_read_whole() -> None:
    assert (len(ATTRIBUTES), len(METHODS), len(CODES)) == (65, 11, 18)
    assert ATTRIBUTES[0x0002] == "RESPONSE-ADDRESS"
    assert ATTRIBUTES[0x0021] == "TIMER-VAL"
    assert METHODS[0x002] == "SharedSecret"


def test_names_every_attribute_as_registered_and_nothing_else() -> None:
    for number in range(0x10000):
        assert attribute_name(number) == ATTRIBUTES.get(number, f"0x{number:04X}")


def test_names_every_method_as_registered_and_nothing_else() -> None:
    for number in range(0x1000):
        assert method_name(number) == METHODS.get(number, f"0x{number:03X}")


def test_phrases_every_error_code_as_registered_and_nothing_else() -> None:
    for code in range(1000):
        assert reason_phrase(code) == CODES.get(code, "")


@pytest.mark.parametrize(
    ("members", "names"), [(AttributeType, ATTRIBUTES), (Method, METHODS), (Code, CODES)]
)
def test_has_a_member_for_each_registered_number(
    members: type[AttributeType | Method | Code], names: dict[int, str]
) -> None:
    assert {member.value for member in members} == set(names)
    assert len(members.__members__) == len(names)  # no second name for one number


def test_spells_its_members_as_the_registered_attribute_names() -> None:
    for member in AttributeType:
        assert member.name == re.sub("[- ]", "_", ATTRIBUTES[member])


def test_numbers_the_classes_by_their_two_bits() -> None:
    # RFC 8489 section 5
    assert [int(member) for member in MessageClass] == [0b00, 0b01, 0b10, 0b11]
    assert [member.name for member in MessageClass] == [
        "REQUEST",
        "INDICATION",
        "SUCCESS_RESPONSE",
        "ERROR_RESPONSE",
    ]


def test_numbers_the_password_algorithms() -> None:
    # RFC 8489 section 18.5
    assert (PasswordAlgorithmNumber.MD5, PasswordAlgorithmNumber.SHA256) == (1, 2)


def test_splits_the_types_where_comprehension_becomes_optional() -> None:
    assert COMPREHENSION_OPTIONAL == 0x8000  # RFC 8489 section 14
