"""What a server is to its clients: the settings that decide an answer."""

from __future__ import annotations

from dataclasses import dataclass

from stunkit.endpoint import Family
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import HEADER_SIZE

# An answer may be longer than its request by one XOR-MAPPED-ADDRESS, bytes. The RFC makes us send
# that much to a blank request: 32 bytes for 20 over IPv4, which is 1.6 times as many.
ALLOWANCE = {Family.IPV4: 12, Family.IPV6: 24}


@dataclass(frozen=True, slots=True)
class Site:
    """The settings of one server.

    ``software`` is sent as SOFTWARE in every answer; None, the default, sends none: it helps
    attackers to choose, and makes each answer longer (RFC 8489 sections 14.14 and 16.1.2). Raises
    Unencodable where it would fit into no answer.
    """

    software: str | None = None

    def __post_init__(self) -> None:
        _ = self.software_size  # now, not in each answer

    @property
    def software_size(self) -> int:
        """How many bytes SOFTWARE adds to an answer."""
        if self.software is None:
            return 0
        value = Software(self.software).encode(bytes(12))
        return 4 + len(value) + -len(value) % 4

    def budget(self, request_size: int, family: Family) -> int:
        """Return how long an answer to a request of so many bytes may be, in bytes.

        Never less than a success to a blank request.
        """
        return max(request_size, HEADER_SIZE) + ALLOWANCE[family] + self.software_size
