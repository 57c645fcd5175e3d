"""How far a job has come, told through a file that all its processes append to."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from schemas.errors import CjaasError

_RECORD = struct.Struct("<QQQ")


class Read(NamedTuple):
    """What was read so far."""

    size_bytes: int
    messages: int
    dead_letters: int


@dataclass(frozen=True)
class ProgressFile:
    """A `schemas.streams.Progress` over a file."""

    path: Path

    def advance(self, size_bytes: int, messages: int, dead_letters: int) -> None:
        """Appends one record; appends of this size do not interleave.

        Raises:
            CjaasError: the file cannot be written.
        """
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(descriptor, _RECORD.pack(size_bytes, messages, dead_letters))
            finally:
                os.close(descriptor)
        except OSError as error:
            raise CjaasError(
                f"{self.path}: cannot be written: {error.strerror or error}; "
                "free space or rights there, or choose another output, and run again"
            ) from error

    def read(self) -> Read:
        """The sum of all whole records."""
        if not self.path.exists():
            return Read(0, 0, 0)
        records = self.path.read_bytes()
        whole = len(records) // _RECORD.size * _RECORD.size
        columns = list(zip(*_RECORD.iter_unpack(records[:whole]), strict=True))
        return Read(*(sum(column) for column in columns)) if columns else Read(0, 0, 0)
