"""Reference data: tables of what journeys look up, such as products, branches and agents."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import StringIO
from typing import Literal, NamedTuple

from schemas.timestamps import format_rfc3339
from schemas.workspace.condition import Scalar
from schemas.workspace.phrases import found
from schemas.workspace.values import is_date, time_us

ColumnKind = Literal["text", "number", "boolean", "timestamp", "date"]
Rows = Mapping[str, Mapping[str, Scalar]]
"""A table's values, by column, then by key."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, as the workspace describes it.

    Attributes:
        file: path or address of its CSV file.
        key: the column that rows are looked up by.
        columns: the others that are read, each with its kind.
    """

    name: str
    file: str
    key: str
    columns: Mapping[str, ColumnKind]


class Mistake(NamedTuple):
    """What is wrong with a table's file, and in which line."""

    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.message}"


def read_rows(table: Table, content: bytes) -> tuple[Rows, list[Mistake]]:
    """A table's values from its CSV file, UTF-8 with a header; of each kind of mistake the first.

    A cell without text has no value. Columns that the table does not name are passed over.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return {}, [Mistake(line, "expected UTF-8, found other bytes; save it as UTF-8")]
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    rows: dict[str, dict[str, Scalar]] = {column: {} for column in table.columns}
    mistakes: dict[str, Mistake] = {}
    try:
        header = next(reader, [])
        for column in (table.key, *table.columns):
            if header.count(column) != 1:
                given = "it twice" if column in header else f"{', '.join(header) or 'no header'}"
                mistakes[column] = Mistake(1, f"expected a column {column} in the header, found {given}")
        if mistakes:
            return {}, list(mistakes.values())
        for name, mistake in _fill(table, header, reader, rows):
            mistakes.setdefault(name, mistake)
    except csv.Error as error:
        mistakes[""] = Mistake(reader.line_num, f"expected CSV, found what is none: {error}")
    return rows, list(mistakes.values())


def _fill(
    table: Table, header: list[str], reader: Iterator[list[str]], rows: dict[str, dict[str, Scalar]]
) -> Iterator[tuple[str, Mistake]]:
    """Reads the rows; gives what is wrong with them, with the column that it concerns."""
    places = {column: (header.index(column), kind) for column, kind in table.columns.items()}
    key_place = header.index(table.key)
    lines: dict[str, int] = {}
    for cells in reader:
        line: int = reader.line_num  # type: ignore[attr-defined]
        if not cells:
            continue
        if len(cells) != len(header):
            yield "", Mistake(line, f"expected {len(header)} cells as in the header, found {len(cells)}")
            continue
        key = cells[key_place].strip()
        if not key:
            yield table.key, Mistake(line, f"expected a value of {table.key}, found none; add it")
            continue
        if lines.setdefault(key, line) != line:
            told = f"expected each {table.key} once, found {key!r} again, as in line {lines[key]}"
            yield table.key, Mistake(line, f"{told}; remove one")
            continue
        for column, (place, kind) in places.items():
            cell = cells[place].strip()
            if not cell:
                continue
            try:
                rows[column][key] = _value(cell, kind)
            except ValueError as error:
                yield column, Mistake(line, f"{column}: {error}")


def _value(cell: str, kind: ColumnKind) -> Scalar:
    """A cell in the form that conditions compare with.

    Raises:
        ValueError: it is of another kind.
    """
    match kind:
        case "text":
            return cell
        case "number":
            return _number(cell)
        case "boolean":
            if cell.lower() not in ("true", "false"):
                raise ValueError(f"expected true or false, found {found(cell)}")
            return cell.lower() == "true"
        case "timestamp":
            return format_rfc3339(time_us(cell))
        case "date":
            if not is_date(cell):
                raise ValueError(f"expected a date such as 2026-01-31, found {found(cell)}")
            return cell


def _number(cell: str) -> int | float:
    try:
        return int(cell) if cell.lstrip("+-").isdecimal() else _finite(float(cell))
    except (ValueError, OverflowError):
        raise ValueError(f"expected a number such as 12.5, found {found(cell)}") from None


def _finite(value: float) -> float:
    if value - value:  # infinite or no number at all
        raise ValueError
    return value
