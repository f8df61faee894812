from xml.etree import ElementTree as ET

import pytest

from stunkit.server.web.qr import LONGEST, draw, is_own

HOST = "stun.example.org:8443"
LINK = f"https://{HOST}/rehearse#AbCdEfGhIjKlMnOpQrStUv"


def test_draws_links_to_its_own_host():
    assert is_own(LINK, HOST)
    assert is_own(LINK.upper().replace("HTTPS", "http"), HOST)
    assert is_own("x".join([f"http://{HOST}/", "x" * (LONGEST - len(f"http://{HOST}/") - 1)]), HOST)


@pytest.mark.parametrize(
    "link",
    [
        "",
        "/rehearse#x",
        "https://evil.example/#x",
        "https://stun.example.org/#x",
        f"https://{HOST}.evil.example/",
        f"https://{HOST}@evil.example/",
        f"https://ann@{HOST}/",
        f"javascript://{HOST}/%0aalert(1)",
        f"https://{HOST}/a b",
        f"https://{HOST}/\n",
        f"https://{HOST}/é",
        f"https://[{HOST}/",
        f"https://{HOST}/" + "x" * LONGEST,
    ],
)
def test_draws_nothing_else(link: str):
    assert not is_own(link, HOST)


def test_draws_nothing_for_nobody():
    assert not is_own("https://", "")


def test_is_dark_on_light_with_a_quiet_zone():
    root = ET.fromstring(draw(LINK))
    light, dark = root
    size = root.attrib["viewBox"].split()[2]
    assert (light.attrib["fill"], dark.attrib["stroke"]) == ("#fff", "#000")
    assert light.attrib["d"] == f"M0 0h{size}v{size}h-{size}z"
    assert dark.attrib["d"].startswith("M4 4.5h7")
    assert LINK.encode() not in draw(LINK)
