"""Reference data: read through Beam's file systems when a job begins, and again when its files change.

Not a side input of Beam's: its timers, which decide too, see none.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from schemas.errors import CjaasError
from schemas.workspace.model import Workspace
from schemas.workspace.reference import Table, read_rows
from transforms.core.reference import Reference


class Stamp(NamedTuple):
    """What a file that was written anew has another of."""

    size_bytes: int
    updated_s: float


def load_reference(workspace: Workspace) -> Reference:
    """The rows of a workspace's tables.

    Raises:
        CjaasError: a table's file can't be read, or has mistakes.
    """
    digest = blake2b(digest_size=16)
    tables = {}
    for table in workspace.tables.values():
        content = _read(table)
        tables[table.name], mistakes = read_rows(table, content)
        if mistakes:
            raise CjaasError(f"table {table.name}: {table.file}: {'; '.join(map(str, mistakes))}")
        digest.update(f"{table.name}\n{len(content)}\n".encode() + content)
    return Reference(tables, digest.digest() if tables else b"")


def stamps(workspace: Workspace) -> list[Stamp | None]:
    """Of the files of a workspace's tables, None for one that is not there."""
    return [_stamp(table.file) for table in workspace.tables.values()]


def _stamp(file: str) -> Stamp | None:
    try:
        found = FileSystems.match([file])[0].metadata_list
    except BeamIOError:
        return None
    return Stamp(found[0].size_in_bytes, found[0].last_updated_in_seconds) if found else None


def _read(table: Table) -> bytes:
    try:
        with FileSystems.open(table.file, compression_type=CompressionTypes.UNCOMPRESSED) as opened:
            content: bytes = opened.read()
    except (OSError, ValueError) as error:
        raise CjaasError(
            f"table {table.name}: expected a readable file at {table.file}, found {error}; check the path"
        ) from None
    return content
