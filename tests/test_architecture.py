"""What holds the house together: checks, floors, mirrored tests, coverage and the README."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import stunkit

ROOT = Path(__file__).parent.parent
MODULES = sorted(path.relative_to(ROOT) for path in (ROOT / "stunkit").rglob("*.py"))
SCRIPTS = sorted(path for path in ((ROOT / "scripts").iterdir()) if path.is_file())
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "stunkit/manual").glob("*.md"))]
TOOLS = Path(sys.executable).parent

MOST_LINES = 350  # of a module; about 300 is the aim
NO_NAMES = {"utils", "util", "helpers", "helper", "common", "misc"}  # a module is one noun
NO_TESTS = {"__init__.py", "__main__.py"}  # lists of names, and the call of one function
# Their tests may need sockets.
SOCKET_FLOORS = {"net", "rehearsal", "server", "lab", "bench", "fuzz", "cli"}
TIERS = ("unit", "integration", "lab")


# The same as in scripts/check, each with its own name when it fails.
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["ruff", "format", "--check"], id="format"),
        pytest.param(["ruff", "check"], id="lint"),
        pytest.param(["mypy"], id="types"),
        pytest.param(["lint-imports"], id="floors"),
    ],
)
@pytest.mark.timeout(300)
def test_check_passes(command: list[str]):
    run(str(TOOLS / command[0]), *command[1:])


@pytest.mark.timeout(600)
def test_unit_and_property_tests_cover_every_branch_below_net(tmp_path: Path):
    # which modules, and that 100 % of them is wanted, is [tool.coverage.report] in pyproject.toml
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    env |= {"HYPOTHESIS_PROFILE": "quick", "COVERAGE_FILE": str(tmp_path / "coverage")}
    words = map(str, (ROOT / "tests/unit").glob("test_*.py"))
    tests = ["tests/unit/wire", "tests/unit/protocol", *words, "tests/property"]
    run(sys.executable, "-m", "pytest", *tests, "-q", "--tb=short", "--cov", env=env)


@pytest.mark.parametrize("module", [path for path in MODULES if path.name not in NO_TESTS], ids=str)
def test_module_has_a_test_file_of_its_name(module: Path):
    below = module.relative_to("stunkit")
    tiers = TIERS if below.parts[0] in SOCKET_FLOORS else TIERS[:1]
    mirrors = [Path("tests", tier, below.parent, f"test_{below.name}") for tier in tiers]
    assert any((ROOT / mirror).is_file() for mirror in mirrors), " or ".join(map(str, mirrors))


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_module_is_short_and_says_what_it_is(module: Path):
    text = (ROOT / module).read_text()
    assert text.count("\n") <= MOST_LINES
    assert ast.get_docstring(ast.parse(text))


def test_no_file_is_named_for_everything_and_nothing():
    python = [*(ROOT / "stunkit").rglob("*.py"), *(ROOT / "tests").rglob("*.py"), *SCRIPTS]
    assert not [path for path in python if path.stem.removeprefix("test_") in NO_NAMES]


def test_public_names_lead_somewhere():
    assert not [name for name in stunkit.__all__ if not hasattr(stunkit, name)]


def test_package_says_that_it_is_typed():
    assert (ROOT / "stunkit/py.typed").is_file()


@pytest.mark.parametrize("script", [*SCRIPTS, ROOT / ".ci/run"], ids=lambda path: path.name)
def test_script_can_be_run(script: Path):
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/")
    if script.read_text().startswith("#!/bin/sh\n"):
        run("sh", "-n", str(script))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_of_page_lead_somewhere(page: Path):
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text())
    relative = [link for link in links if not re.match(r"[a-z]+:", link)]
    assert not [link for link in relative if not leads_somewhere(link, page)]


def leads_somewhere(link: str, page: Path) -> bool:
    path, _, fragment = link.partition("#")
    target = page.parent / path if path else page
    if not target.exists():
        return False
    return not fragment or target.suffix != ".md" or fragment in anchors(target.read_text())


def anchors(markdown: str) -> set[str]:
    headings = re.findall(r"^#+ +(.+)$", markdown, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_scripts_of_page_exist(page: Path):
    names = set(re.findall(r"\bscripts/[\w.-]+", "\n".join(code_lines(page))))
    assert not [name for name in names if not (ROOT / name).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_verbs_and_options_of_page_exist(page: Path):
    stunkit = str(TOOLS / "stunkit")
    commands = run(stunkit, "--help").partition("Commands:")[2]
    verbs = set(re.findall(r"^  ([a-z][a-z-]*)", commands, re.MULTILINE))
    helps: dict[str, str] = {}
    unknown = []
    for line in code_lines(page):
        calls = re.findall(r"(?:^|[\s/])stunkit +([a-z][a-z-]*)([^|#;&>]*)", line)
        calls += re.findall(rf"^({'|'.join(verbs)})( --.*)", line)  # the text may leave stunkit out
        for verb, rest in calls:
            if verb not in verbs:
                unknown.append(f"stunkit {verb}")
                continue
            if verb not in helps:
                helps[verb] = run(stunkit, verb, "--help")
            options = re.findall(r"(?<!\S)--[a-z][a-z-]*", rest)
            unknown += [f"{verb} {name}" for name in options if name not in helps[verb]]
    assert not unknown


def test_readme_programs_print_what_it_says():
    for program in re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE):
        printed = run(sys.executable, "-W", "error", "-c", program)
        assert printed.splitlines() == re.findall(r"print\(.*\)  # (.+)", program)


def code_lines(page: Path) -> Iterator[str]:
    """Yield each line of a fenced block, and each span of code in the text between them."""
    for index, part in enumerate(re.split(r"^```.*$", page.read_text(), flags=re.MULTILINE)):
        yield from part.splitlines() if index % 2 else re.findall(r"`([^`]+)`", part)


def test_readme_tables_of_modules_and_tests_name_what_exists():
    lost = []
    for row in module_table_rows():
        for name in re.findall(r"(?:\.?/)?((?:stunkit|tests|scripts)/[\w./-]+(?:::\w+)?)", row):
            path, _, test = name.partition("::")
            target = ROOT / path
            if not target.exists() or (test and f"def {test}(" not in target.read_text()):
                lost.append(name)
    assert not lost


def module_table_rows() -> Iterator[str]:
    """Yield the rows of each table that has a column for modules and one for tests."""
    inside = False
    for line in README.splitlines():
        if not line.lstrip().startswith("|"):
            inside = False
        elif inside:
            yield line
        else:
            titles = {title.strip().lower().rstrip("s") for title in line.split("|")}
            inside = {"module", "test"} <= titles


def run(*command: str, env: dict[str, str] | None = None) -> str:
    """Return what a command prints, which has to end well."""
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        name = Path(command[0]).name
        pytest.fail(
            f"{name} ended with {done.returncode}\n{done.stdout}{done.stderr}", pytrace=False
        )
    return done.stdout
