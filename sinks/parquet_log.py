"""Parquet files as the rows of a log, batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import InputError
from schemas.mapping import BadRow, LogRow

_BATCH_ROWS = 8192


class ParquetLog:
    """One Parquet file, of which only the needed columns are read."""

    def __init__(self, path: Path, size_bytes: int, columns: Sequence[str]) -> None:
        self.size_bytes = size_bytes
        self._path = path
        self._columns = columns
        self._share = 0.0

    def position_bytes(self) -> int:
        """The file's size times the share of its rows that have been read."""
        return int(self.size_bytes * self._share)

    def rows(self) -> Iterator[LogRow | BadRow]:
        """The rows in the file's order; times are cut to microseconds.

        Raises:
            InputError: the file is no Parquet file, or lacks a column that is needed.
        """
        try:
            with pq.ParquetFile(self._path) as file:
                names = self._roots(file.schema_arrow.names)
                target = pa.schema([_microseconds(file.schema_arrow.field(name)) for name in names])
                total = max(1, file.metadata.num_rows)
                number = 0
                for batch in file.iter_batches(_BATCH_ROWS, columns=names):
                    table = pa.Table.from_batches([batch]).select(names).cast(target, safe=False)
                    for values in _shortest_doubles(table).to_pylist():
                        number += 1
                        yield LogRow(number, None, values)
                    self._share = number / total
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self._path}: cannot be read as Parquet: {error}") from error

    def _roots(self, present: list[str]) -> list[str]:
        """The columns of the file that the needed names, or the first part of their paths, name."""
        roots = []
        for name in self._columns:
            root = name if name in present else name.partition(".")[0]
            if root not in present:
                raise InputError(
                    f"{self._path}: expected the mapping's column {name}, "
                    f"found the columns {', '.join(present)}: correct the mapping"
                )
            roots.append(root)
        return list(dict.fromkeys(roots))


def _shortest_doubles(table: pa.Table) -> pa.Table:
    """Single floats as the doubles of their shortest decimal texts: 0.1 stays 0.1."""
    for index, field in enumerate(table.schema):
        if pa.types.is_float32(field.type):
            doubles = table.column(index).cast(pa.string()).cast(pa.float64())
            table = table.set_column(index, field.name, doubles)
    return table


def _microseconds(field: pa.Field) -> pa.Field:
    return field.with_type(_type_in_microseconds(field.type))


def _type_in_microseconds(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    if pa.types.is_time64(kind):
        return pa.time64("us")
    if pa.types.is_struct(kind):
        return pa.struct([_microseconds(field) for field in kind])
    if pa.types.is_list(kind):
        return pa.list_(_microseconds(kind.value_field))
    return kind
