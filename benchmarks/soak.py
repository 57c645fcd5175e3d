"""The running job over a long time: does its memory stay flat, and does it keep up?

Run `.venv/bin/python benchmarks/soak.py`: half an hour of load, on the emulators and Prism as in `live.py`.
The shop's month is lived again and again, by a few crowds of persons in turn, in events that have the time at
which they are published; its waits and cooldowns are two minutes here, so that they end within the run. A row
of the table is a stretch of time: the largest resident set of the job's process and of Prism's in it, the
CPU time that the job took for an event, the events folded, and how long after its cause, or the end of its
wait, an action was received. What grows by design is the cache of images, up to a limit, which is small here
so that it is full early. `--no-bigquery` is that of `live.py`.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count, islice
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import msgspec
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.firehose import SHOP
from benchmarks.live import Bench, folded, rows_taken, shop_events
from benchmarks.process import DATA
from pipelines.local.process_group import end_group
from pipelines.local.services import LocalServices, check_tools

CROWD_EVENTS = 60_000
SAMPLE_SECONDS = 5.0
CACHE_MB = 16
WAIT = "2m"
KEEPS_UP = 0.99
"""What is still under way at the end may be the rest."""
_NUMBER = re.compile(r'("C|"k|"\+49151)000')
"""How the shop's customer numbers, cookies and phone numbers begin."""
_MAILBOX = re.compile(r"(\w)@")
SLICE_SECONDS = 1.0
"""Events are made and published in slices of so much time."""


class Stretch(NamedTuple):
    """What was seen of a program in a stretch of time: its largest resident set and its CPU."""

    megabytes: int
    cpu_seconds: int


class Usage:
    """What the job's process and Prism's use in a stretch of time, sampled by a thread."""

    def __init__(self, group: int) -> None:
        self._group = group
        self._largest: dict[str, int] = {}
        self._cpu: dict[str, int] = {}
        self._cpu_before: dict[str, int] = {}
        self._lock = threading.Lock()

    def sample(self, stop: threading.Event) -> None:
        """Looks every few seconds."""
        while not stop.wait(SAMPLE_SECONDS):
            listed = subprocess.run(
                ["ps", "-eo", "pgid=,rss=,cputimes=,comm="], capture_output=True, text=True, check=True
            ).stdout
            found = [line.split(None, 3) for line in listed.splitlines()]
            with self._lock:
                for group, kilobytes, seconds, name in found:
                    if int(group) == self._group:
                        name = "prism" if name == "prism" else "job"
                        self._largest[name] = max(self._largest.get(name, 0), int(kilobytes) // 1000)
                        self._cpu[name] = int(seconds)

    def take(self) -> dict[str, Stretch]:
        """What was used since the last call, by program."""
        with self._lock:
            taken = {
                name: Stretch(megabytes, self._cpu[name] - self._cpu_before.get(name, 0))
                for name, megabytes in self._largest.items()
            }
            self._largest = {}
            self._cpu_before = dict(self._cpu)
        return taken


def again_and_again(events: list[dict[str, Any]], crowds: int) -> Iterator[dict[str, Any]]:
    """The same events for ever, each time under new ids and of other persons, so many crowds of them."""
    texts = [msgspec.json.encode(event).decode() for event in events]
    for lap in count():
        crowd = lap % crowds
        for text in texts:
            event = msgspec.json.decode(_MAILBOX.sub(rf"\1.{crowd}@", _NUMBER.sub(rf"\g<1>{crowd:03}", text)))
            yield {**event, "id": f"{event['id']}-{lap}"}


def impatient_shop(directory: Path) -> Path:
    """The shop with short waits and cooldowns."""
    shutil.copytree(SHOP, directory)
    for journey in (directory / "journeys").glob("*.yaml"):
        journey.write_text(re.sub(r"(wait|cooldown): \w+", rf"\1: {WAIT}", journey.read_text()))
    return directory


def main() -> None:
    """Loads the job, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rate", type=float, default=1_000.0, metavar="N", help="a second (default: 1000)")
    parser.add_argument("--minutes", type=float, default=30.0, metavar="M", help="of load (default: 30)")
    parser.add_argument("--stretch", type=float, default=3.0, metavar="M", help="minutes a row (default: 3)")
    parser.add_argument(
        "--crowds",
        type=int,
        default=1000,
        metavar="N",
        help="then the first persons come back (default: 1000)",
    )
    parser.add_argument("--no-bigquery", action="store_true", help="nothing is kept of tape and decisions")
    arguments = parser.parse_args()
    check_tools()
    DATA.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="soak-", dir=DATA))
    table = Table(title=f"the running job at {arguments.rate:,.0f} events/s")
    for name in ("minutes", "published", "folded", "job MB", "Prism MB", "job µs/event", "p50 ms", "p99 ms"):
        table.add_column(name, justify="right")
    source = again_and_again(shop_events(CROWD_EVENTS), arguments.crowds)
    size = int(arguments.rate * SLICE_SECONDS)
    slices = int(arguments.stretch * 60 / SLICE_SECONDS)
    with LocalServices(directory / "logs") as services, ExitStack() as stack:
        server = stack.enter_context(rows_taken()) if arguments.no_bigquery else None
        bench = Bench(services, directory, server, CACHE_MB, impatient_shop(directory / "workspace"))
        usage, stop, latencies = Usage(bench.job.pid), threading.Event(), list[float]()
        threads = [
            threading.Thread(target=usage.sample, args=(stop,)),
            threading.Thread(target=bench.latencies, args=(stop, latencies)),
        ]
        for thread in threads:
            thread.start()
        try:
            done = published = 0
            for stretch in range(1, int(arguments.minutes / arguments.stretch) + 1):
                for _ in range(slices):
                    bench.publish(list(islice(source, size)), arguments.rate)
                now, used = folded(bench), usage.take()
                cuts = quantiles(latencies, n=100) if len(latencies) > 1 else [float("nan")] * 99
                latencies.clear()
                table.add_row(
                    f"{stretch * arguments.stretch:g}",
                    f"{size * slices:,}",
                    f"{now - done:,}",
                    f"{used['job'].megabytes:,}",
                    f"{used['prism'].megabytes:,}",
                    f"{used['job'].cpu_seconds * 1e6 / max(1, now - done):,.0f}",
                    f"{cuts[49] * 1000:,.0f}",
                    f"{cuts[98] * 1000:,.0f}",
                )
                done, published = now, published + size * slices
                told = (f"{name} {it.megabytes} MB, {it.cpu_seconds} s" for name, it in sorted(used.items()))
                Console(stderr=True).print(f"{stretch * arguments.stretch:g} minutes: {'; '.join(told)}")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            end_group(bench.job)
    Console(width=110).print(table)
    if done < KEEPS_UP * published:
        Console(stderr=True).print(f"the job did not keep up; its logs are in {directory}")
        sys.exit(1)
    shutil.rmtree(directory)


if __name__ == "__main__":
    main()
