"""What is fuzzed: a function of bytes for each thing of ours that reads what others wrote.

Each raises BrokenRule, or whatever should not be raised, and returns otherwise. ``scripts/fuzz``
runs them for long, by coverage where atheris is there; tests/property runs each for a moment, and
with every file of tests/data/fuzz: what was found once stands there.

Needs neither pytest nor Hypothesis.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from random import Random

from stunkit.endpoint import Endpoint
from stunkit.errors import (
    Malformed,
    NotStun,
    SettingsError,
    StunkitError,
    Unencodable,
    UsageError,
)
from stunkit.fuzz.mutator import Mutator
from stunkit.fuzz.seeds import SERVER, SOURCES
from stunkit.ice.dump import read_dump
from stunkit.ice.lint import lint
from stunkit.protocol.credentials import Credentials
from stunkit.protocol.link import Link
from stunkit.protocol.partner import LEAST_KEY, Codec, Kind, LinkMessage, Pair
from stunkit.protocol.respond import Received, respond
from stunkit.protocol.site import Quartet, Site
from stunkit.server.settings import settings_file
from stunkit.server.settings.tree import Settings
from stunkit.wire.attributes.table import ATTRIBUTES
from stunkit.wire.message import HEADER_SIZE, Message
from stunkit.wire.proxy import MAX_SIZE, ProxyHeader
from stunkit.wire.stream import StreamDecoder
from stunkit.wire.uri import Uri

DATA = Path(__file__).parent / "data"
NOW = 1000.0
FOUR = (
    SERVER,
    SERVER.with_port(3479),
    Endpoint(bytes((192, 0, 2, 201)), 3478),
    Endpoint(bytes((192, 0, 2, 201)), 3479),
)
SITES = (
    Site(),
    Site("stunkit", quartet=Quartet(FOUR, FOUR, proven=True)),
    Site(is_stream=True),
    Site(credentials=Credentials({"a:b": "secret"})),
    Site(credentials=Credentials(secrets=["s"], realm="example.org", nonce_secret=bytes(16))),
)

Harness = Callable[[bytes], None]


class BrokenRule(AssertionError):
    """Something that must hold whatever arrives, and did not."""


def expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise BrokenRule(otherwise)


def decode(data: bytes) -> None:
    """Every datagram is a message or says why not; every attribute too."""
    try:
        message = Message.decode(data)
    except NotStun:
        return
    except Malformed as error:
        expect(error.header == data[:HEADER_SIZE], "the error has another header")
        expect(0 <= error.offset < len(data), "the error is outside of the datagram")
        return
    expect(message.raw == data, "the message has other bytes")
    for kind in ATTRIBUTES.values():
        try:
            found = message.get(kind)
        except Malformed as error:
            expect(0 < error.offset <= len(data), "the error is outside of the datagram")
        else:
            if found is not None:
                try:
                    written = found.encode(message.transaction_id)
                except Unencodable:  # texts are read longer than they are written
                    continue
                # an odd list of types of classic STUN becomes even (RFC 3489 section 11.2.10)
                read = kind.decode(written, message.transaction_id)
                again = read.encode(message.transaction_id)
                expect(again == written, "what was read is written otherwise")
    str(message)


def answer(data: bytes) -> None:
    """A server answers requests, within its budget, and nothing else."""
    for site in SITES:
        for source in SOURCES:
            response = respond(Received(data, source, SERVER), site, NOW)
            expect(response.destination.packed == source.packed, "sent to another address")
            if not response.data:
                continue
            budget = site.budget(len(data), source.family)
            expect(len(response.data) <= budget, "the answer breaks its budget")
            made = Message.decode(response.data)
            expect(not made.is_request, "the answer is a request")
            expect(response.data[4:20] == data[4:20], "the answer has another id")


def stream(data: bytes) -> None:
    """A stream gives the same messages wherever it is cut; its first bytes say where."""
    cuts, whole = data[:4], data[4:]
    once = _received([whole])
    step = 1 + cuts[0] % 64 if cuts else 1
    pieces = [whole[start : start + step] for start in range(0, len(whole), step)]
    cut = _received(pieces)
    if once[1] == cut[1] and not once[1]:
        expect(once[0] == cut[0], "the messages depend on the cuts")
    expect(once[1] == cut[1], "the end of the stream depends on the cuts")
    expect(once[0] == cut[0][: len(once[0])], "a message comes from nowhere")


def _received(pieces: list[bytes]) -> tuple[list[bytes], bool]:
    decoder, found = StreamDecoder(max_size=2048), []
    for piece in pieces:
        try:
            found += decoder.receive(piece)
        except NotStun:
            return found, True
        expect(decoder.pending <= 2048, "too much is held")
    return found, False


def sdp(data: bytes) -> None:
    """Any text is candidates and remarks about them."""
    dump = read_dump(data.decode("utf-8", "replace"))
    for finding in lint(dump):
        expect(bool(str(finding)), "a finding without words")


def uri(data: bytes) -> None:
    """Any text is a URI, which is read from its own text too, or none."""
    try:
        found = Uri.parse(data.decode("utf-8", "replace"))
    except UsageError:
        return
    expect(Uri.parse(found.format()) == found, "its own text is another one")


def proxy(data: bytes) -> None:
    """Any bytes are a PROXY header, none yet, or malformed; more of them change nothing."""
    try:
        header = ProxyHeader.decode(data)
    except Malformed:
        return
    if header is None:
        return
    expect(0 < header.size <= min(len(data), MAX_SIZE), "its size is not in what was read")
    expect(ProxyHeader.decode(data[: header.size]) == header, "what follows changes it")


def settings(data: bytes) -> None:
    """Any file is settings or an error that names the file."""
    path = _scratch()
    path.write_bytes(data)
    try:
        Settings().with_values(settings_file.load(path))
    except SettingsError as error:
        expect(str(path) in str(error), "the error names no file")
    except StunkitError:
        return


@cache
def _scratch() -> Path:
    folder = tempfile.mkdtemp(prefix="stunkit-harness-")
    return Path(folder) / f"{os.getpid()}.toml"


def partner(data: bytes) -> None:
    """Whatever a partner says, be it sealed or not: no error, and no other session than agreed."""
    ours, theirs = SERVER.with_port(3480), FOUR[2].with_port(3480)
    link, other = _link(ours, theirs, 1), _link(theirs, ours, 2)
    heard = _introduce(link, other, ours, theirs)
    if data[:1] and data[0] & 1 and heard is not None:
        kinds = list(Kind)
        kind = kinds[data[0] >> 1 & 3] if (data[0] >> 1 & 3) < len(kinds) else Kind.BEAT
        made = heard._replace(kind=kind, number=heard.number + 1, payload=data[1:])
        data = Codec(bytes(LEAST_KEY)).encode(made)
    link.receive(data, theirs, ours, NOW)
    link.tick(NOW + 1)
    expect(sum(link.counts.values()) > 0, "nothing was counted")
    link.sends()
    link.events()
    link.deadline()


def _link(own: Endpoint, remote: Endpoint, seed: int) -> Link:
    link = Link(bytes(LEAST_KEY), own, remote, Random(seed).randbytes)
    link.tell(Pair((own.with_port(3478), own.with_port(3479)), is_ready=True), NOW)
    return link


def _introduce(link: Link, other: Link, ours: Endpoint, theirs: Endpoint) -> LinkMessage | None:
    """Have both ends meet; return the last that the other one said."""
    codec, last = Codec(bytes(LEAST_KEY)), None
    for _ in range(4):
        for one in link.sends():
            other.receive(one.data, ours, theirs, NOW)
        for one in other.sends():
            opened = codec.decode(one.data)
            last = opened if isinstance(opened, LinkMessage) else last
            link.receive(one.data, theirs, ours, NOW)
    return last


WORDS: dict[str, tuple[bytes, ...]] = {
    "uri": (b"stun:", b"stuns:", b"turn:", b"[", b"]", b"::1", b":3478", b"?transport=", b"tcp"),
    "proxy": (
        *(b"PROXY ", b"TCP4", b"TCP6", b"UNKNOWN", b"\r\n", b"192.0.2.1", b"2001:db8::1", b" "),
        *(b"65536", b"\r\n\r\n\0\r\nQUIT\n", b"\x21\x11\0\x0c", b"\x20\0\0\0"),
    ),
    "sdp": (
        *(b"a=candidate:", b"1 1 udp 2130706431 192.0.2.1 5000 typ host", b"typ srflx", b"raddr"),
        *(b"m=audio 9 UDP/TLS/RTP/SAVPF 0", b"\r\n", b"a=ice-ufrag:", b"generation 0", b"-1"),
        *(
            b"99999999999999999999",
            b"fe80::1%eth0",
            b"x.local",
            b"\\r\\n",
            b"<td>",
            b"&#10;",
            b'{"',
        ),
    ),
    "settings": (
        *(
            b"listen",
            b"=",
            b"[",
            b"]",
            b'"',
            b"127.0.0.1:3478",
            b"[limit]\n",
            b"rate",
            b"-1",
            b"\n",
        ),
        *(b"inf", b"nan", b"true", b"{}", b"[[tls]]", b"1979-05-27", b"alternate", b"workers"),
    ),
    "partner": (b"\1", b"\3", b"\5", bytes(19), b"\0\1", b"\1\1\0\x0c\x21\x12\xa4\x42"),
}


def scrambled(data: bytes, source: Random, words: tuple[bytes, ...]) -> bytes:
    """Return the bytes with something cut out, put in, repeated or changed."""
    raw = bytearray(data)
    for _ in range(1 + source.randrange(4)):
        start = source.randrange(len(raw) + 1)
        end = min(len(raw), start + source.randrange(1, 40))
        match source.randrange(5):
            case 0:
                del raw[start:end]
            case 1:
                raw[start:start] = source.choice(words)
            case 2:
                raw[start:end] = source.choice(words)
            case 3:
                raw[start:start] = raw[start:end] * source.randrange(1, 4)
            case _:
                if start < len(raw):
                    raw[start] = source.randrange(256)
    return bytes(raw[:4096])


HARNESSES: dict[str, Harness] = {
    "decode": decode,
    "respond": answer,
    "streams": stream,
    "sdp": sdp,
    "uris": uri,
    "proxy": proxy,
    "settings": settings,
    "partner": partner,
}


def words_of(name: str) -> tuple[bytes, ...] | None:
    """Return what a harness' inputs are made of, None for STUN messages."""
    return WORDS.get(HARNESSES[name].__name__)


def corpus(name: str) -> dict[str, bytes]:
    """Return the inputs that are kept for a harness, by their files' names."""
    folders = [DATA / "fuzz" / name, *([DATA / "sdp"] if name == "sdp" else [])]
    paths = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
    return {path.name: path.read_bytes() for path in paths if path.is_file()}


def inputs(name: str, source: Random) -> Iterator[bytes]:
    """Yield inputs without end, the same from the same source."""
    kept, words, mutator = list(corpus(name).values()), words_of(name), Mutator(source)
    while True:
        if words is not None:
            yield scrambled(source.choice(kept), source, words)
        elif name == "streams":
            yield source.randbytes(4) + b"".join(mutator.stream())
        elif kept and source.random() < 0.2:
            yield mutator.mutate(source.choice(kept))
        else:
            yield mutator.datagram()


def some_inputs(name: str, seed: int, count: int) -> list[bytes]:
    """Return so many inputs."""
    return list(islice(inputs(name, Random(seed)), count))


def _give_mutators() -> None:
    """Let the campaign know how to break what is no STUN message (see ``stunkit.fuzz.child``)."""
    for name, harness in HARNESSES.items():
        words = words_of(name)
        if words is not None:
            harness.mutate = lambda data, source, words=words: scrambled(data, source, words)  # type: ignore[attr-defined]


_give_mutators()
