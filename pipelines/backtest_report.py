"""What a backtest came to, as data and as a table."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from rich.table import Table

from pipelines.comparison import Alike, Compared, Comparison, Counted


class RefusedEvents(msgspec.Struct, frozen=True):
    """Events of the tape that are none of the changed workspace's, of one type and error.

    Attributes:
        type: None where it cannot be told.
        detail: of one of them, what was expected.
    """

    type: str | None
    error: str
    events: int
    detail: str


class BacktestReport(msgspec.Struct, frozen=True):
    """What a backtest came to; `summary.json`.

    Attributes:
        output: the directory whose tape was read.
        as_of: the event time at which the run ended, and the backtest with it.
        since: decisions made before it are not compared; None for all.
        until: nor those made then or later.
        events: messages read from the tape, copies too; events = decided + those that are refused.
        late: those of the decided that were published too long after their time to be folded.
        total: over all journeys that are compared: whom one of them reached is not gained by another.
    """

    workspace: str
    version: str
    output: str
    as_of: str
    since: str | None
    until: str | None
    events: int
    late: int
    refused: list[RefusedEvents]
    total: Compared
    journeys: dict[str, Compared]


def comparison_table(comparison: Comparison) -> Table:
    """The comparison as a table; counts that are zero on both sides only for what is sent."""
    table = Table()
    table.add_column("")
    for name in ("would be", "was", "difference"):
        table.add_column(name, justify="right")
    for name, compared in comparison.journeys.items():
        _add(table, name, compared)
    if len(comparison.journeys) != 1:
        _add(table, "all journeys", comparison.total)
    return table


def is_alike(comparison: Comparison) -> bool:
    """Whether no count differs."""
    return not any(
        compared.gained.number or compared.lost.number or any(row.difference for _, row in _rows(compared))
        for compared in comparison.journeys.values()
    )


def way_words(way: Alike) -> str:
    """How candidates came out, such as `suppressed at caps: cap`."""
    words = way.outcome.replace("_", " ")
    if way.gate is not None:
        words += f" at {way.gate}"
    return words if way.reason in (way.outcome, way.gate, "passed") else f"{words}: {way.reason}"


def _add(table: Table, name: str, compared: Compared) -> None:
    if table.row_count:
        table.add_section()
    table.add_row(name, style="bold")
    for words, row in _rows(compared):
        style = "" if row.difference else "dim"
        table.add_row(f"  {words}", f"{row.would:,}", f"{row.was:,}", _signed(row.difference), style=style)
        if row is compared.persons:
            if compared.gained.number:
                table.add_row("    who got none", f"{compared.gained.number:,}")
            if compared.lost.number:
                table.add_row("    who would get none", "", f"{compared.lost.number:,}")


def _rows(compared: Compared) -> Iterator[tuple[str, Counted | Alike]]:
    yield "sent", compared.sent
    yield "persons reached", compared.persons
    for way in compared.others:
        yield way_words(way), way


def _signed(number: int) -> str:
    return f"{number:+,}" if number else "0"
