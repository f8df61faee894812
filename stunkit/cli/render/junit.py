"""A conformance result as JUnit XML, which continuous integration shows.

A broken MUST is a failure. What is unknown, does not apply or breaks no more than a SHOULD or an
advice is skipped, and its message says which.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

from stunkit.cli.render.check import brief, title
from stunkit.cli.render.text import printable
from stunkit.conformance.verdict import Outcome
from stunkit.net.check import CaseResult, CheckResult, Way


def to_junit(result: CheckResult) -> str:
    """Return the document."""
    root = Element("testsuites", name="stunkit check", time=f"{result.elapsed:.3f}")
    for way in result.ways:
        root.append(_suite(way))
    for name in ("tests", "failures", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(way: Way) -> Element:
    suite = Element("testsuite", name=f"{way.server} {title(way)}")
    for one in way.results:
        _testcase(suite, one)
    suite.set("tests", str(len(way.results)))
    suite.set("failures", str(len(suite.findall("testcase/failure"))))
    suite.set("skipped", str(len(suite.findall("testcase/skipped"))))
    return suite


def _testcase(suite: Element, one: CaseResult) -> None:
    case, verdict = one
    element = SubElement(suite, "testcase", name=case.id, classname=f"stunkit.{case.group}")
    why = printable(verdict.why)
    if one.breaks_must:
        failure = SubElement(element, "failure", message=why, type=f"{case.level} {case.cite}")
        received = "nothing" if verdict.received is None else brief(verdict.received)
        failure.text = (
            f"The server {case.summary} ({case.cite}).\n"
            f"sent: {brief(verdict.sent or b'')}\nreceived: {received}\n"
        )
    elif verdict.outcome is Outcome.FAIL:
        SubElement(element, "skipped", message=f"{case.level} not kept: {why}")
    elif verdict.outcome is not Outcome.PASS:
        SubElement(element, "skipped", message=f"{verdict.outcome}: {why}")
    elif why:
        SubElement(element, "system-out").text = why
