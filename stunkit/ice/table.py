"""Table: a row of the trickle-ice sample page, as it is copied from the browser.

Its columns are time, component (in older versions), type, foundation, protocol, address, port,
priority as "126 | 32542 | 255", and where the candidate comes from. It leaves out the related
address and the tcptype; a TCP candidate with port 9 is an active one (RFC 6544 section 4.5).
"""

from __future__ import annotations

import re

from stunkit.errors import UsageError
from stunkit.ice.candidate import Candidate

_ROW = re.compile(
    r"\s*(?:\d+(?:\.\d+)?\s+)?(?:(?P<component>rtp|rtcp|[12])\s+)?"
    r"(?P<type>host|srflx|prflx|relay)(?:\s?\([^)]{0,40}\))?\s+(?P<foundation>[A-Za-z0-9+/]+)\s+"
    r"(?P<transport>udp|tcp)\s+(?P<address>\S+)\s+(?P<port>\d{1,5})\s+"
    r"(?P<kind>\d{1,3})\s*\|\s*(?P<local>\d{1,5})\s*\|\s*(?P<last>\d{1,3})(?:\s.*)?",
    re.IGNORECASE,
)


def parse_row(text: str) -> Candidate | None:
    """Return the candidate of a row, or None for any other text."""
    match = _ROW.fullmatch(text)
    if not match:
        return None
    last = int(match["last"])
    priority = (int(match["kind"]) << 24) + (int(match["local"]) << 8) + last
    transport, port = match["transport"].lower(), match["port"]
    tcptype = " tcptype active" if transport == "tcp" and port == "9" else ""
    try:
        return Candidate.parse(
            f"candidate:{match['foundation']} {max(256 - last, 0)} {transport} {priority}"
            f" {match['address'].strip('[]')} {port} typ {match['type'].lower()}{tcptype}"
        )
    except UsageError:
        return None
