import pytest

from stunkit.wire.demux import Kind, demultiplex


# RFC 9443 section 2 (figure 3), both ends of every range
@pytest.mark.parametrize(
    ("first", "last", "kind"),
    [
        (0, 3, Kind.STUN),
        (4, 15, Kind.UNKNOWN),
        (16, 19, Kind.ZRTP),
        (20, 63, Kind.DTLS),
        (64, 79, Kind.TURN_CHANNEL),
        (80, 127, Kind.QUIC),
        (128, 191, Kind.RTP),
        (192, 255, Kind.QUIC),
    ],
)
def test_decides_by_the_first_byte(first: int, last: int, kind: Kind) -> None:
    assert {demultiplex(bytes((byte, 0xFF))) for byte in range(first, last + 1)} == {kind}


def test_does_not_know_when_there_is_no_byte() -> None:
    assert demultiplex(b"") is Kind.UNKNOWN
