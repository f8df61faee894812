import pytest

from stunkit.errors import Malformed, Unencodable
from stunkit.wire.attributes.behavior import CacheTimeout, ChangeRequest, Padding, ResponsePort

ID = bytes(12)


def test_have_their_numbers() -> None:
    numbers = (0x0003, 0x0026, 0x0027, 0x8027)
    kinds = (ChangeRequest, Padding, ResponsePort, CacheTimeout)
    assert tuple(kind.type for kind in kinds) == numbers


@pytest.mark.parametrize(
    ("change_ip", "change_port", "flags"),
    [(False, False, 0), (False, True, 2), (True, False, 4), (True, True, 6)],
)
def test_writes_and_reads_what_to_change(*, change_ip: bool, change_port: bool, flags: int) -> None:
    # RFC 5780 section 7.2
    request = ChangeRequest(change_ip=change_ip, change_port=change_port)
    assert request.flags == flags
    assert request.encode(ID) == bytes((0, 0, 0, flags))
    assert ChangeRequest.decode(bytes((0, 0, 0, flags)), ID) == request


def test_changes_nothing_unless_told() -> None:
    assert ChangeRequest() == ChangeRequest(change_ip=False, change_port=False)


@pytest.mark.parametrize(("value", "flags"), [("fffffff9", 0), ("ffffffff", 6), ("06060601", 0)])
def test_ignores_the_other_bits_of_a_change_request(value: str, flags: int) -> None:
    assert ChangeRequest.decode(bytes.fromhex(value), ID).flags == flags


@pytest.mark.parametrize("size", [0, 1, 3, 5, 8])
def test_refuses_a_change_request_of_another_size(size: int) -> None:
    with pytest.raises(Malformed, match="not 4"):
        ChangeRequest.decode(bytes(size), ID)


@pytest.mark.parametrize(
    ("port", "value"), [(0, "00000000"), (3478, "0d960000"), (65535, "ffff0000")]
)
def test_writes_a_response_port_with_two_bytes_of_padding(port: int, value: str) -> None:
    # RFC 5780 section 7.5, erratum 2844
    assert ResponsePort(port).encode(ID) == bytes.fromhex(value)


@pytest.mark.parametrize("value", ["0d96", "0d960000", "0d96ffff"])
def test_reads_a_response_port_of_two_or_four_bytes(value: str) -> None:
    assert ResponsePort.decode(bytes.fromhex(value), ID) == ResponsePort(3478)


@pytest.mark.parametrize("size", [0, 1, 3, 5, 8])
def test_refuses_a_response_port_of_another_size(size: int) -> None:
    with pytest.raises(Malformed, match="not 2 or 4"):
        ResponsePort.decode(bytes(size), ID)


@pytest.mark.parametrize("port", [-1, 65536])
def test_refuses_to_write_a_response_port_out_of_range(port: int) -> None:
    with pytest.raises(Unencodable, match="RESPONSE-PORT"):
        ResponsePort(port).encode(ID)


@pytest.mark.parametrize("value", [b"", b"x", bytes(1500)])
def test_pads_with_any_bytes(value: bytes) -> None:
    assert Padding(value).encode(ID) == value
    assert Padding.decode(value, ID) == Padding(value)


def test_writes_and_reads_a_cache_timeout_in_seconds() -> None:
    assert CacheTimeout(40).encode(ID) == b"\0\0\0\x28"
    assert CacheTimeout.decode(b"\0\0\0\x28", ID) == CacheTimeout(40)
