from __future__ import annotations

from itertools import product
from xml.etree import ElementTree as ET

import pytest

from stunkit.call.assumption import Whose
from stunkit.call.drawing import draw, tabulate, tabulate_shared, word
from stunkit.call.matrix import NATS, ROWS, Cell
from stunkit.call.simulation import Outcome

CELLS = {
    (one.name, other.name): Cell(Outcome.DIRECT if one is other else Outcome.RELAY)
    for one, other in product(ROWS, repeat=2)
}


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (Cell(Outcome.DIRECT), "direct"),
        (Cell(Outcome.UNKNOWN), "depends"),
        (Cell(Outcome.RELAY), "relay"),
        (Cell(Outcome.RELAY, Whose.OURS), "relay here"),
        (Cell(Outcome.RELAY, Whose.THEIRS), "relay there"),
        (Cell(Outcome.RELAY, Whose.BOTH), "two relays"),
    ],
)
def test_cell_has_a_word(cell: Cell, expected: str):
    assert word(cell) == expected


def test_table_has_a_line_for_each_row():
    lines = tabulate(CELLS).splitlines()
    assert len(lines) == 2 + len(ROWS)
    assert {line.count("|") for line in lines} == {len(ROWS) + 2}
    assert lines[2].startswith("| **public** | direct | relay | relay")


def test_table_of_one_nat_has_a_line_for_each_nat():
    lines = tabulate_shared().splitlines()
    assert len(lines) == 2 + len(NATS)
    assert "| **EIM APDF** | direct | depends |" in lines


def test_picture_is_xml_with_a_square_for_each_cell_and_follows_the_dark():
    text = draw(CELLS)
    root = ET.fromstring(text)
    squares = root.findall(".//{http://www.w3.org/2000/svg}rect")
    assert len(squares) == len(ROWS) ** 2
    assert sum(square.get("class") == "direct" for square in squares) == len(ROWS)
    assert "prefers-color-scheme: dark" in text
