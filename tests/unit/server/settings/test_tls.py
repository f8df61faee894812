from ipaddress import ip_network
from pathlib import Path

import pytest

from stunkit.endpoint import Endpoint
from stunkit.errors import SettingsError, UsageError
from stunkit.server.settings.material import Material
from stunkit.server.settings.tls import ProxySettings, TlsSettings
from stunkit.server.settings.tree import SETTINGS, Settings


def kind(key: str):
    return next(one.kind for one in SETTINGS if one.key == key)


def test_speaks_no_tls_and_believes_no_proxy_by_default():
    settings = Settings()
    assert settings.tls.certificate is None
    assert settings.tls.listen == ()
    assert not settings.tls.shared
    assert settings.proxy == ProxySettings(trusted=())


def test_listens_on_the_port_of_stuns():
    assert kind("tls.listen").parse("192.0.2.1") == (Endpoint.parse("192.0.2.1:5349"),)


def test_reads_networks_of_proxies():
    assert kind("proxy.trusted").read(["10.0.0.0/8"]) == (ip_network("10.0.0.0/8"),)
    with pytest.raises(UsageError):
        kind("proxy.trusted").read(["10.0.0.1/8"])


@pytest.mark.parametrize(
    "tls",
    [
        TlsSettings(key=Path("x")),
        TlsSettings(shared=True),
        TlsSettings(listen=(Endpoint.parse("127.0.0.1:0"),)),
    ],
)
def test_needs_a_certificate_for_all_else(tls: TlsSettings):
    with pytest.raises(SettingsError, match=r"tls\.\w+: it needs tls\.certificate"):
        Material.load(Settings(tls=tls), bytes(32))
