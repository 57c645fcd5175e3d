"""`cjaas run`: the journey job over event files, on this machine."""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from pipelines.cli.inputs import parse_as_of, workspace_of
from pipelines.summary import Summary, closing_table, summarize
from pipelines.version import VERSION
from schemas.errors import CjaasError
from schemas.workspace import Workspace
from sinks.event_files import EventFiles, find_files
from sinks.output import SUMMARY_NAME, OutputDirectory
from sinks.progress_file import ProgressFile

if TYPE_CHECKING:
    from pipelines.journey import JourneySinks

SLICE_BYTES = 16 * 1024 * 1024
"""As much raw input as the persons of one slice of a shard may have sent."""
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
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes to run in (default: 1)"
    )
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Runs the job and prints its closing table.

    Raises:
        CjaasError: an input, the workspace or the output is not as it must be; no output is left then.
    """
    workspace = workspace_of(arguments)
    paths = find_files(arguments.input)
    reads = [*map(Path, paths), workspace.directory]
    output = OutputDirectory(arguments.output, arguments.overwrite, reads)
    source = EventFiles(tuple(paths))
    started = time.perf_counter()
    partial = output.start()
    try:
        counters = _run(workspace, source, partial, arguments)
        summary = _finish(workspace, partial, counters, arguments, started)
        output.publish()
    except OSError as error:
        raise CjaasError(f"{error.filename or arguments.output}: {error.strerror or error}") from error
    finally:
        output.discard()
    if arguments.json:
        console.print(msgspec.json.encode(summary).decode(), markup=False, highlight=False, soft_wrap=True)
    else:
        console.print(closing_table(summary))
        _print_next(arguments, summary, console)
    return 0


def _run(
    workspace: Workspace, source: EventFiles, partial: Path, arguments: argparse.Namespace
) -> dict[str, int]:
    # Beam is imported here: no other command waits for it.
    from pipelines.local_runner import run_bounded  # isort: skip (quiets Beam before it is imported)
    from pipelines.journey import JourneyConfig, build

    size_bytes = sum(
        os.path.getsize(split.path) * _GZIP_FACTOR if split.end is None else split.end - split.start
        for split in source.splits()
    )
    slices = 1 + size_bytes // (workspace.shards * SLICE_BYTES)
    config = JourneyConfig(workspace, VERSION, slices, arguments.as_of)
    progress = ProgressFile(partial / ".progress")
    sinks = _sinks(partial, progress)
    counters: dict[str, int] = {}

    def run() -> None:
        counters.update(
            run_bounded(lambda pipeline: build(pipeline, config, source, sinks), arguments.workers)
        )

    _watch(run, progress, source)
    progress.path.unlink(missing_ok=True)
    return counters


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


def _watch(run: Callable[[], None], progress: ProgressFile, source: EventFiles) -> None:
    """Runs a job in a thread of its own and shows on a terminal how far it has come.

    Ctrl-C ends the process at once: the job's thread cannot be stopped, and what it wrote so far lies in
    a directory that nobody takes for an output.
    """
    raised: list[BaseException] = []

    def body() -> None:
        try:
            run()
        except BaseException as error:  # noqa: BLE001 (handed on to the waiting thread)
            raised.append(error)

    job = threading.Thread(target=body, name="job", daemon=True)
    job.start()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
    )
    shown = Console(stderr=True)
    with Progress(*columns, console=shown, transient=True, disable=not shown.is_terminal) as bar:
        plain = all(split.end is not None for split in source.splits())
        task = bar.add_task("reading", total=source.size_bytes() if plain else None, counts="")
        while job.is_alive():
            job.join(0.1)
            read = progress.read()
            counts = f"{read.messages:,} events, {read.dead_letters:,} dead letters"
            folding = plain and read.size_bytes >= source.size_bytes()
            bar.update(
                task,
                completed=read.size_bytes,
                counts=counts,
                description="folding" if folding else "reading",
            )
    if raised:
        raise raised[0]


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
    profiles = sum(1 for _ in store.scan())
    store.close()
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
    text = msgspec.json.format(msgspec.json.encode(summary), indent=2)
    (partial / SUMMARY_NAME).write_bytes(text + b"\n")
    return summary


def _print_next(arguments: argparse.Namespace, summary: Summary, console: Console) -> None:
    """Names commands that show what the run made, ready to be pasted."""
    options = f"--workspace {arguments.workspace} --output {arguments.output}"
    lines = [
        f'cjaas sql {options} "select type, count(*) from tape group by all order by 2 desc"',
        f"cjaas profiles {options} | head",
    ]
    example = _example_action(arguments.output)
    if example is not None:
        action_id, person_id = example
        lines += [f"cjaas explain {action_id} {options}", f"cjaas profile {person_id} {options}"]
    if summary.dead_letters:
        lines.append(
            f'cjaas sql {options} "select error, any_value(detail) from dead_letters group by error"'
        )
    console.print("\nLook next:")
    for line in lines:
        console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True)


def _example_action(output: Path) -> tuple[str, str] | None:
    for path in sorted((output / "actions").glob("*.ndjson")):
        with path.open("rb") as lines:
            first: dict[str, Any] = msgspec.json.decode(next(lines))
        return first["action_id"], first["person_id"]
    return None
