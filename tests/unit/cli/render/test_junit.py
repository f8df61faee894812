from xml.etree.ElementTree import fromstring

from stunkit.cli.render.junit import to_junit
from stunkit.wire.uri import Transport
from tests.unit.cli.render.test_check import MIXED, REQUEST, result, way

ROOT = fromstring(to_junit(result(way(MIXED), way(MIXED, Transport.TCP))).encode())


def case(name):
    return ROOT.find(f"testsuite/testcase[@name='{name}']")


def test_suites_are_ways_and_counts_add_up():
    assert [suite.get("name") for suite in ROOT] == [
        "198.51.100.1:3478 UDP IPv4",
        "198.51.100.1:3478 TCP IPv4",
    ]
    assert (ROOT.get("tests"), ROOT.get("failures"), ROOT.get("skipped")) == ("12", "2", "8")
    assert ROOT[0].get("tests") == "6"


def test_a_broken_must_is_a_failure_with_its_bytes():
    failure = case("unknown-required").find("failure")
    assert failure.get("message") == "answered with a success"
    assert failure.get("type") == "MUST RFC 8489 section 6.3.1"
    assert f"sent: Binding request: {REQUEST.hex()}\nreceived: nothing" in failure.text


def test_less_than_a_must_is_skipped_and_says_so():
    messages = [
        case(name).find("skipped").get("message")
        for name in ("known-unexpected", "indication", "software")
    ]
    assert messages == [
        "SHOULD not kept: answered with error 420",
        "unknown: lost",
        "skip: left out",
    ]


def test_a_pass_keeps_its_reason():
    assert case("binding").find("system-out").text == "fine"
    assert case("binding").get("classname") == "stunkit.answer"


def test_escapes_what_xml_cannot_hold():
    assert "\\x1b[2J" in case("software-hidden").find("skipped").get("message")
