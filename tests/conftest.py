"""What holds for all tests: tiers by folder, what a skip means, and Hypothesis's profiles."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import alone, tiers

TESTS = Path(__file__).parent
IN_CI = os.environ.get("CI", "").lower() not in {"", "0", "false"}

# Time limits are pytest's: a deadline per example fails on a busy machine.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True, print_blob=True)
settings.register_profile("deep", deadline=None, max_examples=20_000, print_blob=True)
settings.register_profile("quick", deadline=None, max_examples=20, derandomize=True)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if IN_CI else "dev")
settings.load_profile(PROFILE)
LONGEST = {"test_calls.py"}  # to be begun early, as those of this folder are
PATIENCE = {"ci": 600, "deep": 0}  # seconds for a property with so many examples; 0: no limit

os.environ["PATH"] = tiers.search_path()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skip",
        action="store_true",
        default=IN_CI,
        help="fail tests that would be skipped (the default when CI is set in the environment)",
    )


def pytest_configure(config: pytest.Config) -> None:
    alone.take_turns(config)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        tier = tier_of(item)
        if tier == "property" and PROFILE in PATIENCE:
            item.add_marker(pytest.mark.timeout(PATIENCE[PROFILE]))
        if tier in tiers.TIERS:
            item.add_marker(tier)
            if IN_CI:  # real programs and clocks: once more, alone, and the failure is printed
                item.add_marker(pytest.mark.flaky(reruns=1))
            if obstacle := tiers.obstacle(tier):
                item.add_marker(pytest.mark.skip(reason=f"{tier} cannot run: {obstacle}"))
    items.sort(key=when)


def when(item: pytest.Item) -> int:
    """Return its place in the order: first those that run alone, then the longest."""
    if alone.is_marked(item):
        return 0
    return 1 if item.path.parent == TESTS or item.path.name in LONGEST else 2


def tier_of(item: pytest.Item) -> str:
    return item.path.relative_to(TESTS).parts[0]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.config.getoption("no_skip") and not hasattr(report, "wasxfail"):
        fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if collector.config.getoption("no_skip"):
        fail_if_skipped(report)
    return report


def fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"Nothing may be skipped here (CI or --no-skip), but this was. {reason}"


def pytest_report_header() -> list[str]:
    return [
        f"tier {tier}: {tiers.obstacle(tier) or 'can run'}"
        for tier in tiers.TIERS
        if (TESTS / tier).is_dir()
    ]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"run again: {report.nodeid} ({report.when})", yellow=True)
        terminalreporter.line(report.longreprtext)
    skipped = terminalreporter.stats.get("skipped", [])
    for tier in tiers.TIERS:
        count = sum(report.nodeid.startswith(f"tests/{tier}/") for report in skipped)
        if count and (obstacle := tiers.obstacle(tier)):
            terminalreporter.write_line(
                f"The tier {tier} DID NOT RUN ({count} tests): {obstacle}", yellow=True
            )
