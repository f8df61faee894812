from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import NoAnswer, UsageError
from stunkit.fuzz.reproducer import Reproducer
from stunkit.fuzz.server import Campaign, Options, find_road, replay, smallest
from stunkit.fuzz.stand import StunServer
from stunkit.server.settings.tls import TlsSettings
from stunkit.wire.uri import Transport, Uri
from tests.integration.certificates import Authority
from tests.integration.fuzz.servers import Planted, planted
from tests.integration.loopback import silent
from tests.integration.turnserver import turnserver


def wait_until_it_answers(server: Planted) -> None:
    run = Campaign(Options(server=server.uri, count=1, timeout=5, time=20))
    run.run()


@pytest.mark.parametrize(
    ("how", "kind"), [("ends", "silent"), ("hangs", "silent"), ("lies", "wrong")]
)
@pytest.mark.timeout(180)
def test_a_planted_flaw_is_found_made_small_and_done_again(tmp_path: Path, how: str, kind: str):
    with planted(how) as server:
        wait_until_it_answers(server)
        run = Campaign(
            Options(
                server=server.uri,
                seed=3,
                time=60,
                timeout=0.4,
                restart=server.restart,
                folder=tmp_path,
            )
        )
        (finding,) = run.run().findings
        assert (finding.kind, finding.confirmed) == (kind, True)
        assert finding.size <= 64
        assert len(finding.inputs) == 1
        assert b"\0\x24" in finding.inputs[0]
    with planted(how) as again:
        wait_until_it_answers(again)
        reproducer = Reproducer.load(Path(finding.reproducer or ""))
        verdict = replay(reproducer, Options(server=again.uri, timeout=0.4))
        assert verdict.state == kind


@pytest.mark.timeout(120)
def test_without_a_command_the_last_inputs_are_kept(tmp_path: Path):
    with planted("ends") as server:
        wait_until_it_answers(server)
        run = Campaign(Options(server=server.uri, seed=3, time=60, timeout=0.4, folder=tmp_path))
        (finding,) = run.run().findings
    assert not finding.confirmed
    assert "it does not come back" in finding.why
    assert 1 < len(finding.inputs) <= 200


@pytest.mark.parametrize("query", ["", "?transport=tcp"])
def test_nothing_is_found_in_ours(query: str):
    with StunServer() as server:
        uri = Uri.parse(server.uri + query)
        result = Campaign(Options(server=uri, seed=1, count=2000, rate=20_000, time=40)).run()
    assert result.findings == ()
    assert result.executions == 2000
    assert result.answers
    assert result.questions


def test_nothing_is_found_in_ours_over_tls(tmp_path: Path):
    authority = Authority(tmp_path)
    pair = authority.issue()
    local = Endpoint.of("127.0.0.1", 0)
    tls = TlsSettings(certificate=pair.certificate, key=pair.key, listen=(local,))
    with StunServer(tls=tls) as server:
        (secure,) = (one for transport, one in server.endpoints if transport is Transport.TLS)
        options = Options(
            server=Uri.parse(f"stuns:{secure}"),
            seed=1,
            count=300,
            time=40,
            ca_file=str(authority.file),
        )
        result = Campaign(options).run()
    assert result.findings == ()
    assert result.executions == 300
    assert result.answers


def test_nothing_is_found_in_coturn(tmp_path: Path):
    with turnserver(tmp_path) as server:
        uri = Uri.parse(f"stun:{server}")
        result = Campaign(Options(server=uri, seed=1, count=2000, rate=20_000, time=40)).run()
    assert result.findings == ()
    assert result.executions == 2000


def test_a_run_is_taken_up_where_it_ended(tmp_path: Path):
    with StunServer() as server:
        one = Options(server=Uri.parse(server.uri), seed=5, count=100, folder=tmp_path)
        Campaign(one).run()
        more = Options(server=one.server, seed=9, count=300, folder=tmp_path, resume=True)
        result = Campaign(more).run()
    assert (result.seed, result.resumed, result.executions) == (5, 100, 300)
    (tmp_path / "state.json").write_text('{"target": "stun:else", "seed": 1, "done": 1}')
    with pytest.raises(UsageError, match="it is one of stun:else"):
        Campaign(more).run()


def test_a_server_that_may_be_somebody_elses_is_not_touched():
    with pytest.raises(UsageError, match="--mine"):
        find_road(Options(server=Uri.parse("stun:198.51.100.1:3478")))
    with pytest.raises(UsageError, match="not supported"):
        Options(server=Uri.parse("turn:127.0.0.1"))


def test_nobody_at_the_start_is_no_finding():
    with silent("127.0.0.1") as server, pytest.raises(NoAnswer):
        Campaign(Options(server=Uri.parse(f"stun:{server}"), timeout=0.05)).run()


def test_a_slow_server_is_no_finding():
    with StunServer() as server:
        server.delay(0.3)
        uri = Uri.parse(server.uri)
        result = Campaign(Options(server=uri, seed=1, count=50, timeout=0.1)).run()
    assert result.findings == ()


def test_the_smallest_sequence_and_bytes():
    log = [bytes([n % 250, 1, 2]) for n in range(5000)]

    def fails(inputs) -> bool:
        return any(data[:1] == b"\x07" for data in inputs)

    assert smallest(log, 100, fails) == ([b"\x07"], True)
    assert smallest(log, 100, lambda _: False) == (log[-200:], False)
