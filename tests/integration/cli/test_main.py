from stunkit import __version__
from tests.integration.command import stunkit


async def test_says_its_version():
    ended = await stunkit("--version")
    assert ended == type(ended)(0, f"stunkit {__version__}\n", "")


async def test_names_a_verb_that_it_does_not_have():
    ended = await stunkit("frobnicate")
    assert (ended.status, ended.stdout) == (2, "")
    assert "frobnicate" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_works_without_a_home_and_a_terminal():
    ended = await stunkit("explain", env={"HOME": "/nonexistent", "TERM": "", "LC_ALL": "C"})
    assert (ended.status, ended.stderr) == (0, "")
    assert "whoami" in ended.stdout
