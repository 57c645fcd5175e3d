"""A run that has ended, whose events are decided about again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pipelines.comparison import NO_JOURNEY, Told
from pipelines.summary import Summary, read_summary
from pipelines.version import VERSION
from schemas.errors import CjaasError, UsageError
from schemas.journal import Journal
from schemas.timestamps import format_rfc3339
from schemas.workspace import Workspace
from schemas.workspace.phrases import listed, unknown
from sinks.tape_files import TapeFiles
from sinks.warehouse import Warehouse
from transforms.core.decode import Decoder


def check_run(workspace: Workspace, output: Path, tape: TapeFiles) -> Summary:
    """What the run wrote down, once it is known to be one of this workspace.

    Raises:
        UsageError: it has no tape, or is another workspace's.
        CjaasError: its tape is empty, or names persons in another way.
    """
    if not tape.directory.is_dir():
        raise UsageError(
            f"--output {output}: expected the output of a `cjaas run`, found no tape in it; "
            "name the directory of a run that had events"
        )
    summary = read_summary(output)
    if summary.workspace != workspace.name:
        raise UsageError(
            f"--output {output}: expected the output of workspace {workspace.name}, "
            f"found that of {summary.workspace}; name another --workspace or --output"
        )
    splits = tape.splits()
    if not splits or summary.as_of is None:
        raise CjaasError(f"{tape.directory}: expected events on the tape, found none")
    batch, person_ids = tape.read_named(splits[0])
    named = dict(zip(batch.message_ids, person_ids, strict=True))
    events = Decoder(workspace, VERSION).decode(batch).events
    if events and all(event.person_id != named[event.message_id] for event in events):
        raise CjaasError(
            f"{workspace.directory}: expected the secret and the namespaces of the run, found others: every "
            "person would be another one; take them from the workspace that the run was of"
        )
    return summary


def journeys_of(workspace: Workspace, output: Path, chosen: Sequence[str] | None) -> list[str]:
    """The names of the journeys to compare.

    Raises:
        UsageError: neither the workspace nor the run has a journey of a name.
    """
    with Warehouse(output) as warehouse:
        rows = warehouse.sql("SELECT DISTINCT journey FROM decisions WHERE journey IS NOT NULL").rows
    known = sorted({journey.name for journey in workspace.versions()} | {name for (name,) in rows})
    for name in chosen or ():
        if name not in known:
            raise UsageError(f"--journey: {unknown('journey', name, known, f'there is {listed(known)}')}")
    return list(chosen) if chosen else [*known, NO_JOURNEY]


def told_by(journal: Journal, since_us: int | None, until_us: int | None) -> Iterator[Told]:
    """The decisions of a job, those alike together.

    Args:
        since_us: those made before it are left out; None for all.
        until_us: those made then or later are left out; None for all.
    """
    bounds = [
        f"as_of {op} TIMESTAMPTZ '{format_rfc3339(time_us)}'"
        for op, time_us in ((">=", since_us), ("<", until_us))
        if time_us is not None
    ]
    where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
    query = f"SELECT journey, outcome, gate, reason, person_id, count(*) FROM decisions{where} GROUP BY ALL"
    return map(Told._make, journal.sql(query).rows)
