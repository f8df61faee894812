import pytest

from stunkit.bench.target import check_target, is_own
from stunkit.endpoint import Endpoint
from stunkit.errors import UsageError

OWN = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.1.1",
    "169.254.1.1",
    "198.18.0.1",
    "198.19.255.254",
    "::1",
    "fc00::1",
    "fdff::1",
    "fe80::1%1",
    "::ffff:10.0.0.1",
]
NOT_OWN = [
    "8.8.8.8",
    "172.15.255.255",
    "172.32.0.1",
    "192.169.0.1",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "198.17.0.1",
    "198.20.0.1",
    "2001:db8::1",
    "2606:4700::1",
    "::",
    "ff02::1",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
    "::ffff:8.8.8.8",
]


@pytest.mark.parametrize("host", OWN)
def test_private_servers_may_be_loaded(host):
    server = Endpoint.of(host, 3478)
    assert is_own(server)
    check_target(server, mine=False)


@pytest.mark.parametrize("host", NOT_OWN)
def test_others_need_a_word_from_the_user(host):
    server = Endpoint.of(host, 3478)
    assert not is_own(server)
    with pytest.raises(UsageError, match="--mine"):
        check_target(server, mine=False)
    check_target(server, mine=True)
