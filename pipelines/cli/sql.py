"""`cjaas sql`: SQL over the tape and what stands beside it."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table

from pipelines.cli.inputs import add_output, output_of

_SHOWN_ROWS = 1_000


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "sql",
        help="query tape, decisions, dead_letters and profiles",
        description="Runs one DuckDB query over the views tape (each event once), tape_raw (each copy), "
        "decisions, dead_letters and profiles. Filter on `date` to read those days alone.",
    )
    parser.add_argument("query", metavar="QUERY", help="the query")
    add_output(parser)
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Prints the answer: a table, or with --json one object a line."""
    from sinks.warehouse import Warehouse

    with Warehouse(output_of(arguments)) as warehouse:
        result = warehouse.sql(arguments.query)
    if arguments.json:
        for row in result.rows:
            sys.stdout.write(json.dumps(dict(zip(result.columns, row, strict=True)), default=_plain) + "\n")
        return 0
    table = Table(*result.columns)
    for row in result.rows[:_SHOWN_ROWS]:
        table.add_row(*(_text(value) for value in row))
    console.print(table, markup=False)
    if len(result.rows) > _SHOWN_ROWS:
        console.print(f"{_SHOWN_ROWS:,} of {len(result.rows):,} rows; --json prints all")
    return 0


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
