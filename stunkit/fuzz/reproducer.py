"""What makes a failure happen again: a small JSON file that people can read and mail.

{"schema": "stunkit/fuzz-reproducer/1", "kind": "server", "target": "stun:127.0.0.1:3478",
 "failure": "silent", "why": "...", "confirmed": true, "inputs": ["000100..."], ...}
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

from stunkit.errors import UsageError

SCHEMA = "stunkit/fuzz-reproducer/1"
KINDS = ("parser", "server")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reproducer:
    """One failure and the inputs that lead to it, in order.

    - ``kind`` is "parser" or "server"; ``target`` is ``module:callable`` or a URI.
    - ``failure`` is its class, ``why`` one sentence; ``confirmed``: it happened again.
    - ``expected`` are exceptions that a parser may raise; ``timeout`` in seconds and ``memory_mb``
      in MiB are the limits it ran under.
    """

    kind: str
    target: str
    failure: str
    why: str
    confirmed: bool
    inputs: tuple[bytes, ...]
    expected: tuple[str, ...] = ()
    timeout: float = 1.0
    memory_mb: int = 256

    def dump(self, path: Path) -> None:
        """Write the file."""
        path.write_text(self._text(), encoding="utf-8")

    def keep(self, folder: Path, number: int) -> Path:
        """Write a file of its own, named by the failure and a number, and return its path.

        Where the number is taken by another failure it gets the next that is free.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for one in count(number):
            path = folder / f"{self.failure}-{one}.json"
            if not path.exists() or path.read_text(encoding="utf-8") == self._text():
                break
        self.dump(path)
        return path

    def _text(self) -> str:
        document = {"schema": SCHEMA, **asdict(self), "inputs": [one.hex() for one in self.inputs]}
        return json.dumps(document, indent=1) + "\n"

    @classmethod
    def load(cls, path: Path) -> Reproducer:
        """Read a file. Raises UsageError."""
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError("a reproducer", str(path), reason) from None
        except ValueError as error:
            raise UsageError("a reproducer", str(path), f"it is no JSON: {error}") from None
        try:
            return cls._of(document)
        except (KeyError, TypeError, ValueError) as error:
            reason = f"{type(error).__name__}: {error}"
            raise UsageError("a reproducer", str(path), reason) from None

    @classmethod
    def _of(cls, document: dict[str, Any]) -> Reproducer:
        if document["schema"] != SCHEMA:
            raise ValueError(f"its schema is not {SCHEMA}")
        if document["kind"] not in KINDS:
            raise ValueError("its kind is neither parser nor server")
        return cls(
            kind=document["kind"],
            target=str(document["target"]),
            failure=str(document["failure"]),
            why=str(document["why"]),
            confirmed=bool(document["confirmed"]),
            inputs=tuple(bytes.fromhex(one) for one in document["inputs"]),
            expected=tuple(map(str, document.get("expected", ()))),
            timeout=float(document.get("timeout", 1.0)),
            memory_mb=int(document.get("memory_mb", 256)),
        )
