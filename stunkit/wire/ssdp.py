"""SSDP: asking which UPnP devices there are (UPnP Device Architecture 1.1 section 1.3).

Rules of this file: an answer is somebody's text; whoever reads it decides whether to believe it.
"""

from __future__ import annotations

from typing import NamedTuple, Self

from stunkit.endpoint import Endpoint
from stunkit.errors import Malformed

GROUP = Endpoint.of("239.255.255.250", 1900)  # section 1.1
PORT = GROUP.port
MX = 1  # seconds in which devices answer, each after a drawn pause; section 1.3.2
MAX_SIZE = 2048  # bytes; an answer has some 400

# The older version too: a device answers to each version up to its own (section 1.3.2).
GATEWAYS = tuple(
    f"urn:schemas-upnp-org:{kind}"
    for kind in (
        "device:InternetGatewayDevice:1",
        "device:InternetGatewayDevice:2",
        "service:WANIPConnection:1",
    )
)


class SsdpAnswer(NamedTuple):
    """What a device says of itself: where its description is, and what it runs."""

    location: str
    server: str

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode the answer to a search. Raises Malformed."""
        if len(data) > MAX_SIZE:
            raise _malformed(f"{len(data)} bytes are over {MAX_SIZE}")
        status, *lines = data.decode("latin-1").splitlines() or [""]
        version, _, code = status.partition(" ")
        if not version.startswith("HTTP/1.") or code.split(" ")[0] != "200":
            raise _malformed("it is no answer to a search")
        fields: dict[str, str] = {}
        for line in lines:
            name, _, value = line.partition(":")
            fields.setdefault(name.strip().lower(), value.strip())
        if not fields.get("location"):
            raise _malformed("it says not where the description is")
        return cls(fields["location"], fields.get("server", ""))


def search(target: str, destination: Endpoint) -> bytes:
    """Return the question who is a ``target``; ``destination`` is the group, or one device."""
    lines = [
        "M-SEARCH * HTTP/1.1",
        f"HOST: {destination}",
        'MAN: "ssdp:discover"',
        f"MX: {MX}",
        f"ST: {target}",
        "",
        "",
    ]
    return "\r\n".join(lines).encode()


def _malformed(reason: str) -> Malformed:
    return Malformed(reason, place="SSDP")
