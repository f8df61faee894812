"""Privilege, and how a server gets rid of it once its sockets are bound. Linux.

Started as root, a server becomes another user for good, the one of ``--user`` or else nobody:
groups, user, every capability, and no way back through a program with the set-user-ID bit
(credentials(7), capabilities(7), PR_SET_NO_NEW_PRIVS of prctl(2)). Started as another user with
capabilities, such as CAP_NET_BIND_SERVICE, it gives them up just the same. What it then must not be
able to do is tried, and a server that could does not start.

Rules of this file: it runs once, before there are threads or workers, since each thread has
capabilities of its own, and after ``import_early``, since that user may be unable to read Python.
Who was asked for is obeyed or the server does not start; where nobody was asked for and cannot be
had, as in a container that knows no other users, the server warns and stays root.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import NamedTuple, Self

from stunkit.errors import StartError

_PR_SET_NO_NEW_PRIVS = 38  # linux/prctl.h
_CAPABILITY_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3 of linux/capability.h
_PATIENCE = 60.0  # seconds for a Python to start and try, on however busy a machine
_CAPABILITY_WORDS = 6  # effective, permitted and inheritable, of 32 bits each, twice

_REHEARSAL = """
import sys
from stunkit.errors import StartError
from stunkit.server.process.privilege import drop
try:
    drop(sys.argv[1])
except StartError as error:
    print(error.what, error.remedy, sep="\\n")
    sys.exit(3)
"""

log = logging.getLogger(__name__)


class User(NamedTuple):
    """Who a server is to be, by number."""

    name: str
    uid: int
    gid: int

    @classmethod
    def find(cls, text: str) -> Self:
        """Return the user that NAME or NAME:GROUP means; numbers will do. Raises StartError."""
        import grp  # noqa: PLC0415 (not on Windows)
        import pwd  # noqa: PLC0415 (not on Windows)

        name, colon, group = text.partition(":")
        try:
            entry = pwd.getpwuid(int(name)) if name.isdecimal() else pwd.getpwnam(name)
            uid, gid = entry.pw_uid, entry.pw_gid
        except (KeyError, ValueError):  # ValueError: it has a NUL
            if not (name.isdecimal() and group):  # a number without an entry has no group
                raise _unknown("user", name) from None
            uid = gid = int(name)
        if colon:
            try:
                gid = int(group) if group.isdecimal() else grp.getgrnam(group).gr_gid
            except (KeyError, ValueError):
                raise _unknown("group", group) from None
        return cls(name, uid, gid)


# The user who owns no files, by the number that Linux gives to whom it does not know;
# /proc/sys/kernel/overflowuid.
NOBODY = User("nobody", 65534, 65534)


def drop(user: str | None) -> None:
    """Give up every privilege that this process has, for good; ``user`` is who root becomes.

    None is nobody; root stays root, with a warning. Raises StartError where it cannot be done.
    """
    if sys.platform == "win32":
        if user:
            raise StartError("there is no --user on Windows", "start the server as that user")
        return
    if sys.platform == "linux":
        import ctypes  # noqa: F401, PLC0415 (now, while it can be read)
    if user:
        chosen = User.find(user)
        if chosen.uid != 0:
            become(chosen)
    elif os.geteuid() == 0:
        try:
            become(NOBODY)
        except StartError as error:
            log.warning("%s", error.what)
    if os.geteuid() == 0:
        log.warning("serving as root, which needs no privilege: give --user NAME")
        return
    if sys.platform == "linux":
        _give_up_capabilities()
    _try_to_get_back(os.setuid)


def rehearse(user: str) -> None:
    """Try in a process of its own what ``drop`` would do. Raises StartError where it cannot."""
    import subprocess  # noqa: PLC0415 (needed here only)

    command = [sys.executable, "-c", _REHEARSAL, user]
    try:
        done = subprocess.run(  # noqa: S603 (our own program; the name is but an argument)
            command, capture_output=True, check=False, text=True, timeout=_PATIENCE
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:  # ValueError: it has a NUL
        raise StartError(f"cannot try to become {user}", str(error)) from error
    if done.returncode == 0:
        return
    what, _, remedy = done.stdout.rstrip("\n").partition("\n")
    raise StartError(what or f"cannot try to become {user}", remedy or "it ended without a word")


def become(user: User) -> None:
    """Change from root to another user, without a way back. Raises StartError."""
    if os.geteuid() != 0:
        if (os.geteuid(), os.getegid()) == (user.uid, user.gid):
            return
        raise StartError(
            f"only root can become {user.name}", "start the server as root, or without --user"
        )
    try:
        os.setgroups([])
        os.setgid(user.gid)  # real, effective and saved, since we are root
        os.setuid(user.uid)
    except (OSError, OverflowError) as error:  # OverflowError: no user has such a number
        reason = ((isinstance(error, OSError) and error.strerror) or str(error)).lower()
        raise StartError(
            f"cannot become {user.name}: {reason}", "start the server as that user"
        ) from error
    if user.gid != 0:
        _try_to_get_back(os.setgid)


def _give_up_capabilities() -> None:
    """Empty all sets of capabilities; the ambient one follows the others (capabilities(7))."""
    import ctypes  # noqa: PLC0415 (needed here only)

    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    ours = (ctypes.c_uint32 * _CAPABILITY_WORDS)()
    is_done = libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    is_done = is_done and libc.capget(header, ours) == 0
    if is_done and any(ours):  # who has none may not even be allowed to say so (seccomp(2))
        is_done = libc.capset(header, (ctypes.c_uint32 * _CAPABILITY_WORDS)()) == 0
    if not is_done:
        reason = os.strerror(ctypes.get_errno()).lower()
        raise StartError(
            f"cannot give up capabilities: {reason}", "start the server without privilege"
        )


def _try_to_get_back(become: Callable[[int], None]) -> None:
    """Try to be root again. Raises StartError where that works."""
    try:
        become(0)
    except PermissionError:
        return
    raise StartError(
        "root's privilege could be had back after it was dropped",
        "start the server as the user that it is to be",
    )


def _unknown(what: str, name: str) -> StartError:
    return StartError(
        f"there is no {what} {name!r}", f"`getent {'passwd' if what == 'user' else what}` lists all"
    )
