"""Whatever is wrong with a relay, there is something to do about it."""

import re
from importlib.resources import files

from stunkit.net.relay.remedy import REMEDIES
from stunkit.net.relay.report import RelayOutcome, StepName


def test_every_outcome_but_success_has_a_remedy():
    assert set(REMEDIES) == set(RelayOutcome)
    assert [outcome for outcome, text in REMEDIES.items() if not text] == [RelayOutcome.WORKS]


def test_a_remedy_is_a_sentence():
    texts = [text for text in REMEDIES.values() if text]
    assert all(text[0].isupper() and text.endswith(".") for text in texts)


def test_the_manual_explains_every_outcome_and_step():
    page = (files("stunkit") / "manual/relays.md").read_text("utf-8")
    assert re.findall(r"^\| ([a-z-]+) \|", page, re.MULTILINE) == ["outcome", *RelayOutcome]
    assert re.findall(r"^\d\. \*\*([a-z]+)\*\*", page, re.MULTILINE) == list(StepName)
