"""``stunkit decode``: what bytes say, and where they break."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import nullcontext
from functools import partial

import click

from stunkit.cli.given import FORMATS, Given, gather
from stunkit.cli.options import Seconds, read_line
from stunkit.cli.render import capture as capture_render
from stunkit.cli.render import tree as tree_render
from stunkit.cli.render.printer import Form, Printer
from stunkit.cli.render.spans import Line, aligned, counting, is_terminal
from stunkit.cli.status import ExitStatus
from stunkit.dissect.conversation import conversations
from stunkit.dissect.diff import compare
from stunkit.dissect.flow import Flow
from stunkit.dissect.sighting import Finder, Sighting
from stunkit.dissect.tree import Tree, dissect
from stunkit.dissect.verify import Credential, keys_of
from stunkit.endpoint import Endpoint
from stunkit.errors import Unencodable, UsageError
from stunkit.net.capture import Capture
from stunkit.wire.message import Message

SCHEMA = "stunkit/decode/1"


@click.command("decode")
@click.argument("inputs", nargs=-1, metavar="[FILE|BYTES]...")
@click.option(
    "--format",
    "notation",
    type=click.Choice([str(one) for one in FORMATS]),
    help="What the input is, instead of finding out.",
)
@click.option("--diff", "is_diff", is_flag=True, help="Compare two messages side by side.")
@click.option("--password", "passwords", multiple=True, metavar="TEXT", help="Check integrity.")
@click.option(
    "--password-file", metavar="FILE", help="The same with the file's first line; - for stdin."
)
@click.option("--username", metavar="NAME", help="With a password, where the message has none.")
@click.option("--realm", metavar="TEXT", help="With a password, where the message has none.")
@click.option("--tree", "is_tree", is_flag=True, help="Of a capture: every message.")
@click.option("--flows", "is_flows", is_flag=True, help="Of a capture: every transaction.")
@click.option("--classic", is_flag=True, help="Of a capture: messages of RFC 3489 too.")
@click.option("--listen", metavar="ADDRESS:PORT", help="Show what comes over UDP; answer nothing.")
@click.option("--count", type=click.IntRange(min=1), help="With --listen: end after so many.")
@click.option(
    "--timeout",
    type=Seconds(min=0, min_open=True),
    metavar="SECONDS",
    help="With --listen: end after so long.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show every field, down to the padding.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--json-lines", "as_lines", is_flag=True, help="Print a JSON object a line.")
@click.pass_context
def command(
    context: click.Context,
    inputs: tuple[str, ...],
    *,
    notation: str | None,
    is_diff: bool,
    passwords: tuple[str, ...],
    password_file: str | None,
    username: str | None,
    realm: str | None,
    is_tree: bool,
    is_flows: bool,
    classic: bool,
    listen: str | None,
    count: int | None,
    timeout: float | None,
    verbose: bool,
    as_json: bool,
    as_lines: bool,
) -> None:
    """Take STUN, TURN and ICE messages apart.

    Each input is a file, bytes as text (hex, a dump with offsets, a C array or string, Python's
    bytes, base64) or - for stdin, which is also what counts without one. A file may hold such
    text, a message as it is, or a capture (pcap, pcapng; packed with gzip too).

    The exit status is 0 when all messages are whole and what could be checked is right, 5 when one
    is not, 6 when there is none.
    """
    if as_json and as_lines:
        raise click.UsageError("--json and --json-lines exclude each other.")
    if listen is None and (count is not None or timeout is not None):
        raise click.UsageError("--count and --timeout need --listen.")
    if listen is not None and (inputs or is_diff):
        raise click.UsageError("--listen takes no inputs.")
    form = Form.DOCUMENT if as_json else Form.LINES if as_lines else Form.TEXT
    run = Run(
        credentials=_credentials(passwords, password_file, username, realm),
        printer=Printer(form, SCHEMA, ["message"]),
        is_tree=is_tree or verbose,
        is_flows=is_flows,
        is_whole=verbose,
        classic=classic,
    )
    if listen is not None:
        run.listen(Endpoint.parse(listen), count, timeout)
    elif is_diff:
        run.diff(inputs, notation)
    else:
        run.decode(gather(inputs, notation))
    run.printer.finish()
    context.exit(run.status)


def _credentials(
    passwords: Iterable[str], password_file: str | None, username: str | None, realm: str | None
) -> list[Credential]:
    """Return what to check with. Raises UsageError."""
    texts = list(passwords)
    if password_file is not None:
        texts.append(read_line(password_file, "a file with a password"))
    if (username or realm) and not texts:
        raise click.UsageError("--username and --realm need a password.")
    credentials = [Credential(text, username, realm) for text in texts]
    for credential in credentials:
        try:
            keys_of(credential)
        except Unencodable as error:
            raise UsageError("a password to check with", "what was given", error.reason) from None
    return credentials


class Run:
    """One run of the verb, with its options understood."""

    def __init__(
        self,
        *,
        credentials: list[Credential],
        printer: Printer,
        is_tree: bool,
        is_flows: bool,
        is_whole: bool,
        classic: bool,
    ) -> None:
        self.printer = printer
        self._credentials = credentials
        self._is_tree = is_tree
        self._is_flows = is_flows
        self._is_whole = is_whole
        self._classic = classic
        self._seen = 0
        self._faulty = 0

    @property
    def status(self) -> ExitStatus:
        """How it went."""
        if self._faulty:
            return ExitStatus.REFUSED
        return ExitStatus.FINE if self._seen else ExitStatus.INCONCLUSIVE

    def decode(self, inputs: Iterable[Given | Capture]) -> None:
        """Show each input."""
        for given in inputs:
            if isinstance(given, Capture):
                with given:
                    self._capture(given)
            else:
                self._message(given)

    def diff(self, inputs: tuple[str, ...], notation: str | None) -> None:
        """Show two messages side by side. Raises UsageError unless there are two."""
        found = [given for one in inputs for given in gather([one], notation)]
        messages = [given for given in found if isinstance(given, Given)]
        if len(messages) != 2 or len(found) != 2:
            raise click.UsageError("--diff needs two inputs with one message each.")
        left, right = (self._dissect(given.data) for given in messages)
        rows = compare(left, right)
        self.printer.say(aligned(tree_render.diff_lines(left, right, rows)))
        for given, tree in zip(messages, (left, right), strict=True):
            self._put_message(given, tree)
        for row in rows:
            self.printer.put("row", partial(tree_render.row_document, row))

    def listen(self, local: Endpoint, count: int | None, timeout: float | None) -> None:
        """Show what comes. Raises StartError."""
        from stunkit.net.listen import Listener  # noqa: PLC0415 (no other input needs it)

        listener = Listener(local)
        try:
            click.echo(f"listening on udp {listener.local}", err=True)
            for arrival in listener.arrivals(count, timeout):
                tree = self._dissect(arrival.data)
                clock = time.strftime("%H:%M:%S", time.localtime(arrival.time))
                about = [(f"{clock}.{arrival.time % 1 * 1000:03.0f}  ", "dim")]
                about.append((f"from {arrival.source}", ""))
                self.printer.say([about, *self._lines(tree)])
                seen: dict[str, object] = {"time": arrival.time, "source": str(arrival.source)}
                self.printer.put("message", partial(tree_render.document, tree), **seen)
        finally:
            listener.close()

    def _message(self, given: Given) -> None:
        tree = self._dissect(given.data)
        lines = self._lines(tree)
        if given.packet is not None:
            packet = given.packet
            way = f"in a packet from {packet.source} to {packet.destination}"
            lines = [[(f"{way}, from its byte {packet.offset} on", "dim")], *lines]
        self.printer.say(lines)
        self._put_message(given, tree)

    def _put_message(self, given: Given, tree: Tree) -> None:
        packet = given.packet
        about: dict[str, object] = {"name": given.name, "format": given.format, "packet": None}
        if packet is not None:
            ends = {"source": str(packet.source), "destination": str(packet.destination)}
            about["packet"] = {**ends, "offset": packet.offset}
        self.printer.put("message", partial(tree_render.document, tree), **about)

    def _capture(self, capture: Capture) -> None:
        finder, flow = Finder(classic=self._classic), Flow()
        before = self._seen, self._faulty
        with nullcontext(int) if self._is_tree else counting("reading frames") as count:
            for frame in capture:
                count(finder.tally.frames)
                for sighting in finder.receive(frame):
                    self._sighting(sighting, flow)
        overview = capture_render.Overview(
            capture.name,
            finder.tally,
            flow,
            conversations(flow.transactions),
            self._seen - before[0],
            self._faulty - before[1],
            capture.trouble,
        )
        self._overview(overview)

    def _sighting(self, sighting: Sighting, flow: Flow) -> None:
        """Show a message of a capture, if all of them are to be shown, and add it to the flow."""
        pair, transaction = flow.receive(sighting)
        request = None
        if sighting.message is not None and sighting.message.is_response and transaction:
            request = transaction.request
        tree = self._dissect(sighting.data, request)
        if self._is_tree and self.printer.is_text:
            heading = capture_render.heading(sighting, pair, flow.first)
            self.printer.say([heading, *self._lines(tree)])
        about = capture_render.message_document(sighting, pair, transaction)
        self.printer.put("message", partial(tree_render.document, tree), **about)

    def _overview(self, overview: capture_render.Overview) -> None:
        said = [[(text, "")] for text in capture_render.sentences(overview)]
        self.printer.say(said)
        if overview.conversations:
            self.printer.say(capture_render.conversation_lines(overview))
        if self._is_flows and overview.flow.transactions:
            self.printer.say(aligned(capture_render.transaction_rows(overview)))
        for transaction in overview.flow.transactions:
            make = partial(capture_render.transaction_document, transaction)
            self.printer.put("transaction", make)
        for conversation in overview.conversations:
            make = partial(capture_render.conversation_document, conversation)
            self.printer.put("conversation", make)
        self.printer.put("capture", partial(capture_render.document, overview))

    def _dissect(self, data: bytes, request: Message | None = None) -> Tree:
        tree = dissect(data, self._credentials, request)
        self._seen += 1
        self._faulty += bool(tree.faults)
        return tree

    def _lines(self, tree: Tree) -> list[Line]:
        return tree_render.lines(tree, is_whole=self._is_whole, is_drawn=is_terminal())
