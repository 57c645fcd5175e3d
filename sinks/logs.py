"""Logs: tables of text, JSON and Parquet files as rows with their places, in bounded memory."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from schemas.errors import InputError
from schemas.mapping import BadRow, Layout, LogRow
from sinks.json_log import json_rows, ndjson_rows
from sinks.parquet_log import ParquetLog
from sinks.table_log import TableLog

_GZIP_MAGIC = b"\x1f\x8b"


class Log(Protocol):
    """One file of a log."""

    size_bytes: int

    def position_bytes(self) -> int:
        """How much of the file, of its `size_bytes`, has been read."""

    def rows(self) -> Iterator[LogRow | BadRow]:
        """The rows in the file's order.

        Raises:
            InputError: the file can't be read to its end, or lacks a column that is needed.
        """


def open_log(path: Path, layout: Layout, columns: Sequence[str]) -> Log:
    """A file of a log, of which `columns` are needed.

    Raises:
        InputError: there is no such file.
    """
    try:
        size_bytes = path.stat().st_size
    except OSError as error:
        raise InputError(f"{path}: expected a file to read: {error.strerror}") from error
    if layout.format == "parquet":
        return ParquetLog(path, size_bytes, columns)
    return TextLog(path, size_bytes, layout, columns)


class TextLog:
    """A file of text, plain or gzipped."""

    def __init__(self, path: Path, size_bytes: int, layout: Layout, columns: Sequence[str]) -> None:
        self.size_bytes = size_bytes
        self._path = path
        self._layout = layout
        self._columns = columns
        self._file: BufferedReader | None = None

    def position_bytes(self) -> int:
        """How much of the file, as it lies on the disk, has been read."""
        return 0 if self._file is None or self._file.closed else self._file.tell()

    def rows(self) -> Iterator[LogRow | BadRow]:
        """The rows in the file's order; see `Log`."""
        try:
            with self._path.open("rb") as self._file:
                packed = self._file.peek(2)[:2] == _GZIP_MAGIC
                if not packed:
                    yield from self._parse(self._file)
                    return
                with gzip.open(self._file) as content:
                    yield from self._parse(cast(BinaryIO, content))
        except OSError as error:
            raise InputError(f"{self._path}: cannot be read: {error.strerror or error}") from error
        except (EOFError, zlib.error) as error:
            raise InputError(f"{self._path}: the gzip file is damaged or cut off: {error}") from error
        except UnicodeDecodeError as error:
            raise InputError(f"{self._path}: not {self._layout.encoding} text: {error}") from error

    def _parse(self, content: BinaryIO) -> Iterator[LogRow | BadRow]:
        match self._layout.format:
            case "ndjson":
                return ndjson_rows(content, self._path)
            case "json":
                return json_rows(content, self._path, self._layout.records)
            case _:
                return TableLog(content, self._path, self._layout).rows(self._columns)
