"""Rows of a company's own logs, as they are read from its files."""

from __future__ import annotations

from typing import Any

import msgspec


class LogRow(msgspec.Struct, frozen=True, gc=False):
    """One row that could be taken apart.

    Attributes:
        number: the row's place in its file, from 1; headers, skipped lines and blank lines don't count.
        line: the line it begins on, from 1; None in formats without lines.
        values: by column. Tables of text have text; JSON has JSON values, fractions as Decimal;
            Parquet has Python's own values.
    """

    number: int
    line: int | None
    values: dict[str, Any]


class BadRow(msgspec.Struct, frozen=True, gc=False):
    """One row that could not be taken apart.

    Attributes:
        number: as in `LogRow`: a bad row has its place too.
        line: as in `LogRow`.
        content: what was found, as text or as the list of its fields.
        reason: what was expected and what was found.
    """

    number: int
    line: int | None
    content: Any
    reason: str
