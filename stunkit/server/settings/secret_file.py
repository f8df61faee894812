"""Files that hold a secret: a password, a key.

Rules of this file: errors name the file, and never what is in it.
"""

from __future__ import annotations

import logging
import stat
from pathlib import Path

from stunkit.errors import SettingsError

log = logging.getLogger(__name__)


def read(path: Path) -> str:
    """Return a file's text; warn when everybody can read it. Raises SettingsError."""
    try:
        if path.stat().st_mode & stat.S_IROTH:
            log.warning(
                "every user of this machine can read %s; leave it to one group (chmod 640)", path
            )
        return path.read_text("utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise SettingsError(str(path), "", f"cannot be read: {reason}") from None
    except UnicodeDecodeError:
        raise SettingsError(str(path), "", "it is not UTF-8") from None


def read_line(path: Path) -> str:
    """Return the one line of a file, without spaces around it. Raises SettingsError."""
    text = read(path).strip()
    if not text or len(text.splitlines()) > 1:
        raise SettingsError(str(path), "", "it has to have one line")
    return text
