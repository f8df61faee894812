import subprocess
import sys
from pathlib import Path

import pytest

from stunkit.errors import StartError
from stunkit.fuzz import parser
from stunkit.fuzz.corpus import Corpus
from stunkit.fuzz.finding import Progress
from stunkit.fuzz.parser import Campaign, Options, replay
from stunkit.fuzz.reproducer import Reproducer

HERE = Path(__file__).parent
BROKEN = "tests.integration.fuzz.broken"


def options(name: str, **more: object) -> Options:
    return Options(parser=name, guide="random", time=30, timeout=0.3, **more)  # type: ignore[arg-type]


def test_aioice_raises_what_it_does_not_document():
    run = Campaign(options("aioice.stun:parse_message", expected=("ValueError",), count=20_000))
    result = run.run()
    assert {finding.what for finding in result.findings} == {"struct.error"}
    for finding in result.findings:
        assert finding.confirmed
        assert finding.size == 24  # a header and an attribute without a value
        assert "aioice" in finding.where[-1]


def test_pystun3_raises_what_it_does_not_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # not in the development group: it brings a package `tests`, which would hide this folder
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(tmp_path)]
    subprocess.run([*pip, "pystun3==2.0.0"], check=True, capture_output=True)
    monkeypatch.syspath_prepend(HERE)
    monkeypatch.syspath_prepend(tmp_path)
    result = Campaign(options("pystun3_harness:parse", count=5000)).run()
    found = {finding.what for finding in result.findings}
    assert {"KeyError", "ValueError"} <= found  # an unknown type, an attribute cut short
    assert all(finding.confirmed for finding in result.findings)


def test_ours_raises_what_it_documents():
    expected = ("stunkit.errors.NotStun", "stunkit.errors.Malformed")
    name = "stunkit.wire.message:Message.decode"
    result = Campaign(options(name, expected=expected, count=20_000)).run()
    assert result.findings == ()
    assert result.executions == 20_000


def test_coverage_leads_where_atheris_is():
    pytest.importorskip("atheris")
    campaign = Campaign(
        Options(parser=f"{BROKEN}:raises", guide="atheris", time=20, count=3000, seed=1)
    )
    result = campaign.run()
    assert [finding.what for finding in result.findings] == ["KeyError"]
    assert result.coverage is not None
    assert result.coverage > 2


def test_a_run_keeps_what_it_finds_and_it_can_be_done_again(tmp_path: Path):
    result = Campaign(options(f"{BROKEN}:raises", count=3000, folder=tmp_path)).run()
    (finding,) = result.findings
    assert finding.reproducer is not None
    reproducer = Reproducer.load(Path(finding.reproducer))
    assert reproducer.inputs == (bytes.fromhex("0000000c2112a442") + bytes(12),)
    crash = replay(reproducer)
    assert crash is not None
    assert crash.what == "KeyError"
    assert Corpus(tmp_path / "corpus").load()


def test_lost_children_do_not_end_a_run():
    result = Campaign(options(f"{BROKEN}:exits", count=1500)).run()
    (finding,) = result.findings
    assert finding.what == "exit status 3"
    assert finding.count > 3
    assert result.executions == 1500


def test_seeds_that_follow_a_deadly_one_are_tried(tmp_path: Path):
    for data in (b"a exits", b"b raises"):
        (tmp_path / data.decode()).write_bytes(data)
    found = Campaign(options(f"{BROKEN}:exits_or_raises", count=500, seeds=(tmp_path,))).run()
    assert {finding.what for finding in found.findings} == {"exit status 3", "KeyError"}


def test_a_run_says_how_far_it_is_and_can_be_stopped():
    campaign = Campaign(options(f"{BROKEN}:fine"))
    heard: list[Progress] = []

    def listen(progress: Progress) -> None:
        heard.append(progress)
        campaign.stop()

    result = campaign.run(listen)
    assert result.interrupted
    assert heard
    assert result.elapsed < 10


def test_without_atheris_its_guide_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(parser, "find_spec", lambda _: None)
    assert Options(parser="a:b").chosen_guide == "random"
    with pytest.raises(StartError, match=r"pip install 'stunkit\[fuzz\]'"):
        _ = Options(parser="a:b", guide="atheris").chosen_guide
