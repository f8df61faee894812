"""One worker: a fork of the parent that becomes a server, and what the two tell each other.

The two have a line: a socket of messages. A worker reports on it that it serves, or why it cannot,
and later that it has adopted what it was told: settings and material, pickled, in a file of memory
whose descriptor comes with the message, so that any size fits and no worker can hold its parent up.
How a worker ended says its wait status.

Rules of this file: ``live`` runs in the child and never returns, since the rest of the stack is its
parent's. Signals are the parent's business: of all that a terminal sends, a worker hears nothing,
and SIGTERM has it drain.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import pickle
import signal
import socket
from collections.abc import Callable
from typing import NoReturn

from stunkit.errors import StartError
from stunkit.net.loop import new_event_loop
from stunkit.server.server import Server
from stunkit.server.settings.material import Material
from stunkit.server.settings.tree import Settings

READY = b"ready"  # the report of a worker that serves
ADOPTED = b"adopted"  # the report of one that has other settings now
REPORT_SIZE = 4096  # bytes, at most
COLLECTED = (5_000, 10, 10)  # new objects, and collections of the young, until the next one
FAILED = 1  # exit status of a worker that met a bug of ours

_PR_SET_PDEATHSIG = 1  # linux/prctl.h

log = logging.getLogger(__name__)


def import_early() -> None:
    """Import in the parent what every worker would import, so that each serves in milliseconds.

    And look for cycles less often: with thousands of connections that is a fifth of the work, and
    hardly anything here makes a cycle.
    """
    gc.freeze()
    gc.set_threshold(*COLLECTED)
    import ctypes  # noqa: F401, PLC0415 (see _end_with)

    with contextlib.suppress(ImportError):
        import uvloop  # noqa: F401, PLC0415 (see new_event_loop)


def live(inherit: Callable[[], Server], line: socket.socket, parent: int) -> NoReturn:
    """Serve until SIGTERM, and end this process.

    ``inherit`` lets go of what is only the parent's, and returns the server to be. Every signal is
    blocked until then; ``line`` is the one to ``parent``.
    """
    status = FAILED
    try:
        for number in (signal.SIGTERM, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        for number in (signal.SIGINT, signal.SIGHUP):  # a terminal's, to all of us
            signal.signal(number, signal.SIG_IGN)
        _end_with(parent)
        server = inherit()
        with asyncio.Runner(loop_factory=new_event_loop) as runner:
            runner.run(_serve(server, line))
        status = 0
    except StartError as error:
        line.send(encode_reason(error))
    except BaseException:  # the outermost loop
        log.exception("this worker (pid %d) broke", os.getpid())
    finally:
        logging.shutdown()
        os._exit(status)


def encode_reason(error: StartError) -> bytes:
    """Return the report of a worker that cannot serve."""
    return f"{error.what}\0{error.remedy}".encode(errors="replace")[:REPORT_SIZE]


def decode_reason(report: bytes) -> StartError:
    """Return what kept a worker from serving, by its report."""
    what, _, remedy = report.decode(errors="replace").partition("\0")
    return StartError(what, remedy)


def describe_end(status: int) -> str:
    """Say how a process ended, by its wait status."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"ended with exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:  # a real-time signal has a number only
        return f"killed by signal {-code}"


async def _serve(server: Server, line: socket.socket) -> None:
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # only now would SIGTERM drain, and not kill
    async with server:
        asyncio.get_running_loop().add_reader(line, _adopt, server, line)
        line.send(READY)
        await stopped.wait()
        asyncio.get_running_loop().remove_reader(line)


def tell(line: socket.socket, settings: Settings, material: Material) -> None:
    """Have a worker adopt other settings; it reports once it has. Raises OSError."""
    memory = os.memfd_create("settings")
    try:
        with open(memory, "wb", closefd=False) as file:
            pickle.dump((settings, material), file)
        socket.send_fds(line, [ADOPTED], [memory])
    finally:
        os.close(memory)


def _adopt(server: Server, line: socket.socket) -> None:
    """Do what ``tell`` says."""
    _, descriptors, _, _ = socket.recv_fds(line, REPORT_SIZE, 1)
    for memory in descriptors:
        try:
            with open(memory, "rb") as file:  # noqa: PTH123 (it has no path)
                file.seek(0)
                server.adopt(*pickle.load(file))  # noqa: S301 (its writer is our parent)
        except Exception:  # an outermost loop: the parent waits for us, and may tell us again
            log.exception("an error of ours while reloading: settings may be in force in part")
        line.send(ADOPTED)


def _end_with(parent: int) -> None:
    """Have the kernel end this process when its parent ends, so that the ports get free."""
    import ctypes  # noqa: PLC0415 (needed by workers only)

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(FAILED)  # it ended before the kernel was told
