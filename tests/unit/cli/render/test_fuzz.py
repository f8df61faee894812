import json
from dataclasses import replace

from stunkit.cli.render import fuzz as render
from stunkit.fuzz.crash import Crash, Kind
from stunkit.fuzz.finding import Finding, Progress, Result
from stunkit.fuzz.pulse import State, Verdict
from stunkit.fuzz.reproducer import Reproducer

RAISED = Finding(
    kind="exception",
    what="KeyError",
    why="1\x1b[31m",
    where=("/a/b/theirs.py:7 in parse",),
    inputs=(b"\0\1",),
    count=1234,
    confirmed=True,
    reproducer="out/exception-1.json",
)
GONE = Finding(
    kind="silent", what="silent", why="no answer", inputs=(bytes(20), bytes(70)), confirmed=False
)
PARSER = Result(
    kind="parser",
    target="theirs:parse",
    guide="atheris",
    seed=7,
    elapsed=2.0,
    executions=5000,
    interrupted=False,
    coverage=42,
    corpus="out/corpus",
    findings=(RAISED,),
)
SERVER = Result(
    kind="server",
    target="stun:127.0.0.1:3478",
    seed=7,
    elapsed=2.0,
    executions=500,
    resumed=100,
    interrupted=False,
    answers=30,
    questions=5,
    pause=0.0021,
    findings=(GONE,),
)
FILE = Reproducer(
    kind="server", target="stun:x", failure="silent", why="", confirmed=True, inputs=(b"a",)
)


def test_a_parsers_run_in_words():
    assert render.sentence(PARSER) == "5,000 inputs, and 1 class of failure in theirs:parse."
    assert dict(render.facts(PARSER)) == {
        "time": "2.0 s, 2,500 inputs a second",
        "inputs": "by coverage (atheris), seed 7, 42 edges covered",
        "corpus": "out/corpus",
    }
    _, rows = render.table(PARSER)
    assert rows == [("exception", "KeyError", "theirs.py:7 in parse", "1,234", "2")]
    assert render.details(PARSER)[2:] == [
        "    0001",
        "    stunkit fuzz --replay out/exception-1.json",
    ]


def test_what_a_parser_says_is_escaped():
    assert "\x1b" not in "".join(render.details(PARSER))
    assert "\\u001b" not in render.to_json(PARSER)


def test_a_servers_run_in_words():
    said = "stun:127.0.0.1:3478 failed within 400 inputs, which did not happen again: no answer."
    assert render.sentence(SERVER) == said
    assert render.facts(SERVER)[2:] == [
        ("before", "100 inputs in earlier runs"),
        ("answers", "30 to the inputs"),
        ("between", "5 plain questions, answered within 2.1 ms"),
    ]
    assert render.table(SERVER)[1] == [("silent, once", "-", "-", "1", "90")]
    assert render.details(SERVER)[2] == "    " + "00" * 20  # the longer one is in the JSON
    assert "did not happen again" in render.details(SERVER)[-1]


def test_nothing_found_in_words():
    assert render.sentence(replace(PARSER, findings=())) == (
        "5,000 inputs and nothing found in theirs:parse."
    )


def test_the_document():
    document = json.loads(render.to_json(SERVER))
    assert document["schema"] == "stunkit/fuzz/1"
    assert document["target"] == {"kind": "server", "name": "stun:127.0.0.1:3478"}
    assert document["pause_ms"] == 2.1
    assert document["findings"][0]["inputs"] == ["00" * 20, "00" * 70]
    assert render.to_document(PARSER)["pause_ms"] is None


def test_the_line_beside_the_bar():
    assert render.line(Progress(2.0, 60.0, 5000, 0)) == "5,000 inputs, 2,500/s"
    assert render.line(Progress(0.0, 60.0, 0, 2, "shrinking 1 of 2")) == (
        "0 inputs, 0/s, 2 failures, shrinking 1 of 2"
    )


def test_a_replay_in_words():
    well, gone = Verdict(State.WELL, ""), Verdict(State.SILENT, "no answer")
    assert render.replayed_server(FILE, well) == "After 1 input the server answers as before."
    assert render.replayed_server(FILE, gone) == "After 1 input the server is silent: no answer."
    crash = Crash(Kind.EXCEPTION, "KeyError", "1", RAISED.where, "")
    assert render.replayed_parser(FILE, None) == "stun:x takes it."
    assert render.replayed_parser(FILE, crash) == (
        "stun:x fails with KeyError at theirs.py:7 in parse: 1."
    )
    assert json.loads(render.replay_json("f", "s", is_again=True))["failed"] is True
