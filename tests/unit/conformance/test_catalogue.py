import re
from pathlib import Path

import pytest

from stunkit.conformance.catalogue import CASES, GROUPS, select
from stunkit.conformance.verdict import Level
from stunkit.errors import UsageError

RFCS = ("RFC 8489", "RFC 5780", "RFC 3489", "RFC 5389", "RFC 9325", "RFC 7443")
MANUAL = Path(__file__).parents[3] / "stunkit/manual/conformance.md"


def test_ids_are_used_once():
    ids = [case.id for case in CASES]
    assert len(ids) == len(set(ids))


def test_no_id_is_a_group():
    assert not {case.id for case in CASES} & set(GROUPS)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_case_says_what_it_wants_and_how_it_looks(case):
    assert case.cite.startswith(RFCS)
    assert case.transports
    assert case.summary[0].islower()
    assert not case.summary.endswith(".")
    words, _, method = case.quote.partition("\n\n")
    assert words
    assert method, "the second paragraph says what is sent and expected"
    if case.level is not Level.ADVICE:
        assert ' says: "' in words or " of RFC 3489" in words


def test_selects_by_id_and_by_group():
    chosen = select(["classic", "indication"])
    assert {case.group for case in chosen} == {"classic", "discard"}
    assert [case.id for case in chosen if case.group == "discard"] == ["indication"]


def test_selects_all_for_no_name():
    assert select([]) == CASES


def test_refuses_a_name_of_nothing():
    with pytest.raises(UsageError, match="'clasic' is not a case or a group"):
        select(["clasic"])


def test_manual_lists_every_case():
    rows = re.findall(
        r"^\| `([a-z0-9-]+)` \| (\w+) \| (.+?) \| (.+?) \|$", MANUAL.read_text(), re.MULTILINE
    )
    assert rows == [(case.id, case.level, case.cite, case.summary) for case in CASES]
