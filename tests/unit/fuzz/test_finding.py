from stunkit.fuzz.finding import Finding, Result


def test_a_finding_is_as_long_as_its_inputs():
    finding = Finding(kind="silent", what="silent", why="", inputs=(b"abc", b"d"), confirmed=True)
    assert finding.size == 4


def test_the_rate_is_of_this_run_alone():
    result = Result(
        kind="server",
        target="stun:x",
        seed=1,
        elapsed=2.0,
        executions=300,
        resumed=100,
        interrupted=False,
        findings=(),
    )
    assert result.rate == 100.0
