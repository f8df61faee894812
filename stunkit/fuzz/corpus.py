"""A folder of inputs, each named by its hash: what a run saves, and the next one starts from."""

from __future__ import annotations

from hashlib import sha1
from pathlib import Path

from stunkit.errors import UsageError

MOST = 1000  # files that are read
MAX_SIZE = 1 << 16  # bytes of a file that is read


class Corpus:
    """The inputs in a folder, which is made when the first is added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self) -> tuple[bytes, ...]:
        """Return the inputs, in the order of their names. Raises UsageError."""
        if not self.folder.exists():
            return ()
        try:
            paths = [path for path in sorted(self.folder.iterdir()) if path.is_file()]
            return tuple(path.read_bytes()[:MAX_SIZE] for path in paths[:MOST])
        except OSError as error:
            raise self._refused(error) from None

    def add(self, data: bytes) -> Path:
        """Write an input. Raises UsageError."""
        name = sha1(data, usedforsecurity=False).hexdigest()[:16]
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            path = self.folder / name
            path.write_bytes(data)
        except OSError as error:
            raise self._refused(error) from None
        return path

    def _refused(self, error: OSError) -> UsageError:
        reason = (error.strerror or str(error)).lower()
        return UsageError("a folder for what is found", str(self.folder), reason)
