from __future__ import annotations

from dataclasses import replace

import pytest

from stunkit.call.rehearsal import Figures, Progress
from stunkit.cli.render.rehearsal import figures, line, place, rate, share, view
from tests.rehearsals import CALL, NOTHING, document


def test_a_call_and_all_its_figures():
    said = view(document())
    assert said.sentence == "The call connected through a relay."
    assert said.figures == (
        ("took", "61.2 s"),
        ("here", "198.51.100.9:50000 (relay, over tls)"),
        ("there", "[2001:db8::2]:6000 (srflx)"),
        ("connected after", "0.26 s"),
        ("round trip", "14.0 ms, 95 % of them under 34.0 ms"),
        ("jitter", "2.0 ms"),
        ("lost", "0 % sent, 1.2 % received"),
        ("rate", "512 kbit/s sent, 12.3 Mbit/s received"),
        ("video", "915 pictures of 640 x 480"),
        ("chat", "1 sent, 2 received"),
    )
    assert said.candidates[1] == ("remote", "srflx", "udp", "2001:db8::2", "6000")


def test_text_of_others_is_escaped():
    assert all(text.isprintable() for text in view(document()).problems)
    spot = {"type": "host\x1b", "protocol": "udp", "address": "a\x1b", "port": 1}
    assert place(spot).isprintable()


def test_nothing_has_no_figures():
    said = view(document(NOTHING))
    assert said.sentence == "Whether the call works is not known."
    assert said.figures == (("took", "60.0 s"),)


def test_what_is_not_known_is_said_to_be():
    bare = dict(figures(document(replace(CALL, pair=None, figures=Figures()))))
    assert bare["round trip"] == bare["jitter"] == "unknown"
    assert bare["lost"] == "unknown sent, unknown received"
    assert bare["rate"] == "unknown sent, unknown received"
    assert bare["video"] == "none was seen"
    assert "here" not in bare


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0 %"), (0.005, "0.5 %"), (0.25, "25 %"), (None, "unknown")]
)
def test_shares(value, text):
    assert share(value) == text


def test_rates():
    assert (rate(0.4), rate(9_999.0), rate(10_000.0)) == ("0 kbit/s", "9,999 kbit/s", "10.0 Mbit/s")


def test_a_rehearsal_in_one_line():
    assert line(document()) == (
        "relay    2026-11-23T07:00:00Z  61 s  198.51.100.9:50000 (relay, over tls) - "
        "[2001:db8::2]:6000 (srflx)  round trip 14.0 ms  915 pictures"
    )
    failed = line(document(replace(NOTHING, progress=Progress.CHECKING)))
    assert failed.startswith("unknown  2026-11-23T07:00:00Z  60 s  The checks were still")
