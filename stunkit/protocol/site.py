"""What a server is to its clients: the settings that decide an answer."""

from __future__ import annotations

from dataclasses import dataclass

from stunkit.endpoint import Endpoint, Family
from stunkit.protocol.credentials import Credentials
from stunkit.wire import fingerprint
from stunkit.wire.attributes.text import Software
from stunkit.wire.message import HEADER_SIZE

# An answer may be longer than its request by one XOR-MAPPED-ADDRESS, bytes. The RFC makes us send
# that much to a blank request: 32 bytes for 20 over IPv4, which is 1.6 times as many.
ALLOWANCE = {Family.IPV4: 12, Family.IPV6: 24}
BARE_ERROR_SIZE = 8  # bytes of ERROR-CODE without a phrase


@dataclass(frozen=True, slots=True)
class Quartet:
    """The four sockets of an RFC 5780 server in one address family (section 6).

    In this order: address and port, the same address with the other port, the other address with
    the port, both others. So a socket's place is a two-bit role, and CHANGE-REQUEST's flags,
    shifted right by one, say which bits of it change. ``local`` is where the sockets are bound,
    ``public`` how clients reach them (other than ``local`` behind a one-to-one NAT). As long as
    the other address is not ``proven`` to answer, it is neither named nor used.
    """

    local: tuple[Endpoint, ...]
    public: tuple[Endpoint, ...]
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Site:
    """The settings of one server.

    ``software`` is sent as SOFTWARE in every answer; None, the default, sends none: it helps
    attackers to choose, and makes each answer longer (RFC 8489 sections 14.14 and 16.1.2).
    ``quartet`` makes it an RFC 5780 server. ``is_stream``: TCP and TLS, where an answer can only
    go back on the connection that asked. Nothing is sent to ``refused_ports``. With ``credentials``
    it is a closed server, which answers only those who have one. Raises Unencodable for software
    that SOFTWARE cannot hold.
    """

    software: str | None = None
    quartet: Quartet | None = None
    is_stream: bool = False
    refused_ports: frozenset[int] = frozenset()
    credentials: Credentials | None = None

    def __post_init__(self) -> None:
        _ = self.software_size  # encodes it once, so that no answer fails later

    @property
    def software_size(self) -> int:
        """How many bytes SOFTWARE adds to an answer."""
        if self.software is None:
            return 0
        value = Software(self.software).encode(bytes(12))
        return 4 + len(value) + -len(value) % 4

    def budget(self, request_size: int, family: Family) -> int:
        """Return how long an answer to a request of so many bytes may be, in bytes.

        That is ``ordinary_budget``, but for a server with long-term credentials: it has to
        challenge whoever comes without (RFC 8489 section 9.2.4), and a challenge with nothing that
        it could do without may be sent whatever the request's size.
        """
        budget = self.ordinary_budget(request_size, family)
        if self.credentials is None or not self.credentials.challenge_size:
            return budget
        challenge = HEADER_SIZE + BARE_ERROR_SIZE + self.credentials.challenge_size
        if request_size >= HEADER_SIZE + fingerprint.SIZE:  # then both may have FINGERPRINT
            challenge += fingerprint.SIZE
        return max(budget, challenge + self.software_size)

    def ordinary_budget(self, request_size: int, family: Family) -> int:
        """Return how long any answer but a challenge may be, in bytes.

        Never less than a success to a blank request. The three attributes that RFC 5780 section
        6.1 demands of a server with two addresses come on top, on its sockets.
        """
        addresses = 1 if self.quartet is None else 4
        return max(request_size, HEADER_SIZE) + addresses * ALLOWANCE[family] + self.software_size
