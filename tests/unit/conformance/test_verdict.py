from stunkit.conformance.verdict import Judged, Outcome, failed, passed, skipped, unknown


def test_outcomes_have_their_makers():
    made = [make("why").outcome for make in (passed, failed, unknown, skipped)]
    assert made == [Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.SKIP]


def test_only_a_pass_is_one():
    assert passed().is_pass
    assert not any(make("why").is_pass for make in (failed, unknown, skipped))


def test_judged_carries_its_verdict():
    assert Judged(failed("why")).verdict == failed("why")
