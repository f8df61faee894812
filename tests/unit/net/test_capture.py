import gzip
import io
import struct
import sys

import pytest

from stunkit.dissect.packet import ETHERNET, RAW, Frame
from stunkit.errors import StartError, UsageError
from stunkit.net.capture import Capture, is_capture
from tests.packets import ALICE, SERVER, datagram, ip, pcap, section, udp

FRAMES = [datagram(ALICE, SERVER, b"hello" * n, time=1_700_000_000.25 + n) for n in range(3)]


def read(data: bytes) -> tuple[list[Frame], str]:
    with Capture(io.BytesIO(data), "test") as capture:
        frames = list(capture)
        return frames, capture.trouble


def big_endian(frames: list[Frame]) -> bytes:
    """A capture of nanoseconds, in the other byte order."""
    data = struct.pack(">IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, ETHERNET)
    for frame in frames:
        seconds, size = int(frame.time), len(frame.data)
        head = struct.pack(">IIII", seconds, round(frame.time % 1 * 1e9), size, size)
        data += head + frame.data
    return data


@pytest.mark.parametrize("make", [pcap, section, big_endian])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_reads_frames_and_their_times(make, pack):
    data = pack(make(FRAMES))
    assert is_capture(data)
    assert read(data) == (FRAMES, "")


def test_reads_a_capture_without_frames():
    assert read(pcap([])) == ([], "")
    assert read(section([])) == ([], "")


def test_takes_the_link_type_of_the_interface_and_of_the_section():
    bare = Frame(1.0, RAW, ip(ALICE, SERVER, udp(ALICE, SERVER, b"hello")))
    data = section([FRAMES[0], bare]) + section([bare])
    assert read(data) == ([FRAMES[0], bare, bare], "")


def test_knows_no_time_where_a_capture_has_none():
    assert read(section([FRAMES[0]._replace(time=None)]))[0][0].time is None


def test_drops_what_the_link_type_says_of_checksums():
    assert read(pcap(FRAMES, link=ETHERNET | 0x2400_0000))[0][0].link == ETHERNET


@pytest.mark.parametrize("make", [pcap, section])
@pytest.mark.parametrize("missing", [1, 3, 20, 60])
def test_says_that_a_capture_is_cut_short(make, missing):
    frames, trouble = read(make(FRAMES)[:-missing])
    assert frames == FRAMES[:2]
    assert trouble.startswith("it is cut short or broken: the record at byte ")


def test_names_the_byte_where_a_record_is_cut():
    whole = len(pcap(FRAMES[:2]))
    assert f"byte {whole} " in read(pcap(FRAMES)[:-1])[1]
    assert f"byte {whole} " in read(pcap(FRAMES[:2]) + b"abc")[1]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda packed: packed[:-20], "the packed file is cut short: nothing can be read after"),
        (lambda packed: packed[:-6] + bytes(6), "the packed file is damaged"),
    ],
)
def test_says_that_a_packed_file_is_broken(damage, reason):
    frames, trouble = read(damage(gzip.compress(pcap(FRAMES), mtime=0)))
    assert frames == FRAMES[: len(frames)]
    assert trouble.startswith(reason)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "neither pcap nor pcapng"),
        (b"hello", "neither pcap nor pcapng"),
        (b"\x28\xb5\x2f\xfdabc", "packed with zstd; unpack it first"),
        (b"BZh91AY", "packed with bzip2"),
        (gzip.compress(b"hello", mtime=0), "neither pcap nor pcapng"),
        (b"\x1f\x8b\x08\x00", "the packed file is cut short"),
        (b"\x1f\x8b\x08\xff" + bytes(40), "the packed file is"),
        (pcap([])[:10], "its header is cut short or broken"),
        (section([])[:10], "its header is cut short or broken"),
    ],
)
def test_refuses_what_is_no_capture(data, reason):
    with pytest.raises(UsageError, match=reason) as caught:
        read(data)
    assert caught.value.text == "test"


def test_opens_a_file(tmp_path):
    path = tmp_path / "a.pcap"
    path.write_bytes(pcap(FRAMES))
    with Capture.open(path) as capture:
        assert list(capture) == FRAMES
        assert capture.name == str(path)
    with pytest.raises(UsageError, match="no such file"):
        Capture.open(tmp_path / "none")


def test_says_which_extra_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "scapy.utils", None)
    with pytest.raises(StartError, match=r"pip install 'stunkit\[pcap\]'"):
        read(pcap(FRAMES))
    assert not is_capture(b"hello")
