"""PASSWORD-ALGORITHM and PASSWORD-ALGORITHMS (RFC 8489 sections 14.11 and 14.12)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from stunkit.wire.attributes.attribute import Attribute
from stunkit.wire.registry import AttributeType


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A number of the "STUN Password Algorithms" registry, and parameters (so far none)."""

    number: int
    parameters: bytes = b""


@dataclass(frozen=True, slots=True)
class PasswordAlgorithms(Attribute):
    """PASSWORD-ALGORITHMS: what the server can use, best first."""

    type = AttributeType.PASSWORD_ALGORITHMS
    algorithms: tuple[Algorithm, ...]

    def encode(self, transaction_id: bytes) -> bytes:
        return b"".join(_encode(type(self), algorithm) for algorithm in self.algorithms)

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        algorithms = []
        offset = 0
        while offset < len(value):
            algorithm, offset = _decode(cls, value, offset)
            algorithms.append(algorithm)
        return cls(tuple(algorithms))


@dataclass(frozen=True, slots=True)
class PasswordAlgorithm(Attribute):
    """PASSWORD-ALGORITHM: what the client chose."""

    type = AttributeType.PASSWORD_ALGORITHM
    algorithm: Algorithm

    def encode(self, transaction_id: bytes) -> bytes:
        return _encode(type(self), self.algorithm)

    @classmethod
    def decode(cls, value: bytes, transaction_id: bytes) -> Self:
        algorithm, offset = _decode(cls, value, 0)
        if offset < len(value):
            raise cls.malformed(f"{len(value) - offset} bytes follow the algorithm", offset=offset)
        return cls(algorithm)


def _encode(kind: type[Attribute], algorithm: Algorithm) -> bytes:
    number, parameters = algorithm.number, algorithm.parameters
    if not 0 <= number <= 0xFFFF or len(parameters) > 0xFFFF:
        raise kind.unencodable("an algorithm's number and its parameters' length have 16 bits")
    head = number.to_bytes(2, "big") + len(parameters).to_bytes(2, "big")
    return head + parameters + bytes(-len(parameters) % 4)


def _decode(kind: type[Attribute], value: bytes, offset: int) -> tuple[Algorithm, int]:
    """Read the algorithm at ``offset``; return it and where the next one starts."""
    start = offset + 4
    if start > len(value):
        raise kind.malformed("an algorithm is cut short", offset=offset)
    number = int.from_bytes(value[offset : offset + 2], "big")
    end = start + int.from_bytes(value[offset + 2 : start], "big")
    if end > len(value):
        raise kind.malformed("an algorithm's parameters are cut short", offset=offset + 2)
    # The padding after the last one may be left to the attribute's own.
    return Algorithm(number, value[start:end]), min((end + 3) & ~3, len(value))
