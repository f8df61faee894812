from enum import StrEnum
from typing import NamedTuple

from stunkit.cli.render.redaction import redacted


class Word(StrEnum):
    PLAIN = "10.0.0.1"


class Row(NamedTuple):
    text: str
    number: int


def test_goes_through_everything_and_keeps_its_types():
    value = {
        "10.0.0.9": ["at 10.0.0.1", None, 4],
        "rows": (Row("from 10.0.0.2 to 10.0.0.1:80", 7),),
        "word": Word.PLAIN,
        "pair": ("10.0.0.2", 1.5),
    }
    hidden = redacted(value)
    assert hidden == {
        "10.0.0.9": ["at ipv4-private-1.invalid", None, 4],
        "rows": (Row("from ipv4-private-2.invalid to ipv4-private-1.invalid:80", 7),),
        "word": Word.PLAIN,
        "pair": ("ipv4-private-2.invalid", 1.5),
    }
    assert isinstance(hidden["rows"][0], Row)
    assert hidden["word"] is Word.PLAIN
