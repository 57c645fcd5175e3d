"""The whole job, event files to tape, profiles and actions, against the same job built by other means.

Run `.venv/bin/python benchmarks/journey.py`; `--help` lists the options. Every contender is a process of
its own with one worker on the same input, from its start to its end, and contenders take turns. Rows
count only if their outputs hold the same as those of `cjaas run`.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.environments import python_of
from benchmarks.firehose import SHOP, firehose
from benchmarks.peers import PEERS
from benchmarks.process import DATA, ROOT, Usage, measured

CJAAS = "cjaas"
START_EVENTS = 1_000
"""A run over as few shows what starting takes."""


class Run(msgspec.Struct, frozen=True):
    """One run of one contender.

    Attributes:
        contents: what its output holds, see `benchmarks.outputs`.
    """

    contender: str
    usage: Usage
    contents: dict[str, Any]


def command(contender: str, source: Path, output: Path) -> list[str | Path]:
    """The command that runs a contender."""
    options: list[str | Path] = ["--workspace", SHOP, "--input", source, "--output", output]
    if contender == CJAAS:
        return [sys.executable, "-m", "pipelines.cli.main", "run", *options]
    return [python_of(contender), "-m", "benchmarks.peers", contender, *options]


def run(contender: str, source: Path) -> Run:
    """Runs a contender and reads its output, in a process of its own so that this one stays small.

    Raises:
        RuntimeError: the contender failed.
    """
    DATA.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{contender}-", dir=DATA))
    try:
        output = folder / "output"
        usage = measured(command(contender, source, output))
        read: list[str | Path] = [sys.executable, "-m", "benchmarks.outputs", output]
        found = subprocess.run(read, cwd=ROOT, check=True, capture_output=True).stdout
        return Run(contender, usage, json.loads(found))
    finally:
        shutil.rmtree(folder)


def compete(
    contenders: list[str], events: int, rounds: int, console: Console
) -> tuple[list[Run], dict[str, Usage]]:
    """Every run of every contender, in turns; and what each takes to start.

    Raises:
        RuntimeError: a contender failed, or its environment can't be made.
    """
    source, few = firehose(events), firehose(START_EVENTS)
    starts = {contender: run(contender, few).usage for contender in contenders}
    runs = []
    for number in range(1, rounds + 1):
        for contender in contenders:
            done = run(contender, source)
            runs.append(done)
            took = f"{done.usage.wall_seconds:.1f} s, {done.usage.cpu_seconds:.1f} s CPU"
            console.print(f"round {number}: {contender}: {took}", highlight=False)
    return runs, starts


def table(runs: list[Run], starts: dict[str, Usage]) -> Table:
    """The contenders' medians; a contender whose output differs from cjaas's is marked wrong.

    Args:
        starts: what each contender takes for hardly any events.
    """
    expected = next(run.contents for run in runs if run.contender == CJAAS)
    events: int = expected["events"]
    shown = Table(title=f"{events:,} events, medians of the rounds")
    figures = (
        "events/s",
        "events/s and core",
        "µs CPU/event",
        "CPU against cjaas",
        "CPU s to start",
        "peak MB",
    )
    shown.add_column("")
    for name in figures:
        shown.add_column(name, justify="right")
    shown.add_column("output")
    cjaas_seconds = _median([run for run in runs if run.contender == CJAAS], "cpu_seconds")
    for contender in dict.fromkeys(run.contender for run in runs):
        own = [run for run in runs if run.contender == contender]
        cpu_seconds = _median(own, "cpu_seconds")
        differing = sorted({name for run in own for name in differences(run.contents, expected)})
        shown.add_row(
            contender,
            f"{events / _median(own, 'wall_seconds'):,.0f}",
            f"{events / cpu_seconds:,.0f}",
            f"{cpu_seconds / events * 1e6:.1f}",
            f"{cpu_seconds / cjaas_seconds:.2f}",
            f"{starts[contender].cpu_seconds:.1f}",
            f"{_median(own, 'peak_bytes') / 1e6:,.0f}",
            f"WRONG: {', '.join(differing)}" if differing else "same",
        )
    return shown


def differences(contents: dict[str, Any], expected: dict[str, Any]) -> list[str]:
    """The names of what two outputs do not agree on."""
    return [name for name in expected if contents.get(name) != expected[name]]


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def _median(runs: list[Run], name: str) -> float:
    return float(statistics.median(getattr(run.usage, name) for run in runs))


def _peers(text: str) -> list[str]:
    names = {"all": list(PEERS), "none": []}.get(text, text.split(","))
    for name in names:
        if name not in PEERS:
            raise argparse.ArgumentTypeError(f"expected all, none, or some of {', '.join(PEERS)}: {name!r}")
    return names


def main() -> None:
    """Runs the contenders in turn and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, metavar="N", help="default: 1000000")
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="runs of each (default: 3)")
    parser.add_argument(
        "--peers", type=_peers, default=list(PEERS), metavar="NAMES", help="all, none, or NAME,NAME"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run to FILE")
    arguments = parser.parse_args()
    console = Console(width=120)
    contenders = [CJAAS, *arguments.peers]
    try:
        runs, starts = compete(contenders, arguments.events, arguments.rounds, console)
    except RuntimeError as error:
        raise SystemExit(str(error)) from None
    console.print(table(runs, starts))
    if arguments.json:
        document = {"machine": machine(), "events": arguments.events, "starts": starts, "runs": runs}
        arguments.json.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")


if __name__ == "__main__":
    main()
