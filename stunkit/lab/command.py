"""The programs that the lab configures the kernel with: ``ip`` (iproute2) and ``nft`` (nftables).

Both take a whole script on their standard input, so a namespace costs one process of each. That
is why netlink is not spoken here: two small programs that every Linux distribution has, whose
scripts a person can read and repeat, against a library and its event loop.

Rules of this file: every failure is a LabError with the program's own words; a missing program is
a StartError that names the package.
"""

from __future__ import annotations

import os
import shutil
import subprocess

from stunkit.errors import LabError, StartError

SYSTEM_PATH = (
    "/usr/sbin:/sbin"  # where ip and nft are on Debian, also for people without it in PATH
)
LONGEST_LINE = 200  # characters of an error message; a map of a thousand ports is one line
TIMEOUT = 20.0  # seconds; a script takes milliseconds, unless the kernel hangs
PACKAGES = {"ip": "iproute2", "nft": "nftables"}  # Debian's, Fedora's and Arch's name for both


def find_program(program: str) -> str:
    """Return the program's path. Raises StartError, naming the package that has it."""
    found = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}")
    if found is None:
        package = PACKAGES[program]
        raise StartError(f"the lab needs {program}", f"install the package {package}")
    return found


def feed(step: str, command: tuple[str, ...], script: str) -> None:
    """Run a program of PACKAGES with ``script`` on its standard input, in this thread's namespace.

    Raises LabError with what it wrote to stderr, StartError when it is not there.
    """
    words = [find_program(command[0]), *command[1:]]
    try:
        subprocess.run(  # noqa: S603 - a program of PACKAGES, fed by the lab
            words, input=script, text=True, capture_output=True, check=True, timeout=TIMEOUT
        )
    except subprocess.CalledProcessError as error:
        raise LabError(step, " ".join(command), gist(error.stderr)) from None
    except subprocess.TimeoutExpired:
        raise LabError(step, " ".join(command), f"no end after {TIMEOUT:.0f} s") from None


def gist(text: str) -> str:
    """Return the lines that say what is wrong, without the quoted script that nft shows."""
    lines = [line for line in text.splitlines() if "rror" in line or "ssertion" in line]
    return "; ".join(line[:LONGEST_LINE] for line in lines or text.splitlines()[:1])


def configure_links(step: str, lines: list[str]) -> None:
    """Run lines of ``ip``, without that word, in this thread's namespace. Raises LabError."""
    feed(step, ("ip", "-batch", "-"), "".join(f"{line}\n" for line in lines))


def configure_filter(step: str, ruleset: str) -> None:
    """Load a ruleset of ``nft`` in this thread's namespace. Raises LabError."""
    feed(step, ("nft", "-f", "-"), ruleset)
