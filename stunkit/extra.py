"""Extras: parts of stunkit that need more libraries, and the command that installs those.

The command names the Python that runs, since the pip of a shell may be that of another one.
"""

from __future__ import annotations

import sys


def installation(extra: str) -> str:
    """Return the command that adds an extra to this Python.

    Such as ``/usr/bin/python3 -m pip install 'stunkit[fast]'``.
    """
    python = sys.executable or "python3"  # empty where Python does not know where it is
    if " " in python:
        python = f'"{python}"'
    return f"{python} -m pip install 'stunkit[{extra}]'"
