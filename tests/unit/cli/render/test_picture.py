from xml.etree import ElementTree as ET

from stunkit.call.simulation import Outcome
from stunkit.cli.render.picture import LETTERS, Box, Line, Plan, draw, lines_of, shorten

EVIL = "<script>&\"'"
PLAN = Plan(
    (Box("You", ("10.0.0.2",), 0), Box("Peer", (EVIL,), 1), Box("Relay", (), 0.5, 1, "fine")),
    (Line(0, 1, "thin"), Line(0, 2, "relay")),
    "a title",
    EVIL,
)


def pictures() -> list[ET.Element]:
    return list(ET.fromstring(f"<both>{draw(PLAN)}</both>"))


def test_is_drawn_wide_and_tall():
    wide, tall = pictures()
    assert wide.get("class") == "path wide"
    assert tall.get("class") == "path tall"
    for picture, is_wide in ((wide, True), (tall, False)):
        _, _, width, height = map(int, picture.get("viewBox").split())
        you, peer, _ = picture.iter("rect")
        assert (you.get("y") == peer.get("y")) is is_wide
        assert (you.get("x") == peer.get("x")) is not is_wide
        for rect in picture.iter("rect"):
            assert 0 <= int(rect.get("x")) <= width - int(rect.get("width"))
            assert 0 <= int(rect.get("y")) <= height - int(rect.get("height"))


def test_text_is_escaped_and_says_it_to_who_cannot_see():
    wide, _ = pictures()
    assert "<script>" not in draw(PLAN)
    assert wide.find("title").text == "a title"
    assert wide.find("desc").text == EVIL
    assert EVIL in [text.text for text in wide.iter("text")]


def test_boxes_do_not_overlap_and_cover_the_lines():
    for picture in pictures():
        rects = [(int(one.get("x")), int(one.get("y"))) for one in picture.iter("rect")]
        width, height = (int(next(picture.iter("rect")).get(name)) for name in ("width", "height"))
        for index, (x, y) in enumerate(rects):
            for u, v in rects[index + 1 :]:
                assert abs(x - u) >= width or abs(y - v) >= height
        assert [one.tag for one in picture][2:] == ["line", "line", "g", "g", "g"]


def test_long_text_is_cut():
    assert shorten("x" * LETTERS) == "x" * LETTERS
    assert shorten("x" * (LETTERS + 1)) == "x" * (LETTERS - 1) + "…"
    assert shorten("ipv4-documentation-1.invalid") == "ipv4-documentation-1"


def test_direct_call_goes_along_the_chain():
    assert lines_of(Outcome.DIRECT, [0, 1, 2], 1, None, None) == [
        Line(0, 1, "direct"),
        Line(1, 2, "direct"),
    ]


def test_relayed_call_goes_by_the_relay():
    assert lines_of(Outcome.RELAY, [0, 1, 2], 1, 5, None) == [
        Line(0, 1, "relay"),
        Line(1, 5, "relay"),
        Line(5, 1, "relay"),
        Line(1, 2, "relay"),
    ]


def test_call_ends_where_it_is_stopped():
    assert lines_of(Outcome.BLOCKED, [0, 1, 2, 3], 2, None, 1) == [
        Line(0, 1, "blocked"),
        Line(1, 2, "thin"),
        Line(2, 3, "thin"),
    ]
