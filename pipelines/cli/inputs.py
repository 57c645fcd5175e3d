"""What several commands read from their arguments."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

from pipelines.live_config import LIVE_NAME, LiveConfig, read_live_config
from pipelines.local.job_directory import left_behind
from schemas.errors import UsageError
from schemas.timestamps import parse_rfc3339
from schemas.workspace import Workspace, load_workspace
from sinks.output import SUMMARY_NAME, under_way

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def workspace_of(arguments: argparse.Namespace) -> Workspace:
    """The workspace that `--workspace` names.

    Raises:
        UsageError: it is not given.
        WorkspaceError: it has mistakes.
    """
    return load_workspace(directory_of(arguments), os.environ)


def directory_of(arguments: argparse.Namespace) -> Path:
    """The directory that `--workspace` names.

    Raises:
        UsageError: it is not given.
    """
    if arguments.workspace is None:
        raise UsageError("expected --workspace DIR, the directory with workspace.yaml, found none")
    directory: Path = arguments.workspace
    return directory


def output_of(arguments: argparse.Namespace) -> Path:
    """The output directory of an earlier run, or of a job that is up.

    Raises:
        UsageError: it is none, or the job was killed.
    """
    output: Path = arguments.output
    _check_not_killed(output)
    if not (output / SUMMARY_NAME).is_file() and not (output / LIVE_NAME).is_file():
        raise UsageError(
            f"--output {output}: expected the output of `cjaas run`, found no summary.json in it; "
            "run `cjaas run` or `cjaas up` first, or name another directory"
        )
    return output


def ended_output_of(arguments: argparse.Namespace) -> Path:
    """The output directory of a run that has ended.

    Raises:
        UsageError: it is none, or of a job that is under way.
    """
    output: Path = arguments.output
    if (output / LIVE_NAME).is_file():
        raise UsageError(
            f"--output {output}: expected the output of a `cjaas run` that has ended, "
            "found a job that is up; name a run's directory"
        )
    if not (output / SUMMARY_NAME).is_file() and under_way(output):
        raise UsageError(
            f"--output {output}: expected the output of a `cjaas run` that has ended, "
            "found one that is under way or was killed; wait for its end, or run it again"
        )
    return output_of(arguments)


def add_output(parser: argparse.ArgumentParser) -> None:
    """Adds `--output`, the directory that a run wrote."""
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("out"),
        metavar="DIR",
        help="what `cjaas run` wrote, or where `cjaas up` is (default: out)",
    )


def live_config_of(arguments: argparse.Namespace) -> LiveConfig:
    """The job that is up in the directory that `--output` names.

    Raises:
        UsageError: there is none, or it was killed.
        CjaasError: its description cannot be read.
    """
    output: Path = arguments.output
    _check_not_killed(output)
    path = output / LIVE_NAME
    if not path.is_file():
        raise UsageError(
            f"--output {output}: expected a job that is up, found no {LIVE_NAME} in it; run `cjaas up` first"
        )
    return read_live_config(path)


def _check_not_killed(output: Path) -> None:
    """Whoever asks services that are gone would wait for long."""
    if left_behind(output):
        raise UsageError(
            f"--output {output}: expected a job that is up, found what one left that was killed; "
            "run `cjaas down`, then `cjaas up`"
        )


def add_live_output(parser: argparse.ArgumentParser) -> None:
    """Adds `--output`, the directory of a job that is up."""
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("out/live"),
        metavar="DIR",
        help="where `cjaas up` keeps the job's description and its logs (default: out/live)",
    )


def program() -> str:
    """How to call the command line from here: its name where the path finds it, else as it was called."""
    called = sys.argv[0]
    found = shutil.which("cjaas")
    if Path(called).name != "cjaas" or (found and os.path.realpath(found) == os.path.realpath(called)):
        return "cjaas"
    return shlex.quote(called)


def parse_as_of(text: str) -> int:
    """The microseconds of a date (its start in UTC) or an RFC 3339 timestamp.

    Raises:
        ArgumentTypeError: it is neither.
    """
    try:
        return parse_rfc3339(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{error}, or a date such as 2026-01-31") from None
