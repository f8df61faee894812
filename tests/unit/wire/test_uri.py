import pytest

from stunkit.errors import UsageError
from stunkit.wire.uri import NAMED, Scheme, Transport, Uri


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        # RFC 7064 appendix A and RFC 7065 appendix A
        ("stun:example.org", Uri(Scheme.STUN, "example.org")),
        ("stuns:example.org", Uri(Scheme.STUNS, "example.org")),
        ("stun:example.org:8000", Uri(Scheme.STUN, "example.org", 8000)),
        ("turn:example.org:8000", Uri(Scheme.TURN, "example.org", 8000)),
        (
            "turn:192.0.2.1?transport=udp",
            Uri(Scheme.TURN, "192.0.2.1", transport=Transport.UDP),
        ),
        (
            "turns:example.org:8000?transport=tcp",
            Uri(Scheme.TURNS, "example.org", 8000, Transport.TCP),
        ),
        ("stun:[2001:db8::1]:1", Uri(Scheme.STUN, "2001:db8::1", 1)),
        ("stun:[2001:db8::1]", Uri(Scheme.STUN, "2001:db8::1")),
        # what people write
        ("STUN:example.org?transport=TCP", Uri(Scheme.STUN, "example.org", None, Transport.TCP)),
        ("example.org", Uri(Scheme.STUN, "example.org")),
        ("example.org:3479", Uri(Scheme.STUN, "example.org", 3479)),
        ("[2001:db8::1]:3479", Uri(Scheme.STUN, "2001:db8::1", 3479)),
        ("2001:db8::1", Uri(Scheme.STUN, "2001:db8::1")),
        ("stun:2001:db8::1", Uri(Scheme.STUN, "2001:db8::1")),
        ("[fe80::1%2]:3478", Uri(Scheme.STUN, "fe80::1%2", 3478)),
        ("bücher.example", Uri(Scheme.STUN, "bücher.example")),
        ("उदाहरण.परीक्षा", Uri(Scheme.STUN, "उदाहरण.परीक्षा")),
        ("turn", Uri(Scheme.STUN, "turn")),
    ],
)
def test_parses(text: str, uri: Uri) -> None:
    assert Uri.parse(text) == uri


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no host"),
        ("stun:", "no host"),
        ("stun::3478", "no host"),
        ("stun:example.org:0x10", "is not a port"),
        ("stun:example.org:65536", "is not a port"),
        ("stun://example.org", "'//example.org' is not a host name"),
        ("stun:/example.org", "'/example.org' is not a host name"),
        ("user@example.org", "'user@example.org' is not a host name"),
        ("example org", "is not a host name"),
        ("example\u00a0org", "is not a host name"),
        ("example.org\u2028", "is not a host name"),
        ("example.org\n", "is not a host name"),
        ("stun:[192.0.2.1]", "192.0.2.1"),
        ("stun:[2001:db8::1", "bracket"),
        ("fe80::1%]", "'fe80::1%]' is not a host name"),
        ("[fe80::1%a b]", "'fe80::1%a b' is not a host name"),
        ("[fe80::1%]", "fe80::1%"),
        ("stun:2001:db8:::1", "':::'|At most one '::'|colon"),
        ("stun:example.org?transport=sctp", "'transport=sctp' is not transport="),
        ("stun:example.org?transport", "'transport' is not transport="),
        ("stun:example.org?", "'' is not transport="),
        ("stun:example.org?protocol=udp", "'protocol=udp' is not transport="),
    ],
)
def test_refuses_text_that_names_no_server(text: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        Uri.parse(text)


@pytest.mark.parametrize(
    ("uri", "text"),
    [
        (Uri(Scheme.STUN, "example.org"), "stun:example.org"),
        (Uri(Scheme.STUNS, "2001:db8::1", 5349), "stuns:[2001:db8::1]:5349"),
        (
            Uri(Scheme.TURNS, "192.0.2.1", 1, Transport.TCP),
            "turns:192.0.2.1:1?transport=tcp",
        ),
        (Uri(Scheme.TURN, "h", 0, Transport.UDP), "turn:h:0?transport=udp"),
    ],
)
def test_formats(uri: Uri, text: str) -> None:
    assert uri.format() == text
    assert str(uri) == text


@pytest.mark.parametrize(
    ("scheme", "port", "carrier", "is_secure", "is_relay"),
    [
        # RFC 7064 section 3.2 and RFC 7065 section 3
        (Scheme.STUN, 3478, Transport.UDP, False, False),
        (Scheme.STUNS, 5349, Transport.TLS, True, False),
        (Scheme.TURN, 3478, Transport.UDP, False, True),
        (Scheme.TURNS, 5349, Transport.TLS, True, True),
    ],
)
def test_knows_what_its_scheme_means(
    *, scheme: Scheme, port: int, carrier: Transport, is_secure: bool, is_relay: bool
) -> None:
    uri = Uri(scheme, "example.org")
    assert uri.default_port == port
    assert uri.carrier is carrier
    assert scheme.is_secure is is_secure
    assert scheme.is_relay is is_relay


@pytest.mark.parametrize("transport", NAMED)
@pytest.mark.parametrize("scheme", Scheme)
def test_is_carried_by_the_transport_that_it_names(scheme: Scheme, transport: Transport) -> None:
    uri = Uri(scheme, "example.org", transport=transport)
    is_tls = scheme.is_secure and transport is Transport.TCP
    assert uri.carrier is (Transport.TLS if is_tls else transport)


@pytest.mark.parametrize(
    ("host", "is_address"),
    [
        ("192.0.2.1", True),
        ("2001:db8::1", True),
        ("fe80::1%2", True),
        ("example.org", False),
        ("192.0.2", False),
        ("192.0.2.256", False),
    ],
)
def test_knows_an_address_from_a_name(*, host: str, is_address: bool) -> None:
    assert Uri(Scheme.STUN, host).is_address is is_address
