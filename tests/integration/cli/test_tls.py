"""TLS on the command line: `stuns:` in every verb that asks, and what is said when it fails."""

import json

import pytest

from tests.integration.certificates import Authority
from tests.integration.command import serve, stunkit


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def secure(authority: Authority, **choices):
    pair = authority.issue(**choices)
    options = [f"--tls-certificate={pair.certificate}", f"--tls-key={pair.key}"]
    return serve("127.0.0.1:0", options=[*options, "--tls-listen=127.0.0.1:0"])


def uri(running) -> str:
    return next(f"stuns:{local}" for transport, local in running.endpoints if transport == "tls")


async def test_whoami_asks_over_tls(authority):
    async with secure(authority) as running:
        ended = await stunkit("whoami", "--short", "--ca", authority.file, uri(running))
        assert ended == type(ended)(0, "127.0.0.1\n", "")
        ended = await stunkit("whoami", "--json", "--ca", authority.file, uri(running))
    (answer,) = json.loads(ended.stdout)["answers"]
    assert (answer["transport"], answer["error"]) == ("tls", None)
    assert answer["mapped"] == answer["local"]


async def test_whoami_names_what_is_wrong_with_a_certificate(authority):
    async with secure(authority, days=(-9, -2)) as running:
        ended = await stunkit("whoami", "--short", "--ca", authority.file, uri(running))
    assert ended.status == 4
    assert ended.stderr.startswith("stunkit: 127.0.0.1: its certificate expired on 20")
    assert ended.stderr.count("\n") == 1


async def test_trusts_nobody_whom_the_system_does_not_know(authority):
    async with secure(authority) as running:
        ended = await stunkit("whoami", uri(running))
    assert ended.status == 4
    assert "the issuer of its certificate is unknown here" in ended.stdout


async def test_nat_learns_over_tls_where_it_is_seen_and_says_that_udp_is_unknown(authority):
    async with secure(authority) as running:
        ended = await stunkit("nat", "--json", "--ca", authority.file, uri(running))
        text = await stunkit("nat", "--ca", authority.file, uri(running))
    report = json.loads(ended.stdout)["ipv4"]
    assert ended.status == text.status == 6
    assert report["mapped"] == report["local"]
    assert (report["udp"], report["mapping"], report["nat"]) == ("unknown", "unknown", None)
    assert "asked over TLS, which shows nothing of what happens to UDP" in text.stdout


@pytest.mark.parametrize("verb", ["whoami", "nat"])
async def test_names_a_file_that_holds_no_certificate(verb, tmp_path):
    ended = await stunkit(verb, "--ca", tmp_path / "none.pem", "stuns:127.0.0.1")
    assert ended.status == 2
    assert "is not a file of certificates to trust: no such file or directory" in ended.stderr
    assert ended.stderr.count("\n") == 1


async def test_serve_names_a_certificate_that_is_not_there(tmp_path):
    ended = await stunkit("serve", "--listen=127.0.0.1:0", f"--tls-certificate={tmp_path}/none")
    assert ended.status == 3
    assert ended.stderr.endswith("none: no such file or directory\n")
