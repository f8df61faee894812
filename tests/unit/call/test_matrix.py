from __future__ import annotations

from pathlib import Path

import pytest

from stunkit.call.assumption import Whose
from stunkit.call.drawing import word
from stunkit.call.matrix import NATS, ROWS, Cell, cell, matrix, shared
from stunkit.call.simulation import Outcome

PAGE = Path(__file__).parents[3] / "stunkit/manual/calls.md"
BY_NAME = {row.name: row for row in ROWS}


def test_rows_are_all_combinations_and_three_more():
    assert len(NATS) == 9
    assert len(ROWS) == 12


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        ("EIM APDF", "EIM APDF", Cell(Outcome.DIRECT)),
        ("EIM APDF", "APDM APDF", Cell(Outcome.RELAY)),
        ("EIM ADF", "APDM APDF", Cell(Outcome.DIRECT)),
        ("ADM EIF", "ADM EIF", Cell(Outcome.DIRECT)),
        ("ADM EIF", "APDM ADF", Cell(Outcome.DIRECT)),
        ("ADM ADF", "ADM ADF", Cell(Outcome.RELAY)),
        ("APDM EIF", "APDM EIF", Cell(Outcome.UNKNOWN)),
        ("no UDP", "public", Cell(Outcome.RELAY, Whose.OURS)),
        ("public", "no UDP", Cell(Outcome.RELAY, Whose.THEIRS)),
        ("no UDP", "no UDP", Cell(Outcome.RELAY, Whose.BOTH)),
    ],
)
def test_cell_is_computed(ours: str, theirs: str, expected: Cell):
    assert cell(BY_NAME[ours], BY_NAME[theirs]) == expected


@pytest.mark.parametrize("name", ["EIM APDF", "ADM ADF", "APDM EIF"])
def test_row_of_the_manual_is_what_is_computed(name: str):
    (line,) = [line for line in PAGE.read_text().splitlines() if f"| **{name}** | direct" in line][
        :1
    ]
    words = [part.strip() for part in line.strip("|").split("|")][1:]
    assert words == [word(cell(BY_NAME[name], other)) for other in ROWS]


def test_matrix_has_every_cell():
    few = (BY_NAME["public"], BY_NAME["EIM EIF"])
    assert set(matrix(few)) == {(one.name, other.name) for one in few for other in few}


def test_one_nat_needs_hairpinning_that_was_seen():
    assert shared(BY_NAME["EIM APDF"], hairpin=True) is Outcome.DIRECT
    assert shared(BY_NAME["EIM APDF"], hairpin=False) is Outcome.UNKNOWN
