"""Capture files, pcap and pcapng, read frame by frame; gzip is undone on the way.

The formats are scapy's business (extra ``pcap``); of scapy nothing else is used. What it does not
tell is known here: whether a file ends in the middle of something, and which section of a pcapng an
interface belongs to.

Rules of this file: frames that can be read are given out before any trouble is told; trouble is a
sentence, not an exception, once the first bytes have shown that it is a capture.
"""

from __future__ import annotations

import gzip
import io
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from stunkit.dissect.packet import Frame
from stunkit.errors import StartError, StunkitError, UsageError
from stunkit.extra import installation

PCAP_MAGIC = (b"\xa1\xb2\xc3\xd4", b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x4d\x3c\xb2\xa1")
PCAPNG_MAGIC = b"\x0a\x0d\x0d\x0a"
GZIP_MAGIC = b"\x1f\x8b"
_LINK_MASK = 0xFFFF  # the upper bits say how long a frame check sequence is
MOST_BYTES = 1 << 20  # of one frame; what a capture of segments before their cutting may hold
_OTHER_PACKINGS = {
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"\xfd7zX": "xz",
    b"BZh": "bzip2",
}


def is_capture(start: bytes) -> bool:
    """Whether a file that starts so is one to read here, or a compressed one."""
    return start.startswith((*PCAP_MAGIC, PCAPNG_MAGIC, GZIP_MAGIC, *_OTHER_PACKINGS))


class Capture:
    """An open capture; iterate over it for its frames.

    ``trouble`` says, once they are all read, why there are no more, if it is not the file's end.
    """

    def __init__(self, stream: BinaryIO, name: str) -> None:
        """Read the start of a stream, which need not be one that can go back, and is closed here.

        Raises UsageError when it is no capture, StartError without scapy.
        """
        self.name = name
        self.trouble = ""
        try:
            self._source = _Source(stream)
            self._is_ng = _is_ng(self._source, name)
            self._reader = _reader(self._source, name, is_ng=self._is_ng)
        except StunkitError:
            stream.close()
            raise

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a file. Raises UsageError, StartError."""
        try:
            stream = path.open("rb")
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError("a capture", str(path), reason) from None
        return cls(stream, str(path))

    def __iter__(self) -> Iterator[Frame]:
        """Yield the frames."""
        reader = self._reader
        if self._is_ng:
            for data, about in reader:
                time = None
                if about.tshigh is not None:
                    time = (about.tshigh << 32 | about.tslow) / about.tsresol
                yield Frame(time, about.linktype & _LINK_MASK, data)
        else:
            fractions = 1e9 if reader.nano else 1e6
            link = reader.linktype & _LINK_MASK
            for data, about in reader:
                if len(data) < about.caplen:  # the file ends in it
                    break
                yield Frame(about.sec + about.usec / fractions, link, data)
        self.trouble = self._source.why_it_ended()

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _is_ng(source: _Source, name: str) -> bool:
    """Tell pcapng from pcap. Raises UsageError."""
    for start, packing in _OTHER_PACKINGS.items():
        if source.start.startswith(start):
            raise UsageError("a capture", name, f"it is packed with {packing}; unpack it first")
    if source.start not in (*PCAP_MAGIC, PCAPNG_MAGIC):
        reason = source.trouble or "it starts as neither pcap nor pcapng does"
        raise UsageError("a capture", name, reason)
    return source.start == PCAPNG_MAGIC


class _Source:
    """What scapy reads from: unpacked if need be, with a memory of how it ended."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ahead = stream.read(4)
        self._packed: gzip.GzipFile | None = None
        self.trouble = ""
        self.position = 0
        self.record = 0  # where the block or frame starts that is being read
        if self._ahead[:2] == GZIP_MAGIC:
            joined = _Joined(self._ahead, stream)
            self._packed = gzip.GzipFile(fileobj=joined)
            self._ahead = b""
            self._ahead = self._more(4)
        self.start = self._ahead

    def read(self, size: int) -> bytes:
        """Return the next bytes, fewer at the end."""
        data, self._ahead = self._ahead[:size], self._ahead[size:]
        if len(data) < size:
            data += self._more(size - len(data))
        self.position += len(data)
        return data

    def _more(self, size: int) -> bytes:
        if self._packed is None:
            return self._stream.read(size)
        try:
            return self._packed.read(size)
        except EOFError:
            self.trouble = "the packed file is cut short"
        except (OSError, zlib.error):
            self.trouble = "the packed file is damaged"
        return b""

    def why_it_ended(self) -> str:
        """Say why there is no more to read, if it is not the end between two records."""
        if self.trouble:
            return f"{self.trouble}: nothing can be read after byte {self.position} of the capture"
        if self.position > self.record:
            return f"it is cut short or broken: the record at byte {self.record} is not whole"
        return ""

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()


class _Joined(io.RawIOBase):
    """The bytes that were read ahead, then the stream that they are from."""

    def __init__(self, ahead: bytes, stream: BinaryIO) -> None:
        super().__init__()
        self._ahead = ahead
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        if self._ahead and size >= 0:
            data, self._ahead = self._ahead[:size], self._ahead[size:]
            return data
        data, self._ahead = self._ahead, b""
        return data + self._stream.read(size)


def _reader(source: _Source, name: str, *, is_ng: bool) -> Any:  # noqa: ANN401 (see below)
    """Return scapy's reader of a source: it yields bytes and what is known of them.

    Raises UsageError, StartError.
    """
    try:
        from scapy.error import Scapy_Exception, log_runtime  # noqa: PLC0415 (optional, and slow)
        from scapy.utils import RawPcapNgReader, RawPcapReader  # noqa: PLC0415
    except ImportError:
        raise StartError(
            "reading a capture needs scapy", f"install it with: {installation('pcap')}"
        ) from None
    log_runtime.setLevel(logging.CRITICAL)  # what it has to say of broken files, we say

    # Their types change with the version, and what they give out has no names in the library's own.
    class FrameReader(RawPcapReader):  # type: ignore[misc]
        def _read_packet(self, size: int = MOST_BYTES) -> Any:  # noqa: ANN401
            source.record = source.position
            return super()._read_packet(max(size, MOST_BYTES))

    class BlockReader(RawPcapNgReader):  # type: ignore[misc]
        def _read_block(self, size: int = MOST_BYTES) -> Any:  # noqa: ANN401
            source.record = source.position
            return super()._read_block(max(size, MOST_BYTES))

        def _read_block_shb(self) -> None:
            self.interfaces: list[Any] = []  # each section counts its own
            super()._read_block_shb()

    try:
        return BlockReader(source) if is_ng else FrameReader(source)
    except Scapy_Exception:
        reason = source.trouble or "its header is cut short or broken"
        raise UsageError("a capture", name, reason) from None
