"""Peak memory and cost per event of `cjaas run` as the input grows: both ought to stay flat.

Run `.venv/bin/python benchmarks/memory.py`, with `--large` for ten million events too.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.firehose import SHOP, firehose
from benchmarks.process import DATA, Usage, measured

SIZES = (100_000, 1_000_000)
LARGE = 10_000_000


def run(events: int) -> Usage:
    """What `cjaas run` takes for so many events.

    Raises:
        RuntimeError: the run failed, or lost events.
    """
    source = firehose(events)
    folder = Path(tempfile.mkdtemp(prefix="memory-", dir=DATA))
    try:
        output = folder / "output"
        cjaas = [sys.executable, "-m", "pipelines.cli.main"]
        usage = measured([*cjaas, "run", "--workspace", SHOP, "--input", source, "--output", output])
        read = json.loads((output / "summary.json").read_bytes())["events"]
        if read != events:
            raise RuntimeError(f"expected a run over {events} events, found one over {read}")
        return usage
    finally:
        shutil.rmtree(folder)


def table(usages: dict[int, Usage]) -> Table:
    """A row a size; what further events cost leaves out what every run costs."""
    shown = Table(title="cjaas run, one worker")
    headings = ("events", "seconds", "events/s", "µs CPU/event", "µs CPU/further event", "peak MB")
    for heading in headings:
        shown.add_column(heading, justify="right")
    before: tuple[int, Usage] | None = None
    for events, usage in sorted(usages.items()):
        further = ""
        if before is not None:
            more = usage.cpu_seconds - before[1].cpu_seconds
            further = f"{more / (events - before[0]) * 1e6:.1f}"
        shown.add_row(
            f"{events:,}",
            f"{usage.wall_seconds:.1f}",
            f"{events / usage.wall_seconds:,.0f}",
            f"{usage.cpu_seconds / events * 1e6:.1f}",
            further,
            f"{usage.peak_bytes / 1e6:,.0f}",
        )
        before = events, usage
    return shown


def main() -> None:
    """Runs the sizes and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--large", action="store_true", help=f"{LARGE:,} events too: 3 GB of input")
    parser.add_argument(
        "--events", type=int, nargs="+", metavar="N", help="other sizes than 100000 and 1000000"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE")
    arguments = parser.parse_args()
    sizes = [*(arguments.events or SIZES), *([LARGE] if arguments.large else [])]
    usages = {events: run(events) for events in sizes}
    Console(width=110).print(table(usages))
    if arguments.json:
        document = [
            {
                "events": events,
                "wall_seconds": usage.wall_seconds,
                "cpu_seconds": usage.cpu_seconds,
                "peak_bytes": usage.peak_bytes,
            }
            for events, usage in usages.items()
        ]
        arguments.json.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
