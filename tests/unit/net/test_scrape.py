import pytest

from stunkit.errors import InvalidAnswer, UsageError
from stunkit.net.scrape import Sample, Scrape, Source, parse


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:9478/metrics"),
        ("[::1]:9000", "http://[::1]:9000/metrics"),
        ("stun.example.org:80", "http://stun.example.org:80/metrics"),
        ("http://stun.example.org/", "http://stun.example.org:80/metrics"),
        ("https://stun.example.org/a/metrics", "https://stun.example.org:443/a/metrics"),
    ],
)
def test_reads_where_figures_are(text: str, url: str):
    assert str(Source.parse(text)) == url


@pytest.mark.parametrize("text", ["", "ftp://x", "x:port", "x:70000", "http://", "a\x1bb", "[::1"])
def test_refuses_what_names_no_place(text: str):
    with pytest.raises(UsageError):
        Source.parse(text)


def test_reads_the_text_format():
    text = """# HELP a_total What.
# TYPE a_total counter
a_total{x="1",y="with \\"quotes\\", \\\\ and \\n"} 3.0
a_total{x="2",y=""} 4 1700000000000

b 1.5e+03
c{le="+Inf"} +Inf
"""
    assert parse(text) == (
        Sample("a_total", {"x": "1", "y": 'with "quotes", \\ and \n'}, 3.0),
        Sample("a_total", {"x": "2", "y": ""}, 4.0),
        Sample("b", {}, 1500.0),
        Sample("c", {"le": "+Inf"}, float("inf")),
    )


@pytest.mark.parametrize("text", ["<html>", "a", "a b c d", "a{x=1 3", "a one"])
def test_refuses_another_format(text: str):
    with pytest.raises(InvalidAnswer):
        parse(text)


def test_sums_and_lists():
    scrape = Scrape(0.0, parse('a{x="1"} 1\na{x="2"} 2\na{x="2",y="3"} 3\nb 9'))
    assert (scrape.sum("a"), scrape.sum("a", x="2"), scrape.sum("a", x="4")) == (6, 5, 0)
    assert scrape.values("a", "x") == ["1", "2"]
    assert (scrape.has("b"), scrape.has("c")) == (True, False)
