"""Tables of text as the rows of a log: with a delimiter, parted by blanks, or by place."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

from schemas.errors import InputError
from schemas.mapping import BadRow, Layout, LogRow

_LINE_LIMIT = 16 << 20


class TableLog:
    """A table of text. Lines that hold bytes outside the encoding make a bad row, not the end."""

    def __init__(self, content: BinaryIO, path: Path, layout: Layout) -> None:
        self._path = path
        self._layout = layout
        self._content = content
        self._line = 0
        self._undecodable = False

    def rows(self, needed: Sequence[str]) -> Iterator[LogRow | BadRow]:
        """The rows in the file's order.

        Raises:
            InputError: a needed column is missing, the header is no header, or a line has no end.
        """
        encoding = self._layout.encoding
        with io.TextIOWrapper(self._content, encoding, "surrogateescape", newline="") as text:
            yield from self._rows(self._lines(text), needed)

    def _rows(self, lines: Iterator[str], needed: Sequence[str]) -> Iterator[LogRow | BadRow]:
        for _ in range(self._layout.skip_lines):
            next(lines, None)
        self._undecodable = False
        if isinstance(self._layout.columns, dict):
            yield from self._fixed(lines, self._layout.columns, needed)
            return
        records = self._records(lines)
        names = self._layout.columns
        if self._layout.has_header:
            line, header = next(records, (self._line, []))
            if isinstance(header, str):
                raise InputError(f"{self._path}:{line}: the header: {header}")
            names = header
            self._check_header(names, line)
        number = 0
        for line, fields in records:
            number += 1
            if names is None:
                names = [str(place) for place in range(1, len(fields) + 1)]
            if number == 1:
                self._check_needed(names, needed)
            if isinstance(fields, str):
                yield BadRow(number, line, None, fields)
            elif self._undecodable:
                yield BadRow(number, line, fields, self._not_text())
            elif len(fields) != len(names):
                yield BadRow(number, line, fields, f"expected {len(names)} fields, found {len(fields)}")
            else:
                yield LogRow(number, line, dict(zip(names, fields, strict=True)))
        if number == 0 and names is not None:
            self._check_needed(names, needed)

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        for line in iter(partial(text.readline, _LINE_LIMIT), ""):
            self._line += 1
            if len(line) >= _LINE_LIMIT:
                raise InputError(
                    f"{self._path}:{self._line}: expected lines under {_LINE_LIMIT >> 20} MiB: "
                    "is the format right?"
                )
            if not line.isascii() and not self._undecodable:
                self._undecodable = any("\udc80" <= character <= "\udcff" for character in line)
            yield line

    def _records(self, lines: Iterator[str]) -> Iterator[tuple[int, list[str] | str]]:
        """The line each record begins on, and its fields, or what is wrong with it; blank ones left out."""
        if self._layout.format == "whitespace":
            for line in lines:
                if fields := line.split():
                    yield self._line, fields
                    self._undecodable = False
            return
        quote = None if self._layout.quote == "none" else self._layout.quote
        reader = csv.reader(
            lines,
            delimiter=self._layout.delimiter,
            quotechar=quote,
            quoting=csv.QUOTE_NONE if quote is None else csv.QUOTE_MINIMAL,
            strict=True,
        )
        while True:
            first = self._line + 1
            record: list[str] | str | None
            try:
                record = next(reader, None)
            except csv.Error as error:
                record = f"not a row of this table: {error}"
            if record is None:
                return
            if record:
                yield first, record
            self._undecodable = False

    def _fixed(
        self, lines: Iterator[str], columns: dict[str, list[int]], needed: Sequence[str]
    ) -> Iterator[LogRow | BadRow]:
        self._check_needed(list(columns), needed)
        slices = {name: slice(first - 1, last) for name, (first, last) in columns.items()}
        # The last column may be cut short, as trailing blanks often are; no column may be missing.
        least = max(first for first, _ in columns.values())
        number = 0
        for line in lines:
            text = line.rstrip("\r\n")
            if not text.strip():
                continue
            number += 1
            if self._undecodable:
                yield BadRow(number, self._line, text, self._not_text())
                self._undecodable = False
            elif len(text) < least:
                yield BadRow(
                    number, self._line, text, f"expected {least} characters or more, found {len(text)}"
                )
            else:
                values = {name: text[place].strip() for name, place in slices.items()}
                yield LogRow(number, self._line, values)

    def _check_header(self, names: Sequence[str], line: int) -> None:
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(
                f"{self._path}:{line}: the header names {', '.join(twice)} more than once: "
                "give the names in the mapping's read.columns, with skip_lines for the header"
            )

    def _check_needed(self, names: Sequence[str], needed: Sequence[str]) -> None:
        missing = [name for name in needed if name not in names]
        if missing:
            raise InputError(
                f"{self._path}: expected the mapping's column {', '.join(missing)}, "
                f"found the columns {', '.join(names) or '(none)'}: correct the mapping or its read options"
            )

    def _not_text(self) -> str:
        return f"expected {self._layout.encoding} text, found other bytes: see read.encoding"
