"""The running job on this machine: events a second sustained, and how long from publish to action.

Run `.venv/bin/python benchmarks/live.py`. It starts the emulators and the job on Prism, as `cjaas up` does,
and publishes made-up events of the shop with the time at which they are published. Two questions: how many
events a second does the job fold and decide, with as many waiting as it can take; and at a given rate, how
long after its publish time does an action that an event caused reach a subscriber of its channel's topic.
The publisher, the emulators, the runner and the job share the machine's cores. `--no-bigquery` puts a
server that takes rows and keeps none in the place of BigQuery's emulator, which is what limits the rest.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.firehose import SHOP
from benchmarks.process import DATA, ROOT
from pipelines.cli.up import local_config
from pipelines.live_config import LIVE_NAME, LiveConfig, Status, read_status
from pipelines.live_services import make_resources, pubsub_host
from pipelines.local.process_group import end_group
from pipelines.local.services import LocalServices, check_tools
from schemas.timestamps import format_rfc3339
from schemas.workspace import Workspace, load_workspace
from sinks.pubsub_calls import PubsubMessage
from sinks.pubsub_publisher import TopicWriter
from sinks.pubsub_subscription import PubSubSubscription
from sinks.pubsub_topics import PubSubTopics, actions_topic, events_topic

_ATTRIBUTES = {"content-type": "application/cloudevents+json"}
_PART_SECONDS = 0.05


class Bench:
    """A running job with its services."""

    def __init__(
        self,
        services: LocalServices,
        directory: Path,
        bigquery: str | None,
        cache_mb: int | None = None,
        workspace: Path = SHOP,
    ) -> None:
        """Starts the job.

        Args:
            bigquery: `HOST:PORT` of what takes its place; None for its emulator.
            cache_mb: of the job; None for its default.
        """
        self.workspace: Workspace = load_workspace(workspace, os.environ)
        self.config: LiveConfig = local_config(self.workspace, services)
        self.directory = directory
        if cache_mb is not None:
            self.config = msgspec.structs.replace(self.config, cache_mb=cache_mb)
        make_resources(self.config, self.workspace)
        if bigquery is not None and self.config.endpoints is not None:
            endpoints = msgspec.structs.replace(self.config.endpoints, bigquery=bigquery)
            self.config = msgspec.structs.replace(self.config, endpoints=endpoints)
        self.host = pubsub_host(self.config)
        with PubSubTopics(self.config.project, emulator_host=self.host) as topics:
            for channel in self.workspace.channels:
                topics.create_subscription(f"bench-{channel}", actions_topic(self.workspace.name, channel))
        (directory / LIVE_NAME).write_bytes(msgspec.json.encode(self.config))
        log = (directory / "job.log").open("wb")
        command = [sys.executable, "-m", "pipelines.live_job", str(directory)]
        self.job = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        while self.status() is None:
            time.sleep(0.1)

    def status(self) -> Status | None:
        """What the job last said of itself."""
        return read_status(self.directory)

    def counters(self) -> dict[str, int]:
        """The job's counters."""
        status = self.status()
        return {} if status is None else status.counters

    def publish(self, events: Sequence[dict[str, Any]], rate: float) -> None:
        """Publishes events at a rate, each with the time at which it is published."""
        writer = TopicWriter(self.config.project, emulator_host=self.host)
        size = max(1, int(rate * _PART_SECONDS))
        started = time.monotonic()
        for first in range(0, len(events), size):
            _sleep_until(started + first / rate)
            now = format_rfc3339(time.time_ns() // 1000)
            part = [
                PubsubMessage(data=msgspec.json.encode({**event, "time": now}), attributes=_ATTRIBUTES)
                for event in events[first : first + size]
            ]
            writer.write(events_topic(self.workspace.name), part)
        writer.close()
        _sleep_until(started + len(events) / rate)

    def latencies(self, stop: threading.Event, found: list[float]) -> None:
        """Seconds from the event time at which each action was decided to its receipt, of all channels."""
        subscriptions = [
            PubSubSubscription(self.config.project, f"bench-{channel}", emulator_host=self.host)
            for channel in self.workspace.channels
        ]
        threads = [
            threading.Thread(target=_listen, args=(subscription, stop, found))
            for subscription in subscriptions
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for subscription in subscriptions:
            subscription.close()


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _listen(subscription: PubSubSubscription, stop: threading.Event, found: list[float]) -> None:
    while not stop.is_set():
        pulled = subscription.pull(100, 0.5)
        now = time.time()
        for body in pulled.payloads:
            decided = msgspec.json.decode(body)["decided_at"]
            found.append(now - datetime.fromisoformat(decided).timestamp())
        if pulled.ack_ids:
            subscription.acknowledge(pulled.ack_ids)


@contextmanager
def rows_taken() -> Iterator[str]:
    """Where a server listens that takes rows and keeps none."""
    command = [sys.executable, str(Path(__file__).with_name("append_rows_server.py"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.terminate()


def shop_events(events: int) -> list[dict[str, Any]]:
    """Valid events of the shop, without times."""
    path = DATA / f"live-{events}.ndjson"
    if not path.exists():
        DATA.mkdir(parents=True, exist_ok=True)
        options = ["--late", "0", "--broken", "0", "--duplicates", "0", "--events", str(events)]
        subprocess.run(
            [
                sys.executable,
                "-m",
                "pipelines.cli.main",
                "generate",
                "--workspace",
                SHOP,
                *options,
                "--output",
                path,
            ],
            cwd=ROOT,
            check=True,
            stderr=subprocess.DEVNULL,
        )
    found = []
    with path.open("rb") as lines:
        for line in lines:
            event = msgspec.json.decode(line)
            event.pop("publishtime", None)
            found.append(event)
    return found


def main() -> None:
    """Measures, and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument(
        "--events", type=int, default=60_000, metavar="N", help="of the backlog (default: 60000)"
    )
    parser.add_argument(
        "--rate", type=float, default=1_000.0, metavar="N", help="for latency (default: 1000)"
    )
    parser.add_argument("--seconds", type=float, default=30.0, metavar="S", help="at that rate (default: 30)")
    parser.add_argument("--no-bigquery", action="store_true", help="nothing is kept of tape and decisions")
    arguments = parser.parse_args()
    check_tools()
    timed = int(arguments.rate * arguments.seconds)
    events = shop_events(arguments.events + timed)
    directory = Path(tempfile.mkdtemp(prefix="live-", dir=DATA))
    table = Table(title="the running job, on emulators and Prism")
    for name in ("", "figure"):
        table.add_column(name, justify="right" if name else "left")
    with LocalServices(directory / "logs") as services, ExitStack() as stack:
        server = stack.enter_context(rows_taken()) if arguments.no_bigquery else None
        bench = Bench(services, directory, server)
        try:
            stop, found = threading.Event(), list[float]()
            listener = threading.Thread(target=bench.latencies, args=(stop, found))
            listener.start()
            bench.publish(events[:timed], arguments.rate)
            time.sleep(5.0)
            stop.set()
            listener.join()
            cuts = quantiles(found, n=100)
            table.add_row(f"events/s published for {arguments.seconds:g} s", f"{arguments.rate:,.0f}")
            table.add_row("actions received", f"{len(found):,}")
            for name, seconds in (("p50", cuts[49]), ("p90", cuts[89]), ("p99", cuts[98])):
                table.add_row(f"publish to action, {name}", f"{seconds * 1000:,.0f} ms")
            before, started = folded(bench), time.monotonic()
            bench.publish(events[timed:], 1e9)
            while (now := folded(bench)) - before < arguments.events and time.monotonic() - started < 300:
                time.sleep(0.2)
            rate = (now - before) / (time.monotonic() - started)
            table.add_row("events of a backlog", f"{now - before:,}")
            table.add_row("events/s folded, publishing included", f"{rate:,.0f}")
            counters = bench.counters()
            table.add_row(
                "events a commit", f"{counters.get('folded', 0) / max(1, counters.get('commits', 1)):.1f}"
            )
        finally:
            end_group(bench.job)
    shutil.rmtree(directory)
    Console(width=110).print(table)


def folded(bench: Bench) -> int:
    """How many events the job has done with."""
    counters = bench.counters()
    return counters.get("folded", 0) + counters.get("late", 0)


if __name__ == "__main__":
    main()
