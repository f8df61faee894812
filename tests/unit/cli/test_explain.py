from importlib.resources import files

import pytest
from click.testing import CliRunner

from stunkit.cli.explain import command
from stunkit.errors import UsageError

PAGES = sorted(
    page.name.removesuffix(".md")
    for page in (files("stunkit") / "manual").iterdir()
    if page.name.endswith(".md")
)


def explain(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_lists_every_page_with_its_title():
    lines = explain().splitlines()
    assert [line.split()[0] for line in lines] == PAGES
    assert all(len(line.split()) > 1 and "#" not in line for line in lines)


@pytest.mark.parametrize("page", PAGES)
def test_shows_a_page_as_it_is_when_nobody_draws_it(page):
    assert explain(page) == (files("stunkit") / "manual" / f"{page}.md").read_text("utf-8")


def test_names_the_pages_when_there_is_none_of_that_name():
    with pytest.raises(UsageError, match="whoami") as caught:
        CliRunner().invoke(command, ["../whoami"], catch_exceptions=False)
    assert "'../whoami'" in str(caught.value)


def test_aligns_the_titles():
    lines = explain().splitlines()
    titles = [line.index(line.split(maxsplit=1)[1]) for line in lines]
    assert len(set(titles)) == 1
