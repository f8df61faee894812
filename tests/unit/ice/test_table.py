import pytest

from stunkit.ice.candidate import Candidate
from stunkit.ice.table import parse_row


@pytest.mark.parametrize(
    ("row", "line"),
    [
        (
            "0.003\thost\t1329448059\tudp\t192.168.1.34\t40401\t126 | 32282 | 255",
            "candidate:1329448059 1 udp 2122194687 192.168.1.34 40401 typ host",
        ),
        (
            "0.1  1  relay (udp)  7  UDP  [2001:db8::1]  5000  2 | 32282 | 255  turn:a.example",
            "candidate:7 1 udp 41819135 2001:db8::1 5000 typ relay",
        ),
        (
            "  rtcp srflx 7 udp 192.0.2.1 5001 100|32282|254",
            "candidate:7 2 udp 1686051582 192.0.2.1 5001 typ srflx",
        ),
        (
            "0.5 host 9 tcp x.local 9 90 | 1 | 255",
            "candidate:9 1 tcp 1509949951 x.local 9 typ host tcptype active",
        ),
    ],
)
def test_reads_a_row(row: str, line: str):
    candidate = parse_row(row)
    assert candidate is not None
    wanted = Candidate.parse(line)
    parts = (candidate.priority >> 24, candidate.priority & 0xFF, wanted.component)
    assert parts == (wanted.priority >> 24, 256 - wanted.component, candidate.component)
    for name in ("foundation", "transport", "address", "port", "type", "tcptype"):
        assert getattr(candidate, name) == getattr(wanted, name)


@pytest.mark.parametrize(
    "row",
    [
        "",
        "Time\tType\tFoundation\tProtocol\tAddress\tPort\tPriority",
        "0.201\tDone",
        "0.1 host 7 udp 192.0.2.1 5000 126",
        "0.1 host 7 udp 192.0.2.1 99999 126 | 1 | 255",
        "0.1 host 7 udp \x01 5000 126 | 1 | 255",
    ],
)
def test_passes_over_anything_else(row: str):
    assert parse_row(row) is None


def test_priority_comes_back_exactly():
    candidate = parse_row("0.1 host 7 udp 192.0.2.1 5000 126 | 32542 | 255")
    assert candidate is not None
    assert candidate.priority == 2122260223
