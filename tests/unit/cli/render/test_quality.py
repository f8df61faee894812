from __future__ import annotations

import json

from stunkit.call.quality import Quality, assess
from stunkit.call.sampler import Answer, Samples
from stunkit.cli.render.quality import progress, rows, sentence, to_document

PACE = 0.05


def quality(answered: int, *, sent: int = 80, why: str = "", late: int = 0) -> Quality:
    answers = tuple(Answer(i, i * PACE, i * PACE + 0.0234) for i in range(answered))
    return assess(Samples(sent, answers, late=late, why=why))


def test_json_has_milliseconds_and_shares():
    document = json.loads(json.dumps(to_document(quality(60, late=3))))
    assert document == {
        "rtt_ms": 23.4,
        "rtt_min_ms": 23.4,
        "rtt_max_ms": 23.4,
        "jitter_ms": 0.0,
        "loss": 0.25,
        "loss_range": [0.1681, 0.3548],
        "sent": 80,
        "answered": 60,
        "reordered": 0,
        "duplicates": 0,
        "late": 3,
        "r": 60.1,
        "mos": 3.11,
        "voice": "poor",
        "why": None,
    }


def test_json_of_what_is_unknown_is_null_and_has_a_why():
    document = to_document(quality(0, sent=1, why="connection \x1b[2J refused"))
    unknown = {key for key, value in document.items() if value is None}
    assert unknown >= {"rtt_ms", "jitter_ms", "loss", "loss_range", "r", "mos"}
    assert document["voice"] == "unknown"
    assert document["why"] == r"none of 1 questions was answered: connection \x1b[2J refused"


def test_rows_show_what_is_known():
    assert rows(quality(60, late=3)) == [
        ("round trip", "23 ms (23 ms to 23 ms)"),
        ("jitter", "0.0 ms"),
        ("loss", "25.0% (20 of 80; likely 17% to 35%)"),
        ("too late", "3"),
        ("voice", "poor (R 60)"),
    ]
    assert rows(quality(0, sent=1)) == []


def test_a_sentence_says_how_a_call_would_sound():
    assert sentence(quality(80)) == "A call over this path would sound good (MOS 4.4 of 4.5)."
    assert sentence(quality(0)) == (
        "How a call would sound is unknown: none of 80 questions was answered."
    )


def test_progress_is_a_line():
    assert progress(0.5, quality(40, sent=40)) == "50%: 40 of 40 answered, 23 ms"
    assert progress(0.0, quality(0, sent=0)) == "0%: 0 of 0 answered"
