"""`cjaas run`: the journey job over event files, on this machine."""

from __future__ import annotations

import argparse
import os
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console

from pipelines.cli.bounded import add_workers, check_workers, filled, run_shown, slices_of
from pipelines.cli.inputs import parse_as_of, program, workspace_of
from pipelines.interruption import Interruption
from pipelines.silence import silence_logs
from pipelines.summary import Summary, closing_table, summarize, write_summary
from pipelines.version import VERSION
from schemas.workspace import Workspace
from sinks.event_files import EventFiles, find_files
from sinks.output import OutputDirectory
from sinks.progress_file import ProgressFile

if TYPE_CHECKING:
    from pipelines.journey import JourneySinks

_GZIP_FACTOR = 8


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "run",
        help="run the journey job over event files",
        description="Reads event files; writes tape, profiles, decisions, actions and dead letters.",
    )
    parser.add_argument(
        "--input", nargs="+", required=True, metavar="FILE", help="event files (NDJSON, plain or gzip)"
    )
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="where everything goes")
    parser.add_argument("--overwrite", action="store_true", help="replace an output that exists")
    parser.add_argument(
        "--as-of",
        type=parse_as_of,
        metavar="TIME",
        help="the event time at which the run ends; waits due later stay pending "
        "(default: the greatest publish time)",
    )
    add_workers(parser)
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Runs the job and prints its closing table.

    Raises:
        CjaasError: an input, the workspace or the output is not as it must be; no output is left then.
        Interrupted: a signal asked to end; no output is left then either.
    """
    check_workers(arguments)
    workspace = workspace_of(arguments)
    paths = find_files(arguments.input)
    reads = [*map(Path, paths), workspace.directory]
    output = OutputDirectory(arguments.output, arguments.overwrite, reads)
    source = EventFiles(tuple(paths))
    started = time.perf_counter()

    def fill(partial: Path, interruption: Interruption) -> Summary:
        counters = _run(workspace, source, partial, arguments, interruption)
        return _finish(workspace, partial, counters, arguments, started)

    summary = filled(output, fill)
    if arguments.json:
        console.print(msgspec.json.encode(summary).decode(), markup=False, highlight=False, soft_wrap=True)
    else:
        console.print(closing_table(summary))
        _print_next(arguments, summary, console)
    return 0


def _run(
    workspace: Workspace,
    source: EventFiles,
    partial: Path,
    arguments: argparse.Namespace,
    interruption: Interruption,
) -> dict[str, int]:
    silence_logs()
    # Beam is imported here: no other command waits for it.
    from pipelines.journey import JourneyConfig, build
    from transforms.read_events import ReadEvents

    splits = source.splits()
    size_bytes = sum(
        os.path.getsize(split.path) * _GZIP_FACTOR if split.end is None else split.end - split.start
        for split in splits
    )
    slices = slices_of(size_bytes, workspace.shards)
    config = JourneyConfig(workspace, VERSION, slices=slices, as_of_us=arguments.as_of)
    # How much of a packed file has been read cannot be told from what came out of it.
    plain = all(split.end is not None for split in splits)
    return run_shown(
        lambda pipeline, progress: build(pipeline, config, ReadEvents(source), _sinks(partial, progress)),
        partial,
        arguments.workers,
        source.size_bytes() if plain else None,
        interruption,
    )


def _sinks(partial: Path, progress: ProgressFile) -> JourneySinks:
    from pipelines.journey import JourneySinks
    from sinks.action_files import FilePublisher
    from sinks.dead_letter_files import DeadLetterFiles
    from sinks.parquet_tape import ParquetTape
    from sinks.sqlite_profiles import SqliteProfiles

    return JourneySinks(
        tape=ParquetTape(partial / "tape"),
        dead_letters=DeadLetterFiles(partial / "dead_letters"),
        store=SqliteProfiles(partial / "profiles.sqlite"),
        publisher=FilePublisher(partial),
        progress=progress,
    )


def _finish(
    workspace: Workspace,
    partial: Path,
    counters: dict[str, int],
    arguments: argparse.Namespace,
    started: float,
) -> Summary:
    from sinks.action_files import FilePublisher
    from sinks.sqlite_profiles import SqliteProfiles
    from sinks.warehouse import Warehouse

    FilePublisher(partial).finish()
    store = SqliteProfiles(partial / "profiles.sqlite")
    profiles = store.count()
    store.finish()
    with Warehouse(partial) as warehouse:
        counts = warehouse.counts()
        newest = warehouse.sql("SELECT epoch_us(max(publish_time)) FROM tape_raw").rows[0][0]
    summary = summarize(
        workspace.name,
        VERSION,
        arguments.as_of if arguments.as_of is not None else newest,
        counters,
        counts.rows,
        counts.events,
        profiles,
        time.perf_counter() - started,
    )
    write_summary(partial, summary)
    return summary


def _print_next(arguments: argparse.Namespace, summary: Summary, console: Console) -> None:
    """Names commands that show what the run made, ready to be pasted."""
    cjaas = program()
    where = shlex.join(["--workspace", str(arguments.workspace), "--output", str(arguments.output)])
    lines = [f'{cjaas} sql "SELECT type, count(*) AS events FROM tape GROUP BY type ORDER BY 2 DESC" {where}']
    example = _example_action(arguments.output)
    if example is not None:
        action_id, person_id = example
        lines += [
            f"{cjaas} explain {action_id} {where}",
            f"{cjaas} explain --person {person_id} {where}",
            f"{cjaas} profile {person_id} {where}",
        ]
    elif summary.profiles:
        lines.append(f"{cjaas} profiles {where} | head -3")
    if summary.dead_letters:
        lines.append(
            f'{cjaas} sql "SELECT error, count(*) AS messages, any_value(detail) AS example'
            f' FROM dead_letters GROUP BY error ORDER BY 2 DESC" {where}'
        )
    console.print(f"Written to {arguments.output}.", markup=False, highlight=False, soft_wrap=True)
    console.print("\nLook next:")
    for line in lines:
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


def _example_action(output: Path) -> tuple[str, str] | None:
    """The id of an action and of its person; None where nothing was sent."""
    for path in sorted((output / "actions").glob("*.ndjson")):
        with path.open("rb") as lines:
            first: dict[str, Any] = msgspec.json.decode(next(lines))
        return first["action_id"], first["person_id"]
    return None
