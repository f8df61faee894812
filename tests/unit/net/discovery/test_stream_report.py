from stunkit.endpoint import Endpoint, Family
from stunkit.errors import NoAnswer, ResolutionError
from stunkit.nat.report import NOT_ASKED
from stunkit.net.discovery.stream_report import report_of
from stunkit.net.whoami import Answer
from stunkit.wire.uri import Transport, Uri

NAME = Uri.parse("stuns:stun.example.org")
SERVER = Endpoint.parse("192.0.2.1:5349")
LOCAL = Endpoint.parse("10.0.0.2:40000")
MAPPED = Endpoint.parse("203.0.113.1:40000")
SEEN = Answer(NAME, Transport.TLS, Family.IPV4, SERVER, LOCAL, MAPPED)
SILENT = Answer(NAME, Transport.TLS, Family.IPV4, SERVER, error=NoAnswer(1, 1.0))
NOWHERE = Answer(NAME, Transport.TLS, error=ResolutionError("x", "no such name"))


def test_says_where_a_server_sees_us_and_calls_all_that_is_about_udp_unknown():
    report = report_of([SILENT, SEEN])
    assert report is not None
    assert (report.local, report.mapped) == (LOCAL, MAPPED)
    assert (report.udp, report.nat, report.mapping, report.filtering) == (None,) * 4
    whys = {one.claim: one.why for one in report.evidence}
    assert whys["mapping"] == "asked over TLS, which shows nothing of what happens to UDP"
    assert whys["hairpin"] == NOT_ASKED
    assert whys["mapped"] == "192.0.2.1:5349 sees this TLS connection so"


def test_says_that_what_was_asked_for_is_about_udp_too():
    report = report_of([SEEN], ["hairpin"])
    assert report is not None
    whys = {one.claim: one.why for one in report.evidence}
    assert whys["hairpin"] == whys["mapping"]
    assert whys["lifetime"] == NOT_ASKED


def test_says_that_nobody_answered():
    report = report_of([SILENT])
    assert report is not None
    assert report.mapped is None
    assert report.evidence[-1].why == "no answer came over TLS either"


def test_says_nothing_where_nobody_could_be_asked():
    assert report_of([]) is None
    assert report_of([NOWHERE]) is None
