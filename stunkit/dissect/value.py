"""The value of an attribute, for people: what it says, and of which fields it is made.

One function for each shape of value; the classes of ``wire.attributes`` decide what can be
decoded. RFC 8489 section 14, RFC 8656 section 18, RFC 8445 section 16.1, RFC 5780 section 7.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from stunkit.wire.attributes import address, behavior, digest, error, ice, password, text, turn
from stunkit.wire.attributes.attribute import Attribute, Flag, Number, Opaque
from stunkit.wire.nonce import security_features
from stunkit.wire.registry import (
    AttributeType,
    PasswordAlgorithmNumber,
    attribute_name,
    reason_phrase,
)

Part = tuple[int, str, str]  # length in bytes, name, text

SHOWN = 40  # bytes of opaque data that are shown; the whole is in the message
_FAMILIES = {1: "IPv4", 2: "IPv6"}
_PROTOCOLS = {6: "TCP", 17: "UDP"}  # IANA "Protocol Numbers"
_TYPE_PREFERENCES = {126: "host", 110: "prflx", 100: "srflx", 0: "relay"}  # RFC 8445 5.1.2.2
_SECONDS = (AttributeType.LIFETIME, AttributeType.CACHE_TIMEOUT)


class Value(NamedTuple):
    """What a value says; its parts fill it, unless there are none."""

    text: str
    parts: list[Part]
    note: str = ""


def describe(attribute: Attribute, value: bytes) -> Value:
    """Return what a decoded attribute says, and the parts of its bytes."""
    for kind, function in _SHAPES:
        if isinstance(attribute, kind):
            return function(attribute, value)
    raise TypeError(type(attribute).__name__)


def hexadecimal(data: bytes) -> str:
    """Return bytes in hex, the end of long ones left out."""
    if len(data) <= SHOWN:
        return data.hex()
    return f"{data[:SHOWN].hex()}... ({len(data)} bytes)"


def _address(attribute: address.Address, value: bytes) -> Value:
    endpoint = attribute.endpoint
    is_xored = isinstance(attribute, address.XorAddress)
    port, host = str(endpoint.port), endpoint.host
    if is_xored:
        port += f" (0x{value[2:4].hex()} XOR the cookie)"
        host += f" ({value[4:].hex()} XOR the header)"
    family = _FAMILIES[value[1]]
    parts = [(1, "reserved", ""), (1, "family", family), (2, "port", port)]
    return Value(str(endpoint), [*parts, (len(value) - 4, "address", host)])


def _error(attribute: error.ErrorCode, value: bytes) -> Value:
    return Value(
        f"{attribute.code} {attribute.reason}".rstrip(),
        _error_parts(value, 2, attribute.reason),
        _phrase_note(attribute.code, attribute.reason),
    )


def _address_error(attribute: turn.AddressErrorCode, value: bytes) -> Value:
    family = _FAMILIES[value[0]]
    parts = [(1, "family", family), *_error_parts(value, 1, attribute.reason)]
    return Value(f"{family}: {attribute.code} {attribute.reason}".rstrip(), parts)


def _error_parts(value: bytes, reserved: int, reason: str) -> list[Part]:
    return [
        (reserved, "reserved", ""),
        (1, "class", str(value[2] & 7)),
        (1, "number", str(value[3])),
        (len(value) - 4, "reason", reason),
    ]


def _phrase_note(code: int, reason: str) -> str:
    phrase = reason_phrase(code)
    if not phrase:
        return "this code is not registered"
    return "" if phrase == reason else f"registered as {phrase}"


def _unknown_attributes(attribute: error.UnknownAttributes, value: bytes) -> Value:
    del value
    names = [attribute_name(number) for number in attribute.types]
    return Value(", ".join(names) or "none", [(2, "type", name) for name in names])


def _change_request(attribute: behavior.ChangeRequest, value: bytes) -> Value:
    del value
    wanted = [
        name
        for name, is_set in (("address", attribute.change_ip), ("port", attribute.change_port))
        if is_set
    ]
    said = f"answer from the other {' and '.join(wanted)}" if wanted else "change nothing"
    return Value(said, [])


def _number(attribute: Number, value: bytes) -> Value:
    number = attribute.number
    shown = _TEXTS.get(type(attribute), str)(number)
    if attribute.type in _SECONDS:
        shown += " s"
    if len(value) == attribute.width:
        return Value(shown, [])
    reserved = len(value) - attribute.width
    return Value(shown, [(attribute.width, "number", shown), (reserved, "reserved", "")])


def _priority(number: int) -> str:
    """Take a priority apart: 2^24 type + 2^8 local + (256 - component) (RFC 8445 5.1.2.1)."""
    preference, local, component = number >> 24, number >> 8 & 0xFFFF, 256 - (number & 0xFF)
    kind = _TYPE_PREFERENCES.get(preference)
    named = f"{preference} ({kind})" if kind else str(preference)
    return f"{number} (type {named}, local {local}, component {component})"


def _protocol(number: int) -> str:
    return f"{number} ({_PROTOCOLS[number]})" if number in _PROTOCOLS else str(number)


def _flag(attribute: Flag, value: bytes) -> Value:
    del attribute, value
    return Value("set", [])


def _text(attribute: text.Text, value: bytes) -> Value:
    del value
    note = ""
    receiver, colon, sender = attribute.text.partition(":")
    if isinstance(attribute, text.Username) and colon and ":" not in sender:
        note = f"of ICE: to ufrag {receiver}, from {sender}"
    return Value(attribute.text, [], note)


def _nonce(attribute: text.Nonce, value: bytes) -> Value:
    features = security_features(attribute.value)
    note = ""
    if features is not None:
        named = [str(one.name).lower().replace("_", " ") for one in features if one.name]
        note = f"security features: {', '.join(named) or 'none'}"
    return Value(_token(value), [], note)


def _opaque(attribute: Opaque, value: bytes) -> Value:
    shown = _token(value) if isinstance(attribute, text.Password) else hexadecimal(value)
    return Value(shown, [])


def _token(value: bytes) -> str:
    """Return bytes that are mostly text as text."""
    shown = value.decode("ascii", "replace")
    return shown if shown.isprintable() and value.isascii() else hexadecimal(value)


def _algorithms(
    attribute: password.PasswordAlgorithms | password.PasswordAlgorithm, value: bytes
) -> Value:
    if isinstance(attribute, password.PasswordAlgorithm):
        algorithms: tuple[password.Algorithm, ...] = (attribute.algorithm,)
    else:
        algorithms = attribute.algorithms
    names, parts, left = [], [], len(value)
    for one in algorithms:
        names.append(_algorithm_name(one.number))
        size = len(one.parameters)
        padding = min(-size % 4, left - 4 - size)
        parts += [
            (2, "algorithm", names[-1]),
            (2, "parameters' length", f"{size} bytes"),
            (size, "parameters", hexadecimal(one.parameters)),
            (padding, "padding", ""),
        ]
        left -= 4 + size + padding
    return Value(", ".join(names) or "none", parts)


def _algorithm_name(number: int) -> str:
    try:
        return {PasswordAlgorithmNumber.MD5: "MD5", PasswordAlgorithmNumber.SHA256: "SHA-256"}[
            PasswordAlgorithmNumber(number)
        ]
    except ValueError:
        return f"0x{number:04X}"


def _family(attribute: turn.AddressFamily, value: bytes) -> Value:
    del attribute
    name = _FAMILIES[value[0]]
    return Value(name, [(1, "family", name), (3, "reserved", "")])


def _even_port(attribute: turn.EvenPort, value: bytes) -> Value:
    del value
    return Value("and reserve the next" if attribute.reserve_next else "this one only", [])


def _icmp(attribute: turn.Icmp, value: bytes) -> Value:
    del value
    said = f"type {attribute.icmp_type}, code {attribute.icmp_code}"
    kind = (2, "type and code", said)
    data = (4, "data", str(attribute.data))
    if attribute.data:
        said += f", data {attribute.data}"
    return Value(said, [(2, "reserved", ""), kind, data])


_TEXTS: dict[type[Attribute], Callable[[int], str]] = {
    ice.Priority: _priority,
    ice.IceControlled: lambda number: f"tie-breaker {number:016x}",
    ice.IceControlling: lambda number: f"tie-breaker {number:016x}",
    digest.Fingerprint: lambda number: f"{number:08x}",
    turn.ChannelNumber: lambda number: f"0x{number:04X}",
    turn.RequestedTransport: _protocol,
}
_SHAPES: tuple[tuple[type[Attribute], Callable[..., Value]], ...] = (
    (address.Address, _address),
    (error.ErrorCode, _error),
    (turn.AddressErrorCode, _address_error),
    (error.UnknownAttributes, _unknown_attributes),
    (behavior.ChangeRequest, _change_request),
    (text.Text, _text),
    (text.Nonce, _nonce),
    (password.PasswordAlgorithms, _algorithms),
    (password.PasswordAlgorithm, _algorithms),
    (turn.AddressFamily, _family),
    (turn.EvenPort, _even_port),
    (turn.Icmp, _icmp),
    (Number, _number),
    (Flag, _flag),
    (Opaque, _opaque),
)
