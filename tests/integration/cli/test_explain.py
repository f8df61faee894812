from importlib.resources import files

from tests.integration.command import stunkit


async def test_lists_its_pages():
    ended = await stunkit("explain")
    assert (ended.status, ended.stderr) == (0, "")
    assert "whoami" in {line.split()[0] for line in ended.stdout.splitlines()}


async def test_prints_a_page():
    ended = await stunkit("explain", "whoami")
    page = (files("stunkit") / "manual" / "whoami.md").read_text("utf-8")
    assert ended == type(ended)(0, page, "")


async def test_names_its_pages_when_there_is_none_of_that_name():
    ended = await stunkit("explain", "nothing")
    assert (ended.status, ended.stdout) == (2, "")
    assert ended.stderr.startswith("stunkit: 'nothing' is not a page of the manual: there are ")
    assert ended.stderr.count("\n") == 1
