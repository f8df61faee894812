from __future__ import annotations

from rich.console import Console

from stunkit.call.rehearsal import Progress, Share, Spot
from stunkit.cli.render import rehearsal as render
from stunkit.cli.render.rehearsal_live import Board, conclude, qr_code
from stunkit.rehearsal.meter import Sample
from stunkit.rehearsal.rehearsing import Remark, Said, Stage
from tests.rehearsals import CALL, EVIL, document

LINK = "https://stun.example.org/rehearse#EHZpk1-XahbAnSC7X3cFDg"


def drawn(board: Board, width: int = 80, height: int = 30) -> list[str]:
    console = Console(width=width, height=height, color_system=None)
    with console.capture() as capture:
        console.print(board.draw(width, height), end="")
    return capture.get().splitlines()


def connected() -> Board:
    board = Board(LINK)
    board.hear(Stage(Progress.CONNECTED, "connected"))
    board.pair = CALL.pair
    board.hear(Sample(rtt=0.010, jitter=None, loss=Share(0.0, 0.5), kbps=Share(500.0, 1.0)))
    board.hear(Sample(rtt=0.020, jitter=None, loss=Share(0.0, 0.0), kbps=Share(500.0, 2.0)))
    return board


def test_link_and_code_are_shown_until_somebody_comes():
    board = Board(LINK, qr_code(LINK))
    lines = drawn(board)
    assert LINK in lines
    assert len([line for line in lines if set(line) & set("\u2580\u2584\u2588")]) == 19
    board.hear(Stage(Progress.NEGOTIATING, "exchanging offer and answer"))
    lines = drawn(board)
    assert lines[0] == "exchanging offer and answer ..."
    assert LINK not in lines


def test_a_code_that_does_not_fit_is_left_out():
    board = Board(LINK, qr_code(LINK))
    for width, height in ((80, 20), (30, 40)):
        lines = drawn(board, width, height)
        assert not [line for line in lines if "\u2588" in line]
        assert "".join(lines).replace(" ", "").find(LINK) >= 0


def test_figures_have_a_line_of_bars():
    lines = drawn(connected())
    assert lines[0].startswith("connected through a relay  198.51.100.9:50000 (relay)")
    rows = {line[:15].strip(): line[15:].split() for line in lines[3:]}
    assert rows["round trip"] == ["20.0", "ms", "\u2585\u2588"]
    assert rows["jitter"] == ["-"]
    assert rows["rate, sent"] == ["500", "kbit/s", "\u2588\u2588"]
    assert rows["lost, received"] == ["0", "%", "\u2588\u2581"]


def test_a_pair_without_a_relay_is_direct():
    board = connected()
    spot = Spot("host", "udp", "10.0.0.2", 1)
    board.pair = board.pair._replace(local=spot, remote=spot)
    assert drawn(board)[0] == "connected directly  10.0.0.2:1 (host) - 10.0.0.2:1 (host)"


def test_the_last_of_the_chat_and_what_is_typed():
    board = connected()
    for number in range(50):
        board.hear(Said(is_ours=bool(number % 2), text=f"line {number}"))
    board.waiting = ["not sent"]
    board.typed = "typing"
    lines = drawn(board, 80, 20)
    assert len(lines) <= 20
    assert lines[-2] == "> typing_"
    assert lines[-5:-2] == ["other line 48", "you   line 49", "you   not sent"]


def test_nothing_of_the_other_end_reaches_the_terminal_as_it_is():
    board = connected()
    board.hear(Said(is_ours=False, text=EVIL))
    board.hear(Remark(EVIL))
    text = "".join(drawn(board))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "[31m" in text


def test_everything_fits_in_a_small_terminal():
    board = connected()
    board.hear(Said(is_ours=False, text="x" * 500))
    board.typed = "y" * 500
    for width, height in ((40, 16), (80, 24), (20, 20)):
        lines = drawn(board, width, height)
        assert max(map(len, lines)) <= width


def test_verdict_is_drawn(capsys):
    conclude(render.view(document()))
    out = capsys.readouterr().out
    assert "The call connected through a relay." in out
    assert "What went wrong" in out
    assert "915 pictures" in out
