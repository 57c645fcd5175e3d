"""`cjaas down`: ends what `cjaas up` runs."""

from __future__ import annotations

import argparse
import os
import signal
import time
from pathlib import Path

from rich.console import Console

from pipelines.cli.inputs import add_live_output
from pipelines.local.job_directory import clear, left_behind, occupant
from schemas.errors import CjaasError

_PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.1


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "down", help="end what `up` runs", description="Ends a job that `cjaas up` runs, as Ctrl-C does."
    )
    add_live_output(parser)
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Asks it to end, and waits until it has; clears up after one that was killed.

    Raises:
        CjaasError: nothing is up there, or it does not end.
    """
    output: Path = arguments.output
    pid = occupant(output)
    if pid is None:
        left = left_behind(output)
        if not left:
            raise CjaasError(f"--output {output}: no job is up there")
        clear(output)
        console.print(
            f"No job is up in {output}: it did not end in order. Removed what it left: {', '.join(left)}.",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        return 0
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while occupant(output) is not None:
        if time.monotonic() > deadline:
            raise CjaasError(f"process {pid} did not end within {_PATIENCE_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
    console.print(f"Ended process {pid}.")
    return 0
