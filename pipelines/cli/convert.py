"""`cjaas convert`: a company's own logs as events, by a mapping file."""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from schemas.errors import UsageError
from schemas.mapping import BadRow, LogRow, Mapping, load_mapping
from schemas.workspace import load_workspace
from sinks.logs import open_log
from sinks.replacing import replacing
from transforms.convert import Converter, Refusal

_ROWS_PER_UPDATE = 4096
_PACKING = 4


@dataclass
class Counts:
    """What became of the rows: read = written + left out + rejected."""

    read: int = 0
    written: int = 0
    left_out: int = 0
    rejected: int = 0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "convert",
        help="turn CSV, JSON or Parquet logs into event files",
        description="Turns logs into a file of structured CloudEvents, one a line, as a mapping file says. "
        "With --workspace its names are checked against the workspace. Exit code 1 if rows were rejected.",
    )
    parser.add_argument("--mapping", type=Path, required=True, metavar="FILE", help="the mapping file (YAML)")
    parser.add_argument(
        "--input", type=Path, required=True, nargs="+", metavar="FILE", help="logs, plain or gzipped"
    )
    parser.add_argument(
        "--output", type=Path, required=True, metavar="FILE", help="FILE.ndjson or FILE.ndjson.gz to write"
    )
    parser.add_argument(
        "--rejects",
        type=Path,
        metavar="FILE",
        help="where rows go that give no event, with their reasons (default: OUTPUT.rejects.ndjson)",
    )
    parser.add_argument(
        "--allow-rejects", action="store_true", help="exit with 0 although rows were rejected"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace the output and rejects that exist")
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Converts, and prints the closing table; 0, or 1 if rows were rejected.

    Raises:
        CjaasError: the mapping or the command has mistakes, or a file can't be read or written;
            nothing is left behind then.
    """
    output: Path = arguments.output
    rejects: Path = arguments.rejects or output.with_name(output.name + ".rejects.ndjson")
    workspace = None
    if arguments.workspace is not None:
        workspace = load_workspace(Path(arguments.workspace), os.environ)
    mapping = load_mapping(arguments.mapping, workspace)
    _check_files(arguments.input, output, rejects, arguments.overwrite)
    if mapping.id is None:
        _check_names(arguments.input)
    converter = Converter(mapping, None if workspace is None else workspace.registry.types())
    started = time.perf_counter()
    with (
        replacing(output) as file,
        _packed(file, output) as events,
        replacing(rejects) as refused,
    ):
        counts = _convert(arguments.input, mapping, converter, events, refused)
    if not counts.rejected:
        rejects.unlink(missing_ok=True)
    seconds = time.perf_counter() - started
    report = _report(counts, output, rejects, seconds)
    if arguments.json:
        console.print(json.dumps(report), markup=False, highlight=False, soft_wrap=True)
    else:
        _print_table(report, console)
    return 1 if counts.rejected and not arguments.allow_rejects else 0


def _convert(
    paths: Sequence[Path], mapping: Mapping, converter: Converter, events: BinaryIO, rejects: BinaryIO
) -> Counts:
    counts = Counts()
    logs = [open_log(path, mapping.read, mapping.columns()) for path in paths]
    with _progress(sum(log.size_bytes for log in logs)) as update:
        done_bytes = 0
        for path, log in zip(paths, logs, strict=True):
            name = _log_name(path)
            for row in log.rows():
                for outcome in _outcomes(converter, row, name):
                    counts.read += 1
                    if counts.read % _ROWS_PER_UPDATE == 0:
                        update(done_bytes + log.position_bytes())
                    if outcome is None:
                        counts.left_out += 1
                    elif isinstance(outcome, Refusal):
                        rejects.write(_reject_line(path, row, outcome))
                        counts.rejected += 1
                    else:
                        events.write(outcome)
                        events.write(b"\n")
                        counts.written += 1
            done_bytes += log.size_bytes
            update(done_bytes)
    return counts


def _outcomes(converter: Converter, row: LogRow | BadRow, file: str) -> Iterable[bytes | Refusal | None]:
    return (Refusal(None, row.reason),) if isinstance(row, BadRow) else converter.convert_all(row, file)


def _reject_line(path: Path, row: LogRow | BadRow, refusal: Refusal) -> bytes:
    reject = {
        "file": str(path),
        "row": row.number,
        "line": row.line,
        "column": refusal.column,
        "reason": refusal.reason,
        "content": row.values if isinstance(row, LogRow) else row.content,
    }
    return json.dumps(reject, default=str).encode() + b"\n"


def _log_name(path: Path) -> str:
    """What ids call a file: packing it does not make other events of its rows."""
    return path.name.removesuffix(".gz")


def _check_files(inputs: Sequence[Path], output: Path, rejects: Path, overwrite: bool) -> None:
    written = {"--output": output, "--rejects": rejects}
    if output.resolve() == rejects.resolve():
        raise UsageError(f"--rejects: expected another file than --output, found {rejects}; name another")
    for option, path in written.items():
        if path.resolve() in {source.resolve() for source in inputs}:
            raise UsageError(f"{option}: {path} is an input too; name another file")
        if path.is_dir():
            raise UsageError(f"{option}: expected a file, found the directory {path}; name a file in it")
        if path.exists() and not overwrite:
            raise UsageError(f"{option}: {path} exists; name another file, or add --overwrite")


def _check_names(inputs: Sequence[Path]) -> None:
    seen: dict[str, Path] = {}
    for path in inputs:
        other = seen.setdefault(_log_name(path), path)
        if other is not path:
            raise UsageError(
                f"--input: {other} and {path} have one name, and rows are named by file and place: "
                "rename one, or give the mapping an id"
            )


@contextmanager
def _packed(file: BinaryIO, path: Path) -> Iterator[BinaryIO]:
    """Packs what is written if the path ends in .gz, into the same bytes each time."""
    if path.suffix != ".gz":
        yield file
        return
    with gzip.GzipFile("", "wb", _PACKING, file, mtime=0) as packed:
        yield cast(BinaryIO, packed)


@contextmanager
def _progress(total_bytes: int) -> Iterator[Callable[[int], None]]:
    """Shows on a terminal's standard error how many bytes of the inputs were read."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (TextColumn("converting"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("convert", total=total_bytes)
        yield lambda done_bytes: progress.update(task, completed=done_bytes)


def _report(counts: Counts, output: Path, rejects: Path, seconds: float) -> dict[str, Any]:
    return {
        "rows_read": counts.read,
        "events_written": counts.written,
        "rows_left_out": counts.left_out,
        "rows_rejected": counts.rejected,
        "output": str(output),
        "rejects": str(rejects) if counts.rejected else None,
        "seconds": round(seconds, 3),
        "rows_per_second": round(counts.read / max(seconds, 1e-6)),
    }


def _print_table(report: dict[str, Any], console: Console) -> None:
    table = Table(show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for key, value in report.items():
        if isinstance(value, int | float):
            table.add_row(key.replace("_", " "), f"{value:,}")
    console.print(table)
    console.print(f"events: {report['output']}", markup=False, highlight=False, soft_wrap=True)
    if report["rejects"] is not None:
        remedy = "correct the mapping or the log and convert again, or add --allow-rejects"
        line = f"rejects, with their reasons: {report['rejects']}; {remedy}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
