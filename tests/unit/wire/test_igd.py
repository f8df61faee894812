from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from stunkit.errors import InvalidAnswer, Malformed
from stunkit.wire import igd
from stunkit.wire.igd import Action, Device, Service
from stunkit.wire.markup import parse

SERVICE = "<service><serviceType>urn:schemas-upnp-org:service:{}</serviceType>{}</service>"
PLACES = "<controlURL>/ctl/1</controlURL><SCPDURL>/1.xml</SCPDURL>"
IP = Service("urn:schemas-upnp-org:service:WANIPConnection:2", "/ctl/1", "/1.xml")


def description(*services: str, base: str = "") -> bytes:
    devices = f"<device><serviceList>{''.join(services)}</serviceList></device>"
    return f'<root xmlns="urn:x">{base}<device>{devices}</device></root>'.encode()


def soap(body: str) -> bytes:
    return f'<s:Envelope xmlns:s="urn:s"><s:Body>{body}</s:Body></s:Envelope>'.encode()


def test_finds_each_line_to_the_outside():
    device = igd.decode_device(
        description(
            SERVICE.format("Layer3Forwarding:1", PLACES),
            SERVICE.format("WANIPConnection:2", PLACES),
            SERVICE.format("WANPPPConnection:1", "<controlURL>/ppp</controlURL>"),
            SERVICE.format("WANIPConnection:1", "<SCPDURL>/no-control.xml</SCPDURL>"),
        )
    )
    ppp = Service("urn:schemas-upnp-org:service:WANPPPConnection:1", "/ppp", "")
    assert device == Device("", (IP, ppp))


def test_a_description_may_say_what_its_places_are_relative_to():
    data = description(base="<URLBase>http://10.0.0.1:49000/</URLBase>")
    assert igd.decode_device(data) == Device("http://10.0.0.1:49000/", ())


def test_a_type_that_would_break_out_of_a_header_is_none():
    assert not igd.decode_device(
        description(SERVICE.format("WANIPConnection:1&#10;Host: x", PLACES))
    ).services


def test_actions_are_read_by_name():
    data = (
        b"<scpd><actionList><action><name>GetExternalIPAddress</name></action>"
        b"<action><name> AddPortMapping </name><argumentList><argument><name>NewPort</name>"
        b"</argument></argumentList></action></actionList></scpd>"
    )
    actions = igd.decode_actions(data)
    assert actions == {"GetExternalIPAddress", "AddPortMapping"}
    assert actions & igd.MAKES_MAPPINGS


def test_there_is_no_action_that_changes_anything():
    assert all(action.startswith("Get") for action in Action)


@pytest.mark.parametrize("kind", [IP.type, 'urn:x:"<&'])
def test_a_call_names_its_service_and_action(kind: str):
    body = igd.encode_call(IP._replace(type=kind), Action.STATUS)
    (content,) = parse(body).find_all("Body")
    assert [one.name for one in content.children] == ["GetStatusInfo"]
    assert igd.call_header(IP, Action.STATUS) == f'"{IP.type}#GetStatusInfo"'


def test_an_answer_is_read_by_name():
    data = soap(
        '<u:GetExternalIPAddressResponse xmlns:u="urn:u">'
        "<NewExternalIPAddress> 203.0.113.1 </NewExternalIPAddress>"
        "</u:GetExternalIPAddressResponse>"
    )
    said = igd.decode_answer(data, Action.ADDRESS)
    assert said == {"NewExternalIPAddress": "203.0.113.1"}
    with pytest.raises(Malformed, match="another question"):
        igd.decode_answer(data, Action.STATUS)


def test_a_failure_says_why():
    error = "<errorCode>501</errorCode><errorDescription>Action Failed</errorDescription>"
    data = soap(f"<s:Fault><detail><UPnPError>{error}</UPnPError></detail></s:Fault>")
    with pytest.raises(InvalidAnswer, match="GetExternalIPAddress failed with 501 Action Failed"):
        igd.decode_answer(data, Action.ADDRESS)


@pytest.mark.parametrize("text", ["", "0.0.0.0", "none", "203.0.113.1:80", "2001:db8::1"])
def test_no_address_is_none(text: str):
    assert igd.parse_address(text) is None


def test_an_address_is_read():
    assert igd.parse_address("203.0.113.1") == IPv4Address("203.0.113.1")
