"""Reading a server's figures over HTTP, as Prometheus would: its text format, version 0.0.4.

Rules of this file: an answer is bounded in time and size, and what it says is somebody else's text.
"""

from __future__ import annotations

import http.client
import re
import time
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from stunkit.errors import InvalidAnswer, Unreachable, UsageError

DEFAULT_PORT = 9478
DEFAULT_PATH = "/metrics"
TIMEOUT = 3.0  # seconds for each step of the exchange
MOST_BYTES = 1 << 20  # of an answer; ours have some 20 KB

_SAMPLE = re.compile(r"([a-zA-Z_:][\w:]*)(?:\{(.*)\})? +(\S+)(?: +\S+)?")
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)",?')
_ESCAPES = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


class Source(NamedTuple):
    """Where figures are shown."""

    is_secure: bool
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URL, or HOST[:PORT]. Raises UsageError."""
        what = "a URL, or HOST[:PORT]"
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise UsageError(what, text, str(error).lower()) from None
        if parts.scheme not in ("http", "https"):
            raise UsageError(what, text, "it is neither http: nor https:")
        if not host or not text.isprintable():
            raise UsageError(what, text, "it names no host")
        is_secure = parts.scheme == "https"
        if port is None:
            port = 443 if is_secure else 80 if "://" in text else DEFAULT_PORT
        return cls(is_secure, host, port, parts.path.rstrip("/") or DEFAULT_PATH)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.is_secure else 'http'}://{host}:{self.port}{self.path}"


class Sample(NamedTuple):
    """One line: a name, its labels and a value."""

    name: str
    labels: dict[str, str]
    value: float


class Scrape(NamedTuple):
    """What a server showed at a time (monotonic, seconds)."""

    at: float
    samples: tuple[Sample, ...]

    def sum(self, name: str, **labels: str) -> float:
        """Add up the values of a name that have these labels."""
        wanted = labels.items()
        return sum(s.value for s in self.samples if s.name == name and wanted <= s.labels.items())

    def values(self, name: str, label: str) -> list[str]:
        """Return every value of a label, in the order in which they stand."""
        found = (s.labels[label] for s in self.samples if s.name == name and label in s.labels)
        return list(dict.fromkeys(found))

    def has(self, name: str) -> bool:
        """Return whether there is a value of this name."""
        return any(sample.name == name for sample in self.samples)


def parse(text: str) -> tuple[Sample, ...]:
    """Read the text format. Raises InvalidAnswer."""
    samples = []
    for line in text.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        match = _SAMPLE.fullmatch(line.strip())
        try:
            samples.append(_read(match) if match else _refuse())
        except ValueError as error:
            raise InvalidAnswer("what came is not in the text format of Prometheus") from error
    return tuple(samples)


def _refuse() -> Sample:
    raise ValueError


def _read(match: re.Match[str]) -> Sample:
    labels = {
        name: re.sub(r"\\.", lambda escaped: _ESCAPES.get(escaped[0], escaped[0]), value)
        for name, value in _LABEL.findall(match[2] or "")
    }
    return Sample(match[1], labels, float(match[3]))


def fetch(source: Source) -> Scrape:
    """Ask for the figures. Raises Unreachable, or InvalidAnswer when they are not those of ours."""
    kind = http.client.HTTPSConnection if source.is_secure else http.client.HTTPConnection
    connection = kind(source.host, source.port, timeout=TIMEOUT)
    try:
        connection.request("GET", source.path, headers={"Accept": "text/plain; version=0.0.4"})
        answer = connection.getresponse()
        body = answer.read(MOST_BYTES)
    except (OSError, http.client.HTTPException) as error:
        reason = (
            getattr(error, "strerror", None) or str(error) or "no HTTP is spoken there"
        ).lower()
        raise Unreachable(
            f"no figures at {source}: {reason}; `stunkit serve --metrics-listen ADDRESS:PORT`"
            " shows them"
        ) from error
    finally:
        connection.close()
    if answer.status != http.client.OK:
        raise InvalidAnswer(f"no figures at {source}: HTTP status {answer.status}")
    scrape = Scrape(time.monotonic(), parse(body.decode(errors="replace")))
    if not scrape.has("stunkit_messages_total"):
        raise InvalidAnswer(f"{source} shows figures, but none of a STUN server of ours")
    return scrape
