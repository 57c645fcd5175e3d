"""`cjaas generate`: a firehose of any size for any workspace, the same bytes for the same seed."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import IO, Any

from rich.console import Console
from rich.table import Table

from schemas.errors import InputError, UsageError
from schemas.timestamps import parse_rfc3339
from schemas.workspace import Workspace, load_workspace
from transforms.generate import Firehose, Plan, Realism, read_realism

REALISM_FILE = "generate.yaml"
_STDOUT = "-"
_LINES_A_WRITE = 2000
_PACKING = 4
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "generate",
        help="write a file of made-up events for a workspace",
        description="Writes structured CloudEvents, one a line, with values made from the workspace's "
        f"schemas and, where it has one, its {REALISM_FILE}; with duplicates, late and broken ones, all "
        "counted exactly. The same options give the same bytes.",
    )
    parser.add_argument("--events", type=int, required=True, metavar="N", help="lines in all")
    parser.add_argument(
        "--output",
        required=True,
        metavar="FILE",
        help="FILE.ndjson, FILE.ndjson.gz, or - for standard output",
    )
    parser.add_argument(
        "--seed", type=int, default=1, metavar="S", help="another seed, other events (default: 1)"
    )
    parser.add_argument("--people", type=int, metavar="P", help="how many people (default: N/20)")
    parser.add_argument(
        "--start",
        default="2026-01-01",
        metavar="T",
        help="the period's start, date or RFC 3339 (default: 2026-01-01)",
    )
    parser.add_argument(
        "--days", type=float, default=30.0, metavar="D", help="the period's length (default: 30)"
    )
    for name, share, what in (
        ("duplicates", 0.02, "are copies of others"),
        ("late", 0.01, "were published later than the allowed lateness"),
        ("broken", 0.01, "are no valid events"),
    ):
        parser.add_argument(
            f"--{name}",
            type=float,
            default=share,
            metavar="SHARE",
            help=f"of the lines, {what} (default: {share})",
        )
    parser.add_argument(
        "--types",
        nargs="+",
        metavar="TYPE[=WEIGHT]",
        help="the event types that occur, and how often against each other (default: as the workspace says)",
    )
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Writes the firehose; the counts go to standard error, or with `--json` to the console; 0.

    Raises:
        CjaasError: the workspace or the command has mistakes, or the file can't be written; no part of
            a file is left behind then.
    """
    if arguments.workspace is None:
        raise UsageError("generate: expected --workspace DIR, found none; name the workspace's directory")
    workspace = load_workspace(Path(arguments.workspace), os.environ)
    realism_path = workspace.directory / REALISM_FILE
    realism = read_realism(realism_path, workspace) if realism_path.exists() else Realism()
    firehose = Firehose(workspace, realism, read_plan(arguments, workspace))
    if arguments.output == _STDOUT:
        _write(firehose.lines(), sys.stdout.buffer)
        sys.stdout.buffer.flush()
    else:
        try:
            write_file(firehose.lines(), Path(arguments.output))
        except OSError as error:
            raise InputError(f"{arguments.output}: cannot be written: {error.strerror or error}") from error
    errors = Console(stderr=True)
    report = asdict(firehose.tally)
    if arguments.json:
        target = errors if arguments.output == _STDOUT else console
        target.print(json.dumps(report), markup=False, highlight=False, soft_wrap=True)
    else:
        errors.print(_table(report))
    return 0


def read_plan(arguments: argparse.Namespace, workspace: Workspace) -> Plan:
    """The plan that the command's options describe.

    Raises:
        UsageError: an option is out of its range, or names a type that the workspace doesn't have.
    """
    if arguments.events < 0:
        raise UsageError(f"--events: expected a number of 0 or more, found {arguments.events}")
    if arguments.seed < 0:
        raise UsageError(f"--seed: expected a number of 0 or more, found {arguments.seed}")
    people = max(1, arguments.events // 20) if arguments.people is None else arguments.people
    if people < 1:
        raise UsageError(f"--people: expected a number of 1 or more, found {people}")
    if not 0 < arguments.days <= 36_500:
        raise UsageError(f"--days: expected more than 0 and at most 36500, found {arguments.days:g}")
    shares = {name: getattr(arguments, name) for name in ("duplicates", "late", "broken")}
    for name, share in shares.items():
        if not 0 <= share <= 1:
            raise UsageError(f"--{name}: expected a share from 0 to 1, found {share:g}")
    if sum(shares.values()) > 1:
        raise UsageError(
            f"--duplicates, --late and --broken: expected at most 1 together, found {sum(shares.values()):g}"
        )
    start = arguments.start
    try:
        start_us = parse_rfc3339(f"{start}T00:00:00Z" if _DATE.fullmatch(start) else start)
    except ValueError:
        raise UsageError(
            f"--start: expected a date or an RFC 3339 time such as 2026-01-01, found {start!r}"
        ) from None
    return Plan(
        events=arguments.events,
        seed=arguments.seed,
        people=people,
        start_us=start_us,
        days=arguments.days,
        weights=None if arguments.types is None else _read_weights(arguments.types, workspace),
        **shares,
    )


def _read_weights(words: list[str], workspace: Workspace) -> dict[str, float]:
    known = workspace.registry.types()
    weights = {}
    for word in ",".join(words).split(","):
        name, _, weight = word.partition("=")
        if name not in known:
            raise UsageError(f"--types: expected event types of {', '.join(known)}; found {name!r}")
        try:
            weights[name] = float(weight or 1)
        except ValueError:
            weights[name] = -1.0
        if not 0 <= weights[name] < float("inf"):
            raise UsageError(f"--types: expected TYPE=WEIGHT with a weight of 0 or more, found {word!r}")
    return weights


def write_file(lines: Iterable[bytes], path: Path) -> None:
    """Writes a file that takes its name when it is whole; gzipped, with no time in it, for a name in .gz.

    Raises:
        UsageError: the name ends neither in .ndjson nor in .ndjson.gz.
        OSError: it can't be written.
    """
    if not path.name.endswith((".ndjson", ".ndjson.gz")):
        raise UsageError(f"--output: expected FILE.ndjson, FILE.ndjson.gz or -, found {str(path)!r}")
    with _replacing(path) as file:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", _PACKING, file, mtime=0) as packed:
                _write(lines, packed)
        else:
            _write(lines, file)


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb", buffering=1 << 20) as file:
            yield file
        partial.replace(path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def _write(lines: Iterable[bytes], file: IO[bytes] | gzip.GzipFile) -> None:
    remaining = iter(lines)
    while some := list(islice(remaining, _LINES_A_WRITE)):
        some.append(b"")
        file.write(b"\n".join(some))


def _table(report: dict[str, Any]) -> Table:
    table = Table("", "lines")
    table.columns[1].justify = "right"
    for name, count in report.items():
        if isinstance(count, int):
            table.add_row(name, f"{count:,}")
    for section in ("types", "broken"):
        table.add_section()
        for name, count in report[section].items():
            table.add_row(f"{section}: {name}", f"{count:,}")
    return table
