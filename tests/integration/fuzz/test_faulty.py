import socket
from collections.abc import Iterator

import pytest

from stunkit.errors import UsageError
from stunkit.fuzz.faulty import Faults, check_name
from stunkit.fuzz.stand import StunServer
from stunkit.wire.attributes.address import OtherAddress
from stunkit.wire.attributes.text import Username
from stunkit.wire.integrity import add_integrity, check_integrity, short_term_key
from stunkit.wire.message import Message
from stunkit.wire.registry import Method
from tests.integration.loopback import PATIENCE, blank

SOON = 0.2  # seconds; nothing is lost on loopback by itself


@pytest.fixture(scope="module")
def server() -> Iterator[StunServer]:
    with StunServer(alternate=True) as one:
        yield one


def ask(server: StunServer, data: bytes = blank(), timeout: float = PATIENCE):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.settimeout(timeout)
        plain.sendto(data, (server.host, server.port))
        answer, source = plain.recvfrom(2000)
        return Message.decode(answer), source


def test_without_a_fault_it_is_right(server: StunServer):
    answer, source = ask(server)
    assert answer.get(OtherAddress) is not None
    assert source == (server.host, server.port)


def test_it_hears_nothing(server: StunServer):
    server.drop()
    with pytest.raises(TimeoutError):
        ask(server, timeout=SOON)
    server.heal()
    assert ask(server)


def test_it_misses_the_next(server: StunServer):
    server.drop_next(1)
    with pytest.raises(TimeoutError):
        ask(server, timeout=SOON)
    assert ask(server)


def test_it_is_late(server: StunServer):
    server.delay(SOON)
    with pytest.raises(TimeoutError):
        ask(server, timeout=SOON / 4)
    assert ask(server)
    server.heal()


def test_it_answers_from_elsewhere(server: StunServer):
    server.wrong_source()
    _, source = ask(server)
    server.heal()
    assert source[0] == server.host
    assert source[1] != server.port


def test_it_does_not_name_its_other_address(server: StunServer):
    server.no_other_address()
    answer, _ = ask(server)
    server.heal()
    assert answer.get(OtherAddress) is None


def test_it_signs_wrongly():
    key = short_term_key("secret")
    request = Message.request(Method.BINDING, bytes(12), [Username("ann")])
    data = add_integrity(request, key).raw
    with StunServer(users={"ann": "secret"}) as closed:
        assert check_integrity(ask(closed, data)[0], key) is True
        closed.bad_integrity()
        assert check_integrity(ask(closed, data)[0], key) is False


def test_it_makes_the_mistakes_of_the_conformance_suite(server: StunServer):
    server.fault("wrong-id")
    answer, _ = ask(server)
    server.heal()
    assert answer.transaction_id != bytes(12)


def test_a_share_is_lost_by_chance_and_the_same_each_time():
    one, other = Faults(loss=0.5), Faults(loss=0.5)
    fates = [one.loses() for _ in range(200)]
    assert fates == [other.loses() for _ in range(200)]
    assert 60 < sum(fates) < 140


def test_names_are_checked():
    assert check_name("wrong-id", has_quartet=False) == "wrong-id"
    with pytest.raises(UsageError):
        check_name("closes", has_quartet=True)  # a fault of streams
