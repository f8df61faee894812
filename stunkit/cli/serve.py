"""``stunkit serve``: run a server until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click

from stunkit.cli.setting_options import SettingsCommand, chosen, setting_options
from stunkit.cli.status import ExitStatus
from stunkit.endpoint import Endpoint
from stunkit.errors import StartError
from stunkit.extra import installation
from stunkit.net.loop import new_event_loop
from stunkit.net.transport.sockaddr import endpoint_of
from stunkit.server import logs
from stunkit.server.metrics import monitor
from stunkit.server.metrics.counters import Counters
from stunkit.server.process import descriptors
from stunkit.server.process.activation import open_sockets
from stunkit.server.process.notification import Manager
from stunkit.server.process.privilege import drop, rehearse
from stunkit.server.process.worker import import_early
from stunkit.server.process.workers import Workers, require
from stunkit.server.reload import Reload
from stunkit.server.server import Server, choose_lane
from stunkit.server.settings import settings_file
from stunkit.server.settings.material import Material
from stunkit.server.settings.tree import Settings
from stunkit.server.sockets import Sockets
from stunkit.server.web import site as web_site
from stunkit.text import printable
from stunkit.wire import prepare
from stunkit.wire.uri import Transport

log = logging.getLogger(__name__)


@click.command("serve", cls=SettingsCommand)
@click.option("--config", metavar="FILE", help="Read settings from this TOML file.")
@click.option(
    "--check", is_flag=True, help="Print the effective settings, try what they need, and exit."
)
@click.option("--sample", is_flag=True, help="Print a file of all settings, explained, and exit.")
@setting_options
def command(*, config: str | None, check: bool, sample: bool, **options: Any) -> None:  # noqa: ANN401 (one for each setting)
    """Answer STUN Binding requests over UDP and TCP.

    Prints a line on stderr for each socket, then "ready". SIGTERM and SIGINT let clients read
    their last answers and end it; SIGHUP has it read its settings again. An option here goes
    before the same key in the file, and that before its default.
    """
    if sample:
        click.echo(settings_file.sample(), nl=False)
        return
    values = chosen(options)
    reload = Reload(lambda: _effective(config, values))
    settings = reload.read()
    logs.configure(settings.log)
    material = Material.load(settings, reload.nonce_secret)
    if check:
        click.echo(settings_file.dump(settings), nl=False)
        if _has_obstacles(settings):
            raise click.exceptions.Exit(ExitStatus.NOT_STARTED)
        return
    descriptors.allow(settings)
    manager = Manager.find()
    sockets = _open(settings)
    web = [endpoint_of(one.getsockname()) for one in sockets.web]
    status = "serving " + ", ".join(f"{kind} {endpoint}" for kind, endpoint in sockets.endpoints)
    reload.on_begin, reload.on_end = manager.reloading, lambda: manager.ready(status)

    def on_ready(endpoints: Sequence[tuple[Transport, Endpoint]]) -> None:
        _announce(endpoints, web, settings)
        manager.ready(status)

    if settings.workers > 1:
        workers = Workers(
            settings, sockets=sockets, manager=manager, material=material, reload=reload
        )
        counters = workers.run(on_ready)
    else:
        server = Server(settings, sockets=sockets, manager=manager, material=material)
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            counters = runner.run(_serve(server, reload, on_ready, manager.stopping))
    _say(f"stopped: {counters.received} received, {counters.answered} answered", settings)


def _effective(config: str | None, options: dict[str, Any]) -> Settings:
    """Return the settings in force. Raises SettingsError."""
    values = {} if config is None else settings_file.load(Path(config))
    return Settings().with_values(values | options)


def _has_obstacles(settings: Settings) -> bool:
    """Try what such a server needs of this machine, ports apart, and say what is missing."""
    steps: list[Callable[[], object]] = [partial(choose_lane, settings.lane)]
    if settings.workers > 1:
        steps.append(require)
    if settings.metrics.listen is not None:
        steps.append(monitor.require)
    steps.append(partial(web_site.require, settings))
    if settings.user is not None:
        steps.append(partial(rehearse, settings.user))
    obstacles = []
    for step in steps:
        try:
            step()
        except StartError as error:
            obstacles.append(error)
            click.echo(f"stunkit: {printable(str(error))}", err=True)
    if settings.authentication.credentials_file is not None and not prepare.is_complete():
        command = installation("auth")  # such a server starts; it cannot read some names
        click.echo(f"stunkit: names beyond printable ASCII would need: {command}", err=True)
    return bool(obstacles)


def _open(settings: Settings) -> Sockets:
    """Open every socket, then give up what was needed for that. Raises StartError."""
    if settings.workers > 1:
        require()
    sockets = open_sockets(settings)
    try:
        import_early()  # what another user may be unable to read
        choose_lane(settings.lane)
        if settings.metrics.listen is not None:
            monitor.require()
        web_site.require(settings)
        drop(settings.user)
    except StartError:
        sockets.close()
        raise
    return sockets


async def _serve(
    server: Server,
    reload: Reload,
    on_ready: Callable[[Sequence[tuple[Transport, Endpoint]]], None],
    on_stop: Callable[[], None],
) -> Counters:
    stopped, hung_up = asyncio.Event(), asyncio.Event()
    _on_signals(stopped, hung_up)
    async with server:
        adopting = asyncio.create_task(_adopt_again_and_again(server, reload, hung_up))
        on_ready(server.endpoints)
        await stopped.wait()
        adopting.cancel()
        on_stop()
    return server.counters


async def _adopt_again_and_again(server: Server, reload: Reload, hung_up: asyncio.Event) -> None:
    """Have a server serve under what the settings are now, if they are good, at each SIGHUP."""
    while True:
        await hung_up.wait()
        hung_up.clear()
        before = server.settings
        # In a thread, as a long file of credentials takes its time, and datagrams do not wait.
        prepared = await asyncio.to_thread(reload.prepare, before)
        if prepared is None:
            continue
        try:
            server.adopt(*prepared)
        except Exception:  # an outermost loop: the next SIGHUP may go better
            log.exception("an error of ours while reloading: settings may be in force in part")
        reload.finish(before, server.settings)


def _announce(
    endpoints: Sequence[tuple[Transport, Endpoint]], web: Sequence[Endpoint], settings: Settings
) -> None:
    for transport, endpoint in endpoints:
        _say(f"listening on {transport} {endpoint}", settings)
    if settings.metrics.listen is not None:
        _say(f"metrics on http://{settings.metrics.listen}/metrics", settings)
    is_plain = settings.web.plain or settings.tls.certificate is None
    for endpoint in web:
        _say(f"page on {'http' if is_plain else 'https'}://{endpoint}/", settings)
        _say(f"signalling on {'ws' if is_plain else 'wss'}://{endpoint}/signal", settings)
    _say("ready", settings)


def _say(line: str, settings: Settings) -> None:
    """Say what has to be said at any level, in the form of the log."""
    if settings.log.format == "json":
        log.log(logs.ALWAYS, line)
    else:
        with contextlib.suppress(OSError):  # a full disk, or nobody reads: we serve all the same
            click.echo(line, err=True)


def _on_signals(stopped: asyncio.Event, hung_up: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for name in ("SIGTERM", "SIGINT"):
        number = getattr(signal, name)
        try:
            loop.add_signal_handler(number, stopped.set)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(stopped.set))
    if hasattr(signal, "SIGHUP"):
        loop.add_signal_handler(signal.SIGHUP, hung_up.set)
