"""A server that failed, brought back and asked again: does it fail after these inputs too?

Rules of this file: a command that brings a server back is run without a shell, in a session of its
own, and what it started is ended before it is run again.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

from stunkit.errors import StartError, UsageError
from stunkit.fuzz.carrier import Road
from stunkit.fuzz.pulse import QUICK, Pulse, State, Verdict

BACK = 10.0  # seconds that a server has to be back
LOOK = 0.1  # seconds between two looks whether it is
END = 5.0  # seconds that what the command started has to end
CHUNK = 32  # inputs between two questions


class Revival:
    """One server under one command, None where somebody else brings it back, or nobody."""

    def __init__(
        self,
        road: Road,
        command: str | None,
        timeout: float,
        rate: float,
        is_stray: Callable[[bytes], bool],
    ) -> None:
        self._road = road
        self._command = _split(command)
        self._timeout = min(timeout, 0.5)
        self._pace = CHUNK / rate
        self._is_stray = is_stray
        self._process: subprocess.Popen[bytes] | None = None
        self.is_lost = False  # it does not come back
        self._needs_restart = True
        self._is_service = False  # the command is the server, and no command that starts it
        self.verdict = Verdict(State.WELL, "")

    def fails(self, inputs: Sequence[bytes]) -> bool:
        """Return whether the server fails after these inputs. False when it is lost."""
        if self._needs_restart and not self.bring_back():
            return False
        pulse = Pulse(self._road, Random(0), self._timeout, self._is_stray)  # noqa: S311
        try:
            if pulse.ask(QUICK).state is not State.WELL:
                self._needs_restart = True
                return False
            with self._road.open() as carrier:
                for start in range(0, len(inputs), CHUNK):
                    begun = time.monotonic()
                    for data in inputs[start : start + CHUNK]:
                        carrier.send(data)
                    carrier.receive(0)
                    verdict = pulse.ask(QUICK)
                    if verdict.state is not State.WELL:
                        self.verdict = verdict
                        self._needs_restart = True
                        return True
                    time.sleep(max(0.0, begun + self._pace - time.monotonic()))
        except OSError:
            self._needs_restart = True
            return False
        finally:
            pulse.close()
        return False

    def bring_back(self) -> bool:
        """Run the command and wait until the server answers. Return whether it does."""
        if self.is_lost:
            return False
        if self._command is not None:
            self.end()
            try:
                self._process = subprocess.Popen(  # noqa: S603 (the user's own command)
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise StartError(
                    f"{self._command[0]} cannot be run: {reason}", "see --restart"
                ) from None
        end = time.monotonic() + BACK
        while time.monotonic() < end:
            pulse = Pulse(self._road, Random(0), LOOK, self._is_stray)  # noqa: S311
            state = pulse.ask((0.0,)).state
            pulse.close()
            if state in (State.WELL, State.RESTARTED):
                self._needs_restart = False
                self._is_service = self._process is not None and self._process.poll() is None
                return True
            time.sleep(LOOK)
        self.is_lost = True
        return False

    def leave(self) -> None:
        """Leave the server running, unless it is a child of ours: that would outlive us unseen."""
        if self._command is not None and self._needs_restart and not self._is_service:
            self.bring_back()
        if self._is_service or self.is_lost:
            self.end()

    def end(self) -> None:
        """End what the command started and has not ended."""
        process, self._process = self._process, None
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(END)
                return


def _split(command: str | None) -> list[str] | None:
    if command is None:
        return None
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise UsageError("a command", command, str(error)) from None
    if not words:
        raise UsageError("a command", command, "it is empty")
    return words
