"""Rehearsals in the lab: the site that they are held on, and terminals that take part.

    with site(find_kind("symmetric"), find_kind("public"), folder, has_relay=True) as place:
        with Terminal(place, 0) as one, Terminal(place, 1, one.link()) as other:
            one.until("connected")

The server is outside, at the first address: STUN, pages and signalling with a certificate of the
lab's authority. With a relay it hands out credentials for a real coturn, which knows its secret.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import PIPE
from types import TracebackType
from typing import Any, NamedTuple, Self

from stunkit.call.facts import Facts, Relay, RelayTransport
from stunkit.call.simulation import Outcome, Types
from stunkit.call.verdict import Verdict, predict
from stunkit.ice.candidate import CandidateType
from stunkit.lab import Kind, Lab, Service
from stunkit.lab.service import server_command
from tests.integration.certificates import Authority
from tests.lab.calls import RELAY_PORT, lead_nowhere, start_relay

REHEARSE = (sys.executable, "-m", "stunkit", "rehearse")
TRANSPORTS = (RelayTransport.UDP, RelayTransport.TCP)  # with which the relay is handed out
SECRET = "a-secret-of-server-and-relay"
PATIENCE = 90.0  # seconds for what ought to come soon; a call that fails takes 15 to 30
LINK = "open this at the other end: "


class Site(NamedTuple):
    """A laboratory with our server outside; ``url`` is where its pages are."""

    lab: Lab
    authority: Authority
    url: str
    has_relay: bool

    @property
    def verdict(self) -> Verdict:
        """What stunkit foretells of a call here, the first side's types first."""
        relays = list(map(Relay, TRANSPORTS)) if self.has_relay else []
        ours, theirs = (Facts.of_kind(side.kind, relays) for side in self.lab.sides)
        return predict(ours, theirs, suggests_changes=False)


@contextmanager
def site(kind: Kind, other: Kind, folder: Path, *, has_relay: bool = False) -> Iterator[Site]:
    """Have a server outside two networks."""
    with ExitStack() as stack:
        lab = stack.enter_context(Lab(kind, other))
        lead_nowhere(lab)
        first, second = lab.server_addresses()
        authority = Authority(folder)
        pair = authority.issue(first)
        command = [*server_command(lab), "--web", f"{first}:443", "--tls-listen", second]
        command += ["--tls-certificate", str(pair.certificate), "--tls-key", str(pair.key)]
        if has_relay:
            secret = folder / "secret"
            secret.write_text(SECRET)
            secret.chmod(0o600)
            stack.enter_context(start_relay(lab, authority, folder, secret=SECRET))
            for transport in TRANSPORTS:
                command += ["--web-turn", f"turn:{first}:{RELAY_PORT}?transport={transport}"]
            command += ["--web-turn-secret-file", str(secret)]
        stack.enter_context(Service(lab.outside, command, ready="ready"))
        yield Site(lab, authority, f"https://{first}", has_relay)


class Terminal:
    """``stunkit rehearse`` in the client of a side, in a room of its own or in that of a link."""

    def __init__(self, place: Site, side: int, link: str | None = None, *words: str) -> None:
        where = ["--server", place.url] if link is None else [link]
        command = [*REHEARSE, "--json", "--ca", str(place.authority.file), *words, *where]
        client = place.lab.sides[side].client
        self.process = client.popen(command, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self._news:
                self.lines.append(line.decode().rstrip("\n"))
                self._news.notify_all()

    def until(self, text: str) -> str:
        """Wait for a line that begins so, and return its rest."""

        def find() -> str | None:
            found = [one for one in self.lines if one.startswith(text)]
            return found[0].removeprefix(text) if found else None

        with self._news:
            rest = self._news.wait_for(lambda: find() is not None, PATIENCE)
            assert rest, f"no {text!r} in {self.lines}"
            found = find()
        assert found is not None
        return found

    def link(self) -> str:
        """Return the link to the room that it has made."""
        return self.until(LINK)

    def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def end(self) -> tuple[int, dict[str, Any]]:
        """End it as a person does; return its exit status and document."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> tuple[int, dict[str, Any]]:
        """Wait until it has ended by itself, since the other end has left."""
        assert self.process.stdout is not None
        document = self.process.stdout.read()
        status = self.process.wait(PATIENCE)
        assert document, self.lines
        return status, json.loads(document)

    def close(self) -> None:
        self.process.kill()  # nothing, when it has ended
        self.process.wait()
        self._reader.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def assert_foretold(place: Site, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Hold the documents of both ends, the first side's first, against what was foretold."""
    verdict, documents = place.verdict, (ours, theirs)
    for document in documents:
        assert document["outcome"] == verdict.outcome, document
    if verdict.outcome is Outcome.BLOCKED:
        assert [document["pair"] for document in documents] == [None, None]
        return
    for document in documents:
        assert document["video"]["frames_decoded"] > 0
        assert document["chat"] == {"sent": 1, "received": 1}
        assert document["kbps"]["received"] > 0
    # As what each is seen by the other: to themselves, not all agents say what they are.
    seen = Types(*(CandidateType(one["pair"]["remote"]["type"]) for one in (theirs, ours)))
    if verdict.outcome is Outcome.DIRECT:
        assert seen == verdict.pair
    else:  # foretold is that one will do, not whose it is
        assert CandidateType.RELAYED in seen
