"""One run of the load generator, from a server's name to a result."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable

from stunkit.bench.options import Options
from stunkit.bench.result import Progress, Result
from stunkit.bench.target import check_target
from stunkit.errors import StartError
from stunkit.extra import installation
from stunkit.net.resolve import resolve
from stunkit.net.transport import batch


class Run:
    """A run that can be ended early: ``stop`` may be called from a signal handler."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._is_stopped = False

    def go(self, on_progress: Callable[[Progress], None] | None = None) -> Result:
        """Load the server and return what was measured; blocks.

        ``on_progress`` hears a few times a second how it goes. Raises UsageError (a server that
        is not to be loaded), StartError, ResolutionError or TransactionError.
        """
        options = self._options
        server = asyncio.run(resolve(options.server, family=options.any_family))[0]
        check_target(server, mine=options.mine)
        _require_batches()
        from stunkit.bench.engine import Engine  # noqa: PLC0415 (NumPy is optional)

        with Engine(options, server, lambda: self._is_stopped) as engine:
            return engine.measure(on_progress)

    def stop(self) -> None:
        """End the run early; what was measured until then is its result."""
        self._is_stopped = True


def run(options: Options, on_progress: Callable[[Progress], None] | None = None) -> Result:
    """Load a server and return what was measured: see ``Run.go``."""
    return Run(options).go(on_progress)


def _require_batches() -> None:
    if batch.is_available():
        return
    if sys.platform != "linux":
        raise StartError("the load generator needs Linux", "run it there, against this server")
    raise StartError("the load generator needs NumPy", installation("fast"))
