"""`cjaas sql`: SQL over the tape and what stands beside it."""

from __future__ import annotations

import argparse
import sys
from base64 import b64encode
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from pipelines.cli.inputs import add_output, output_of
from schemas.errors import UsageError

_SHOWN_ROWS = 1_000
_LEAST_WIDTH = 12
_ENCODER = msgspec.json.Encoder(decimal_format="number", enc_hook=str)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "sql",
        help="query tape, decisions, dead_letters and profiles",
        description="Runs one query, in DuckDB's SQL or on a running job in BigQuery's, over the views "
        "tape (each event once), tape_raw (each copy), "
        "decisions, dead_letters and, of a run, profiles. Filter on `date` to read those days alone. "
        "With --json it prints one object a line, numbers exact.",
    )
    parser.add_argument("query", metavar="QUERY", help="the query")
    add_output(parser)
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Prints the answer: a table, or with --json one object a line.

    Raises:
        UsageError: --json, and two columns have one name.
        CjaasError: the query is wrong, or does more than read.
    """
    from pipelines.stores import journal_of

    with journal_of(output_of(arguments)) as journal:
        result = journal.sql(arguments.query)
    if arguments.json:
        repeated = [name for name in result.columns if result.columns.count(name) > 1]
        if repeated:
            raise UsageError(
                f"--json: expected columns of different names, found {repeated[0]} twice; name one with AS"
            )
        for row in result.rows:
            values = dict(zip(result.columns, map(_plain, row), strict=True))
            sys.stdout.write(_ENCODER.encode(values).decode() + "\n")
        return 0
    rows = result.rows[:_SHOWN_ROWS]
    if len(result.columns) * _LEAST_WIDTH > console.width:
        for number, row in enumerate(rows, 1):
            console.print(_record(number, result.columns, row), markup=False)
    else:
        table = Table(*(Column(Text(name), overflow="fold") for name in result.columns))
        for row in rows:
            table.add_row(*(Text(_text(value)) for value in row))
        console.print(table)
    if len(result.rows) > _SHOWN_ROWS:
        console.print(f"{_SHOWN_ROWS:,} of {len(result.rows):,} rows; --json prints all")
    return 0


def _record(number: int, columns: tuple[str, ...], row: tuple[Any, ...]) -> Table:
    """One row of many columns, a column a line."""
    table = Table(show_header=False, title=f"row {number}", title_justify="left")
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in zip(columns, row, strict=True):
        table.add_row(Text(name), Text(_text(value)))
    return table


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat(sep=" ").replace("+00:00", "Z")
    return value.decode(errors="backslashreplace") if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    """A value as JSON has it: bytes are text where they are UTF-8, else `{"base64": ...}`."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"base64": b64encode(value).decode()}
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC)
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 64:
        return Decimal(value)
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    return value
