"""How a command runs a bounded job on this machine: into a directory that is there whole or not at all."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipelines.cli.progress import shown
from pipelines.interruption import Interruption
from schemas.errors import CjaasError, UsageError
from sinks.output import OutputDirectory
from sinks.progress_file import ProgressFile

if TYPE_CHECKING:
    import apache_beam as beam

T = TypeVar("T")

SLICE_BYTES = 16 * 1024 * 1024
"""As much raw input as the persons of one slice of a shard may have sent."""
_MOST_WORKERS = 64


def add_workers(parser: argparse.ArgumentParser) -> None:
    """Adds `--workers`."""
    parser.add_argument(
        "--workers", type=int, default=1, metavar="N", help="processes to run in (default: 1)"
    )


def check_workers(arguments: argparse.Namespace) -> None:
    """Refuses a number of processes that is none.

    Raises:
        UsageError: it is less than one, or more than any machine's.
    """
    if not 1 <= arguments.workers <= _MOST_WORKERS:
        raise UsageError(
            f"--workers: expected a number from 1 to {_MOST_WORKERS}, found {arguments.workers}; "
            "as many as the machine has cores is best"
        )


def slices_of(size_bytes: int, shards: int) -> int:
    """How many slices of whole persons a shard is folded in, of so much raw input."""
    return 1 + size_bytes // (shards * SLICE_BYTES)


def filled(output: OutputDirectory, fill: Callable[[Path, Interruption], T]) -> T:
    """Makes an output: what fills it either ends well, or leaves nothing.

    Args:
        fill: is given the directory to write to, and what ends it early.

    Raises:
        CjaasError: the output cannot stand there, or what fills it failed.
        Interrupted: a signal asked to end.
    """
    with Interruption() as interruption:
        partial = output.start()
        try:
            with interruption.raising():
                result = fill(partial, interruption)
            output.publish()
        except OSError as error:
            raise CjaasError(f"{error.filename or output.path}: {error.strerror or error}") from error
        finally:
            output.discard()
    return result


def run_shown(
    build: Callable[[beam.Pipeline, ProgressFile], object],
    partial: Path,
    workers: int,
    total_bytes: int | None,
    interruption: Interruption,
) -> dict[str, int]:
    """Runs a pipeline to its end, and shows how far it has come.

    Args:
        build: adds the job's steps, which tell the file of their progress.
        partial: where the job writes.
        total_bytes: how much there is to read, None where it cannot be told.

    Returns:
        The job's counters, by name.

    Raises:
        CjaasError: what a step raised, told as it was.
    """
    from pipelines.local_runner import run_bounded
    from pipelines.worker_processes import WorkerProcesses

    progress = ProgressFile(partial / ".progress")
    with ExitStack() as stack:
        processes = None
        if workers > 1:
            processes = WorkerProcesses(workers, partial / ".workers", interruption.fail)
            interruption.listen(processes.end)
            stack.enter_context(processes)
        stack.enter_context(shown(progress, total_bytes))
        counters = run_bounded(lambda pipeline: build(pipeline, progress), processes)
    progress.path.unlink(missing_ok=True)
    return counters
