"""Many datagrams with one system call: recvmmsg(2) and sendmmsg(2) into and out of NumPy arrays.

An ``Inbox`` is room for arriving datagrams, an ``Outbox`` for leaving ones. Each row of their
arrays is one datagram, so that code can look at a column of all of them at once. Linux on 64-bit
machines, with the extra ``fast``.

Rules of this file: it moves bytes and knows nothing of what they mean. A row is valid until the
next call; whoever keeps a datagram copies it.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import sys
from typing import TYPE_CHECKING

from stunkit.endpoint import Endpoint, Family
from stunkit.errors import StartError
from stunkit.extra import installation

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BATCH = 256  # datagrams a system call; more gain nothing measurable, and wait longer for each other
HEAD = 128  # bytes of each datagram that lie beside its neighbours'; longer ones go on elsewhere
MAX_DATAGRAM = 65535  # bytes; the UDP length field
_TAIL = 1 << 16  # bytes of room for the rest of each, in pages that exist once they are written

# struct mmsghdr and struct iovec of 64-bit Linux; recvmmsg(2).
_HEADER = {
    "names": ["name", "name_size", "iov", "iov_count", "control", "control_size", "flags", "size"],
    "formats": ["u8", "u4", "u8", "u8", "u8", "u8", "i4", "u4"],
    "offsets": [0, 8, 16, 24, 32, 40, 48, 56],
    "itemsize": 64,
}
_IOVEC = {"names": ["base", "size"], "formats": ["u8", "u8"], "offsets": [0, 8], "itemsize": 16}
_MSG_DONTWAIT = 0x40

# Bytes of a socket address, and where port and address stand in it; ip(7), ipv6(7).
NAME_SIZE = {Family.IPV4: 16, Family.IPV6: 28}
PORT = slice(2, 4)
ADDRESS = {Family.IPV4: slice(4, 8), Family.IPV6: slice(8, 24)}
SCOPE = slice(24, 28)  # of an IPv6 name, in the machine's byte order
# Bytes of the control message that names our own address, and where in it address and interface
# stand: after struct cmsghdr, struct in_pktinfo or struct in6_pktinfo.
CONTROL_SIZE = {Family.IPV4: 32, Family.IPV6: 40}
_OWN_ADDRESS = {Family.IPV4: slice(20, 24), Family.IPV6: slice(16, 32)}
_INTERFACE = {Family.IPV4: slice(16, 20), Family.IPV6: slice(32, 36)}
_SEEN_ADDRESS = slice(24, 28)  # of IPv4: the destination in the header, be it a broadcast


def is_available() -> bool:
    """Return whether this platform has the two system calls, and NumPy is installed."""
    from importlib.util import find_spec  # noqa: PLC0415 (asked once, by servers only)

    return sys.platform == "linux" and _is_64_bit() and find_spec("numpy") is not None


def require() -> None:
    """Raise StartError where batches are not available, and say what would mend it."""
    if is_available():
        return
    if sys.platform != "linux":
        raise StartError("batches of datagrams need Linux", "use the portable lane")
    if not _is_64_bit():
        raise StartError("batches of datagrams need a 64-bit machine", "use the portable lane")
    raise StartError("batches of datagrams need NumPy", installation("fast"))


def _is_64_bit() -> bool:
    """Return whether the structures below are this machine's (little-endian, as nearly all)."""
    return sys.maxsize > 1 << 32 and sys.byteorder == "little"


class Inbox:
    """Room for ``size`` arriving datagrams of one address family.

    - ``heads`` (size x HEAD): the first bytes of each; what is left of a row is older data.
    - ``lengths`` (size): the whole length of each, bytes.
    - ``names`` (size x NAME_SIZE): the socket address that each came from.
    - ``controls`` (size x CONTROL_SIZE): the control message that says which of our addresses
      each was sent to, where ``tells_local`` asked for it (the socket has to, too).
    """

    def __init__(self, family: Family, size: int = BATCH, *, tells_local: bool = False) -> None:
        import numpy as np  # noqa: PLC0415 (optional)

        self.family = family
        self.size = size
        self.tells_local = tells_local
        self.heads = np.zeros((size, HEAD), np.uint8)
        self.names = np.zeros((size, NAME_SIZE[family]), np.uint8)
        self.controls = np.zeros((size, CONTROL_SIZE[family] if tells_local else 0), np.uint8)
        # private, or what `forget` gives back would be kept
        self._tails = mmap.mmap(-1, size * _TAIL, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        tails = np.frombuffer(self._tails, np.uint8).reshape(size, _TAIL)
        iovecs = np.zeros((size, 2), _dtype(_IOVEC))
        iovecs["base"][:, 0] = _addresses(self.heads)
        iovecs["base"][:, 1] = _addresses(tails)
        iovecs["size"][:, 0] = HEAD
        iovecs["size"][:, 1] = _TAIL
        self._headers = _headers(iovecs, self.names, self.controls)
        self._iovecs = iovecs  # the headers point at it
        self.lengths: NDArray[np.uint32] = self._headers["size"]
        self._pointer = self._headers.ctypes.data
        self._receive = _libc().recvmmsg
        # The same memory for whoever takes the datagrams one by one.
        self._heads = self.heads.data.cast("B")
        self._names = self.names.data.cast("B")
        self._lengths = self.lengths.data
        self._name_size = NAME_SIZE[family]

    def receive(self, descriptor: int) -> int:
        """Take what lies in a socket's queue, at most ``size``; return how many. Raises OSError.

        Zero means that there is nothing, not that the socket is closed.
        """
        count: int = self._receive(descriptor, self._pointer, self.size, _MSG_DONTWAIT, None)
        if count < 0:
            number = ctypes.get_errno()
            if number in (errno.EAGAIN, errno.EINTR):
                return 0
            raise OSError(number, os.strerror(number))
        return count

    def datagram(self, row: int) -> bytes:
        """Return a whole datagram."""
        length = self._lengths[row]
        start = row * HEAD
        if length <= HEAD:
            return bytes(self._heads[start : start + length])
        tail = row * _TAIL
        return bytes(self._heads[start : start + HEAD]) + self._tails[tail : tail + length - HEAD]

    def name(self, row: int) -> bytes:
        """Return the socket address that a datagram came from."""
        size = self._name_size
        return bytes(self._names[row * size : row * size + size])

    def reply_control(self, row: int) -> bytes:
        """Return the control message of an answer that leaves from the address that was asked.

        Which interface it leaves by is for the routes to say; only a link-local address needs it.
        """
        if not self.tells_local:
            return b""
        control: bytes = self.controls[row].tobytes()
        if self.family is Family.IPV4:
            return control[:16] + bytes(4) + control[20:24] + bytes(8)
        return control if is_link_local(control[16:32]) else control[:32] + bytes(8)

    def source(self, row: int) -> Endpoint:
        """Return where a datagram came from."""
        return read_name(self.name(row), self.family)

    def local(self, row: int, bound: Endpoint) -> Endpoint:
        """Return the endpoint that a datagram was sent to, of a socket ``bound`` to this one."""
        if not self.tells_local:
            return bound
        control = self.controls[row].tobytes()
        packed = control[_OWN_ADDRESS[self.family]]
        scope = 0
        if is_link_local(packed):
            scope = int.from_bytes(control[_INTERFACE[self.family]], sys.byteorder)
        return Endpoint(packed, bound.port, scope)

    def forget(self) -> None:
        """Give the memory that long datagrams took back to the system."""
        self._tails.madvise(mmap.MADV_DONTNEED)


class Outbox:
    """Room for ``size`` leaving datagrams of one address family, each up to ``HEAD`` bytes.

    ``rows``, ``lengths``, ``names`` and ``controls`` are filled by whoever sends: see ``Inbox``.
    With ``tells_local``, each control message says which of our addresses its datagram leaves
    from.
    """

    def __init__(self, family: Family, size: int = BATCH, *, tells_local: bool = False) -> None:
        import numpy as np  # noqa: PLC0415 (optional)

        self.family = family
        self.size = size
        self.rows = np.zeros((size, HEAD), np.uint8)
        self.names = np.zeros((size, NAME_SIZE[family]), np.uint8)
        self.controls = np.zeros((size, CONTROL_SIZE[family] if tells_local else 0), np.uint8)
        iovecs = np.zeros((size, 1), _dtype(_IOVEC))
        iovecs["base"][:, 0] = _addresses(self.rows)
        self.lengths: NDArray[np.uint64] = iovecs["size"][:, 0]
        self._headers = _headers(iovecs, self.names, self.controls)
        self._iovecs = iovecs  # the headers point at it
        self._pointer = self._headers.ctypes.data
        self._send = _libc().sendmmsg
        self._rows = self.rows.data.cast("B")
        self._names = self.names.data.cast("B")
        self._controls = self.controls.data.cast("B") if tells_local else memoryview(bytearray())
        self._lengths = self.lengths.data

    def address(self, inbox: Inbox, rows: NDArray[np.intp] | slice, at: int, count: int) -> None:
        """Send ``count`` datagrams, from the one ``at``, to where those of the inbox came from.

        Each leaves from the address that its counterpart was sent to: see ``reply_control``.
        """
        end = at + count
        self.names[at:end] = inbox.names[rows]
        if not inbox.tells_local:
            return
        controls = self.controls[at:end]
        controls[:] = inbox.controls[rows]
        if self.family is Family.IPV4:
            controls[:, _INTERFACE[Family.IPV4]] = 0
            controls[:, _SEEN_ADDRESS] = 0
        else:
            own = controls[:, _OWN_ADDRESS[Family.IPV6]]
            is_local = (own[:, 0] == 0xFE) & (own[:, 1] & 0xC0 == 0x80)
            controls[~is_local, _INTERFACE[Family.IPV6]] = 0

    def put(self, row: int, data: bytes, name: bytes, control: bytes) -> None:
        """Set one datagram, where it goes (``Inbox.name``) and from where (``reply_control``)."""
        start = row * HEAD
        self._rows[start : start + len(data)] = data
        self._lengths[row] = len(data)
        start = row * len(name)
        self._names[start : start + len(name)] = name
        start = row * len(control)
        self._controls[start : start + len(control)] = control

    def send(self, descriptor: int, count: int) -> int:
        """Send the first ``count`` datagrams; return how many of them the kernel refused."""
        done = refused = 0
        while done < count:
            at = self._pointer + done * _HEADER_SIZE
            sent = self._send(descriptor, at, count - done, _MSG_DONTWAIT)
            if sent <= 0:  # no room, or no route: the next may go elsewhere
                refused += 1
                sent = 1
            done += sent
        return refused

    def connect(self) -> None:
        """Leave the names out from now on: the sockets are connected."""
        self._headers["name"] = 0
        self._headers["name_size"] = 0

    def push(self, descriptor: int, count: int) -> int:
        """Send the first ``count`` datagrams in order; return how many left. Raises OSError.

        Ends at the first that there is no room for.
        """
        sent: int = self._send(descriptor, self._pointer, count, _MSG_DONTWAIT)
        if sent < 0:
            number = ctypes.get_errno()
            if number in (errno.EAGAIN, errno.EINTR, errno.ENOBUFS):
                return 0
            raise OSError(number, os.strerror(number))
        return sent


def read_name(name: bytes, family: Family) -> Endpoint:
    """Return the endpoint that a socket address in its binary form means."""
    scope = int.from_bytes(name[SCOPE], sys.byteorder) if family is Family.IPV6 else 0
    return Endpoint(name[ADDRESS[family]], int.from_bytes(name[PORT], "big"), scope)


def write_name(endpoint: Endpoint) -> bytes:
    """Return an endpoint as a socket address in its binary form."""
    port = endpoint.port.to_bytes(2, "big")
    if endpoint.family is Family.IPV4:
        return _AF_INET + port + endpoint.packed + bytes(8)
    scope = endpoint.scope.to_bytes(4, sys.byteorder)
    return _AF_INET6 + port + bytes(4) + endpoint.packed + scope


def is_link_local(packed: bytes) -> bool:
    """Return whether a packed address is one of fe80::/10, which needs a scope."""
    return packed[0] == 0xFE and packed[1] & 0xC0 == 0x80 and len(packed) == 16


def _dtype(layout: dict[str, object]) -> np.dtype[np.void]:
    import numpy as np  # noqa: PLC0415 (optional)

    return np.dtype(layout)  # type: ignore[call-overload, no-any-return]


def _addresses(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return where in memory each row starts."""
    import numpy as np  # noqa: PLC0415 (optional)

    return np.arange(len(rows), dtype=np.uint64) * rows.strides[0] + rows.ctypes.data


def _headers(
    iovecs: NDArray[np.void], names: NDArray[np.uint8], controls: NDArray[np.uint8]
) -> NDArray[np.void]:
    import numpy as np  # noqa: PLC0415 (optional)

    headers = np.zeros(len(names), _dtype(_HEADER))
    headers["name"] = _addresses(names)
    headers["name_size"] = names.shape[1]
    headers["iov"] = np.arange(len(names)) * iovecs.strides[0] + iovecs.ctypes.data
    headers["iov_count"] = iovecs.shape[1]
    if controls.shape[1]:
        headers["control"] = _addresses(controls)
        headers["control_size"] = controls.shape[1]
    return headers


def _libc() -> ctypes.CDLL:
    libc = ctypes.CDLL(None, use_errno=True)
    pointer = ctypes.c_void_p
    libc.recvmmsg.argtypes = [ctypes.c_int, pointer, ctypes.c_uint, ctypes.c_int, pointer]
    libc.sendmmsg.argtypes = [ctypes.c_int, pointer, ctypes.c_uint, ctypes.c_int]
    return libc


_HEADER_SIZE = 64
_AF_INET = (2).to_bytes(2, sys.byteorder)
_AF_INET6 = (10).to_bytes(2, sys.byteorder)
