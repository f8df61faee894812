"""Certificates for tests: an authority of our own, and what it and nobody vouches for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import trustme

NAMES = ("127.0.0.1", "::1", "localhost")


class Pair(NamedTuple):
    """The files of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """An authority with its files in a folder; ``file`` is what its clients trust."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = trustme.CA()
        self.file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(self.file)

    def issue(self, *names: str, days: tuple[float, float] = (-1, 30)) -> Pair:
        """Issue a certificate for names, valid from and to so many days from now."""
        now = datetime.now(UTC)
        leaf = self._authority.issue_cert(
            *(names or NAMES),
            not_before=now + timedelta(days=days[0]),
            not_after=now + timedelta(days=days[1]),
        )
        number = len(list(self._folder.iterdir()))
        pair = Pair(self._folder / f"{number}.pem", self._folder / f"{number}.key")
        pair.certificate.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))
        leaf.private_key_pem.write_to_path(pair.key)
        return pair
