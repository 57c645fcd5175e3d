"""`cjaas backtest`: what a changed workspace would have decided about the events of a run."""

from __future__ import annotations

import argparse
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from rich.console import Console

from pipelines.backtest_report import BacktestReport, RefusedEvents, comparison_table, is_alike
from pipelines.cli.bounded import add_workers, check_workers, filled, run_shown, slices_of
from pipelines.cli.inputs import ended_output_of, parse_as_of, program, workspace_of
from pipelines.comparison import NO_JOURNEY, Comparison, compare
from pipelines.interruption import Interruption
from pipelines.silence import silence_logs
from pipelines.summary import Summary, write_summary
from pipelines.version import VERSION
from schemas.errors import UsageError
from schemas.metrics import Metric
from schemas.timestamps import format_rfc3339, parse_rfc3339
from schemas.workspace import Workspace
from sinks.output import OutputDirectory

if TYPE_CHECKING:
    from pipelines.backtest import BacktestSinks
    from sinks.progress_file import ProgressFile
    from sinks.tape_files import TapeFiles

_SCRATCH = ".profiles"


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "backtest",
        help="show what a changed workspace would have sent, against what was sent",
        description="Decides about the events of a run again, with a changed workspace, and compares. "
        "Sends nothing, and changes nothing of the run.",
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("out"),
        metavar="DIR",
        help="what `cjaas run` wrote (default: out)",
    )
    parser.add_argument(
        "--journey", nargs="+", metavar="NAME", help="compares these journeys only; all are decided"
    )
    parser.add_argument(
        "--since",
        type=parse_as_of,
        metavar="TIME",
        help="compares decisions made at this date or RFC 3339 time or later (default: all)",
    )
    parser.add_argument(
        "--until", type=parse_as_of, metavar="TIME", help="compares decisions made before it (default: all)"
    )
    parser.add_argument(
        "--to", type=Path, metavar="DIR", help="keeps the decisions that would have been made"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what --to names")
    add_workers(parser)
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Runs the job and prints the comparison.

    Raises:
        CjaasError: the workspace or the run's output is not as it must be; nothing is kept then.
        Interrupted: a signal asked to end; nothing is kept then either.
    """
    check_workers(arguments)
    if None not in (arguments.since, arguments.until) and arguments.since >= arguments.until:
        raise UsageError(
            f"--since {format_rfc3339(arguments.since)}: expected a time before --until, "
            f"{format_rfc3339(arguments.until)}"
        )
    from pipelines.recorded_run import check_run, journeys_of
    from sinks.tape_files import TapeFiles

    workspace = workspace_of(arguments)
    output = ended_output_of(arguments)
    tape = TapeFiles(output / "tape")
    summary = check_run(workspace, output, tape)
    journeys = journeys_of(workspace, output, arguments.journey)
    with ExitStack() as stack:
        kept = arguments.to
        if kept is None:
            kept = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cjaas-backtest-")), "output")
        place = OutputDirectory(kept, arguments.overwrite, [tape.directory, workspace.directory])

        def fill(partial: Path, interruption: Interruption) -> BacktestReport:
            counters = _run(workspace, tape, summary, partial, arguments, interruption)
            return _finish(workspace, journeys, summary, partial, counters, arguments)

        report = filled(place, fill)
    if arguments.json:
        console.print(msgspec.json.encode(report).decode(), markup=False, highlight=False, soft_wrap=True)
    else:
        _print(report, arguments, console)
    return 0


def _run(
    workspace: Workspace,
    tape: TapeFiles,
    summary: Summary,
    partial: Path,
    arguments: argparse.Namespace,
    interruption: Interruption,
) -> dict[str, int]:
    silence_logs()
    # Beam is imported here: no other command waits for it.
    from pipelines.backtest import build
    from pipelines.journey import JourneyConfig

    slices = slices_of(tape.size_bytes(), workspace.shards)
    as_of_us = parse_rfc3339(summary.as_of or "")
    config = JourneyConfig(workspace, VERSION, slices=slices, as_of_us=as_of_us)
    return run_shown(
        lambda pipeline, progress: build(pipeline, config, tape, _sinks(partial, progress)),
        partial,
        arguments.workers,
        None,
        interruption,
    )


def _sinks(partial: Path, progress: ProgressFile) -> BacktestSinks:
    from pipelines.backtest import BacktestSinks
    from sinks.dead_letter_files import DeadLetterFiles
    from sinks.decision_files import DecisionFiles
    from sinks.sqlite_profiles import SqliteProfiles

    (partial / _SCRATCH).mkdir(exist_ok=True)
    return BacktestSinks(
        decisions=DecisionFiles(partial),
        refused=DeadLetterFiles(partial / "dead_letters"),
        store=SqliteProfiles(partial / _SCRATCH / "profiles.sqlite"),
        progress=progress,
    )


def _finish(
    workspace: Workspace,
    journeys: Sequence[str],
    summary: Summary,
    partial: Path,
    counters: dict[str, int],
    arguments: argparse.Namespace,
) -> BacktestReport:
    from pipelines.recorded_run import told_by
    from sinks.warehouse import Warehouse

    shutil.rmtree(partial / _SCRATCH)
    since_us, until_us = arguments.since, arguments.until
    with Warehouse(partial) as would, Warehouse(arguments.output) as was:
        compared = compare(told_by(would, since_us, until_us), told_by(was, since_us, until_us), journeys)
        refused = would.sql(
            "SELECT type, error, count(*), min(detail) FROM dead_letters GROUP BY ALL ORDER BY 3 DESC, 1, 2"
        ).rows
    report = BacktestReport(
        workspace=workspace.name,
        version=VERSION,
        output=str(arguments.output),
        as_of=summary.as_of or "",
        since=None if since_us is None else format_rfc3339(since_us),
        until=None if until_us is None else format_rfc3339(until_us),
        events=counters.get(Metric.READ, 0),
        late=counters.get(Metric.LATE, 0),
        refused=[RefusedEvents(*row) for row in refused],
        total=compared.total,
        journeys={name: one for name, one in compared.journeys.items() if name != NO_JOURNEY or one.others},
    )
    write_summary(partial, report)
    return report


def _print(report: BacktestReport, arguments: argparse.Namespace, console: Console) -> None:
    def line(text: str) -> None:
        console.print(text, markup=False, highlight=False, soft_wrap=True)

    line(
        f"workspace {report.workspace} on the tape of {report.output}: {report.events:,} events as of "
        f"{report.as_of}, {report.late:,} of them late"
    )
    for refused in report.refused:
        one = refused.events == 1
        line(
            f"{refused.events:,} event{'' if one else 's'} of type {refused.type} "
            f"{'is' if one else 'are'} none of this workspace's and decide{'s' if one else ''} nothing: "
            f"{refused.error}, {refused.detail}"
        )
    bounds = [f"{word} {time}" for word, time in (("since", report.since), ("until", report.until)) if time]
    if bounds:
        line(f"decisions {' '.join(bounds)}")
    comparison = Comparison(report.total, report.journeys)
    console.print(comparison_table(comparison))
    if is_alike(comparison):
        line("No count differs.")
    if arguments.to is not None:
        line(f"The decisions that would have been made are kept in {arguments.to}.")
    hints = list(_hints(report, arguments))
    if hints:
        console.print("\nLook next:")
    for hint in hints:
        line(f"  {hint}")


def _hints(report: BacktestReport, arguments: argparse.Namespace) -> Iterator[str]:
    """Commands that show why a person would get an action, or got one, ready to be pasted."""
    examples = report.total.gained.examples[:1] + report.total.lost.examples[:1]
    for person_id in examples:
        where = ["--workspace", str(arguments.workspace), "--output", str(arguments.output)]
        yield f"{program()} explain --person {person_id} {shlex.join(where)}"
        if arguments.to is not None:
            columns = "as_of, journey, step, outcome, gate, reason"
            yield (
                f"{program()} sql \"SELECT {columns} FROM decisions WHERE person_id = '{person_id}' "
                f'ORDER BY as_of" {shlex.join(["--output", str(arguments.to)])}'
            )
