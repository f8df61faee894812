"""``stunkit rehearse``: a call before the call, with a browser or another terminal."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import replace

import click

from stunkit import __version__
from stunkit.call.rehearsal import judge, to_document
from stunkit.cli.options import SERVER_VARIABLE, Seconds
from stunkit.cli.preflight import STATUSES
from stunkit.cli.render import rehearsal as render
from stunkit.cli.render.text import columns
from stunkit.cli.report_file import check_writable, write
from stunkit.signal.link import RoomLink, Website

CALL_SECONDS = 300.0  # that the robot gives to each rehearsal
MOST_ROOMS = 4  # at once, of the robot's; a call costs a sixth of a processor


@click.command("rehearse")
@click.argument("rooms", nargs=-1, metavar="[ROOM-URL]...")
@click.option("--server", metavar="SITE", help="Make the room there: https://HOST or HOST[:PORT].")
@click.option("--answer", is_flag=True, help="Wait as a robot for whoever comes, again and again.")
@click.option(
    "--rooms",
    "most",
    type=click.IntRange(1, 64),
    default=MOST_ROOMS,
    show_default=True,
    metavar="N",
    help="With --answer: at most so many rooms at once.",
)
@click.option(
    "--seconds",
    type=Seconds(min=0, min_open=True),
    metavar="SECONDS",
    help="End by itself after so long; with --answer, each rehearsal (default 300).",
)
@click.option("--video", metavar="FILE", help="Send the video of this file, over and over.")
@click.option("--audio", metavar="FILE", help="Send the sound of this file, over and over.")
@click.option("--no-video", is_flag=True, help="Send no picture.")
@click.option("--no-audio", is_flag=True, help="Send no sound.")
@click.option("--report", metavar="FILE", help="Write a page (HTML) to attach or to print.")
@click.option("--redact", is_flag=True, help="Hide addresses, but not what they are.")
@click.option(
    "--ca", "ca_file", metavar="FILE", help="Trust the certificates in FILE, not the system's."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document; a robot, one each.")
@click.pass_context
def command(
    context: click.Context,
    rooms: tuple[str, ...],
    *,
    server: str | None,
    answer: bool,
    most: int,
    seconds: float | None,
    video: str | None,
    audio: str | None,
    no_video: bool,
    no_audio: bool,
    report: str | None,
    redact: bool,
    ca_file: str | None,
    as_json: bool,
) -> None:
    """Rehearse a call: does it connect, over which path, how well, and why?

    ROOM-URL is a link such as https://HOST/rehearse#ROOM. Without one, a room is made on the site
    of --server or of STUNKIT_SERVER (its first host), and the link is shown: open it in a browser
    at the other end, or give it to `stunkit rehearse` there. What you type is chat. Ctrl-C ends it.

    Exit status: 0 direct, 7 through a relay, 8 did not connect, 6 unknown.
    """
    links = [RoomLink.parse(text) for text in rooms]
    if (video and no_video) or (audio and no_audio):
        raise click.UsageError("A file to send and none of its kind exclude each other.")
    _check_rooms(links, server, report, answer=answer)
    if report is not None:
        check_writable(report)
    from stunkit.rehearsal.media import Sources  # noqa: PLC0415 (needs an extra)
    from stunkit.rehearsal.wishes import Wishes, require  # noqa: PLC0415 (needs an extra)

    require()
    sources = Sources(video, audio, has_video=not no_video, has_audio=not no_audio)
    sources.check()
    wishes = Wishes(sources, ca_file=ca_file, agent=f"stunkit {__version__}")
    if answer:
        from stunkit.cli.attendant import attend  # noqa: PLC0415 (few want it)

        site = _pick_site(server) if server is not None or not links else None
        wishes = replace(wishes, call_seconds=seconds or CALL_SECONDS)
        attend(site, links, most, wishes, as_json=as_json)
        return
    from stunkit.cli.conversation import converse  # noqa: PLC0415 (imports what needs an extra)

    link = links[0] if links else _make_room(_pick_site(server), ca_file)
    wishes = replace(wishes, seconds=seconds)
    seen = converse(link, wishes, is_made=not links, is_quiet=as_json)
    document = to_document(seen, __version__)
    if redact:
        from stunkit.cli.render.redaction import redacted  # noqa: PLC0415 (few want it)

        document = redacted(document)
    if as_json:
        click.echo(json.dumps(document))
    else:
        _say(render.view(document))
    if report is not None:  # last, since nothing is lost then where it cannot be written
        from stunkit.cli.render.rehearsal_report import to_html  # noqa: PLC0415 (few want it)

        write(report, to_html(document, is_redacted=redact))
        if not as_json:
            click.echo(f"the report is in {report}", err=True)
    context.exit(STATUSES[judge(seen).outcome])


def _check_rooms(
    links: Sequence[RoomLink], server: str | None, report: str | None, *, answer: bool
) -> None:
    """Refuse what excludes each other. Raises UsageError."""
    if answer and report is not None:
        raise click.UsageError("--report is about one rehearsal, and --answer has many.")
    if len(links) > 1 and not answer:
        raise click.UsageError("Several rooms are for --answer.")
    if links and server is not None and not answer:
        raise click.UsageError("A room's link names its site: no --server.")


def _pick_site(server: str | None) -> Website:
    """Return where to make a room. Raises UsageError."""
    if server is not None:
        return Website.parse(server)
    for text in os.environ.get(SERVER_VARIABLE, "").split(","):
        if text.strip():
            return Website.of_server(text.strip())
    raise click.UsageError(
        f"Give a room's link, or --server, or {SERVER_VARIABLE}: a server of yours makes rooms."
    )


def _make_room(site: Website, ca_file: str | None) -> RoomLink:
    from stunkit.net.signalling import make_room  # noqa: PLC0415 (needs an extra)

    return asyncio.run(make_room(site, ca_file=ca_file)).link


def _say(said: render.View) -> None:
    """Print the verdict: drawn on a terminal, plain where nobody looks on."""
    if sys.stdout.isatty():
        from stunkit.cli.render.rehearsal_live import conclude  # noqa: PLC0415 (slow to import)

        conclude(said)
        return
    sections = [
        said.sentence,
        _bullets("Why:", said.reasons),
        _bullets("What went wrong:", said.problems),
        columns(said.figures),
    ]
    click.echo("\n\n".join(section for section in sections if section))


def _bullets(title: str, sentences: Sequence[str]) -> str:
    return "\n".join((title, *(f"- {one}" for one in sentences))) if sentences else ""
