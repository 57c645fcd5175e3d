"""The closing table of a run, as data and as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table

from schemas.errors import CjaasError
from schemas.metrics import Metric
from schemas.timestamps import format_rfc3339
from sinks.output import SUMMARY_NAME


class Summary(msgspec.Struct, frozen=True):
    """What a run came to; `summary.json`.

    Attributes:
        events: messages read; events = valid + the total of dead letters.
        valid: events appended to the tape; valid = rows of the view `tape` + duplicates.
        duplicates: rows on the tape that repeat another's workspace, source, id and day.
        late: events on the tape that were published too long after their time to be folded.
        as_of: the event time at which the run ended, None for a run without events.
    """

    workspace: str
    version: str
    as_of: str | None
    events: int
    valid: int
    dead_letters: dict[str, int]
    duplicates: int
    late: int
    folded: int
    below_floor: int
    conflicts: int
    unknown_fields: int
    ignored_identities: int
    refused_values: int
    overflown: int
    profiles: int
    decisions: dict[str, int]
    actions: dict[str, int]
    seconds: float
    events_per_second: int


def summarize(
    workspace: str,
    version: str,
    as_of_us: int | None,
    counters: dict[str, int],
    tape_rows: int,
    view_rows: int,
    profiles: int,
    seconds: float,
) -> Summary:
    """The summary of a job's counters and of what stands in its outputs.

    Raises:
        CjaasError: the counts do not add up, so that something was lost.
    """
    read = counters.get(Metric.READ, 0)
    valid = counters.get(Metric.VALID, 0)
    dead_letters = _labelled(counters, Metric.DEAD_LETTERS)
    if read != valid + sum(dead_letters.values()):
        raise CjaasError(
            f"read {read} messages, but accepted {valid} and refused {sum(dead_letters.values())}; "
            "the output is not published"
        )
    if valid != tape_rows:
        raise CjaasError(
            f"accepted {valid} events, but the tape has {tape_rows} rows; the output is not published"
        )
    return Summary(
        workspace=workspace,
        version=version,
        as_of=None if as_of_us is None else format_rfc3339(as_of_us),
        events=read,
        valid=valid,
        dead_letters=dead_letters,
        duplicates=tape_rows - view_rows,
        late=counters.get(Metric.LATE, 0),
        folded=counters.get(Metric.FOLDED, 0),
        below_floor=counters.get(Metric.BELOW_FLOOR, 0),
        conflicts=counters.get(Metric.CONFLICTS, 0),
        unknown_fields=counters.get(Metric.UNKNOWN_FIELDS, 0),
        ignored_identities=counters.get(Metric.IGNORED_IDENTITIES, 0),
        refused_values=counters.get(Metric.REFUSED_VALUES, 0),
        overflown=counters.get(Metric.OVERFLOWN, 0),
        profiles=profiles,
        decisions=_labelled(counters, Metric.DECISIONS),
        actions=_labelled(counters, Metric.ACTIONS),
        seconds=round(seconds, 3),
        events_per_second=round(read / max(seconds, 1e-6)),
    )


def write_summary(output: Path, summary: msgspec.Struct) -> None:
    """Writes what a job came to beside its output, to be read by people and machines."""
    text = msgspec.json.format(msgspec.json.encode(summary), indent=2)
    (output / SUMMARY_NAME).write_bytes(text + b"\n")


def read_summary(output: Path) -> Summary:
    """What a run wrote that has ended.

    Raises:
        CjaasError: it is none of a run's.
    """
    path = output / SUMMARY_NAME
    try:
        return msgspec.json.decode(path.read_bytes(), type=Summary)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CjaasError(f"{path}: expected the summary of a `cjaas run`, found another: {error}") from error


def _labelled(counters: dict[str, int], metric: Metric) -> dict[str, int]:
    prefix = f"{metric.value}:"
    return {name.removeprefix(prefix): counters[name] for name in sorted(counters) if name.startswith(prefix)}


_QUIET_AT_ZERO = (
    "below_floor",
    "conflicts",
    "unknown_fields",
    "ignored_identities",
    "refused_values",
    "overflown",
)


def closing_table(summary: Summary) -> Table:
    """The summary as a table; rare counts only where they are not zero."""
    table = Table(show_header=False, title=f"workspace {summary.workspace}", title_justify="left")
    table.add_column()
    table.add_column(justify="right")
    fields: dict[str, Any] = msgspec.to_builtins(summary)
    for name in ("workspace", "version"):
        del fields[name]
    for name, value in fields.items():
        label = name.replace("_", " ")
        if isinstance(value, dict):
            table.add_row(label, f"{sum(value.values()):,}")
            for part, number in value.items():
                table.add_row(f"  {part}", f"{number:,}", style="dim")
        elif name not in _QUIET_AT_ZERO or value:
            table.add_row(label, f"{value:,}" if isinstance(value, int) else str(value))
    return table
