"""`cjaas up`: the running job on this machine, against emulators of the services."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import time
from pathlib import Path

import msgspec
from rich.console import Console
from rich.live import Live

from pipelines.cli.inputs import add_live_output, workspace_of
from pipelines.live_config import LIVE_NAME, LiveConfig, Status
from pipelines.local.emulators import PROJECT
from pipelines.local.job_directory import occupied
from pipelines.local.restarting_job import RestartingJob
from pipelines.local.services import LocalServices, check_tools
from schemas.workspace import Workspace

_LOOK_SECONDS = 1.0
_ACK_DEADLINE_SECONDS = 10
"""A person waits for what comes again after a crash; Pub/Sub allows no less."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Adds the command and its options."""
    parser = subparsers.add_parser(
        "up",
        help="run the job on a stream, on this machine",
        description="Starts emulators of Pub/Sub, Bigtable and BigQuery, makes what the job needs in them, "
        "runs it on Prism, and shows how it fares until Ctrl-C. Publish with `cjaas publish`, listen with "
        "`cjaas tail`, and look with `cjaas profile`, `sql` and `explain`, each with the same --output.",
    )
    add_live_output(parser)
    parser.add_argument("--seconds", type=float, metavar="N", help="end after so long (default: at Ctrl-C)")
    return parser


def execute(arguments: argparse.Namespace, console: Console) -> int:
    """Runs the job until it is told to end.

    Raises:
        CjaasError: a tool is missing, a job is up there already, it does not start, or an emulator ended.
    """
    workspace = workspace_of(arguments)
    check_tools()
    output: Path = arguments.output
    stop = threading.Event()
    former = {number: signal.signal(number, lambda *_: stop.set()) for number in _ENDING}
    try:
        with occupied(output), LocalServices(output / "logs") as services:
            config = local_config(workspace, services)
            _prepare(config, workspace)
            (output / LIVE_NAME).write_bytes(msgspec.json.encode(config))
            _tell(config, output, console)
            _follow(output, services, stop, arguments.seconds, console)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
    return 0


_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def local_config(workspace: Workspace, services: LocalServices) -> LiveConfig:
    """The job of a workspace against local services."""
    return LiveConfig(
        str(workspace.directory.resolve()),
        PROJECT,
        f"{workspace.name}-events",
        "local",
        "profiles",
        workspace.name.replace("-", "_"),
        endpoints=services.endpoints(),
        ack_deadline_seconds=_ACK_DEADLINE_SECONDS,
    )


def _prepare(config: LiveConfig, workspace: Workspace) -> None:
    from pipelines.live_services import make_resources

    make_resources(config, workspace)


def _tell(config: LiveConfig, output: Path, console: Console) -> None:
    assert config.endpoints is not None
    where = f"--workspace {config.workspace} --output {output}"
    for name, place in (
        ("Pub/Sub", f"{config.endpoints.pubsub}, firehose {config.subscription}"),
        ("Bigtable", f"{config.endpoints.bigtable}, instance {config.instance}, table {config.table}"),
        ("BigQuery", f"{config.endpoints.bigquery_rest}, dataset {config.dataset}"),
        ("logs", str(output / "logs")),
    ):
        console.print(f"{name:9} {place}", markup=False, highlight=False, soft_wrap=True)
    console.print(f"Publish: cjaas publish FILE {where}", markup=False, highlight=False, soft_wrap=True)
    console.print("Ctrl-C ends it, and what the emulators hold with it.")


def _follow(
    output: Path, services: LocalServices, stop: threading.Event, seconds: float | None, console: Console
) -> None:
    """Runs the job as a process of its own, and shows how it fares."""
    words = [sys.executable, "-m", "pipelines.live_job", str(output)]
    job = RestartingJob(words, output, output / "logs" / "job.log")
    deadline = None if seconds is None else time.monotonic() + seconds
    try:
        with Live(console=console, auto_refresh=False, transient=False) as live:
            before: Status | None = None
            while not stop.wait(_LOOK_SECONDS) and (deadline is None or time.monotonic() < deadline):
                services.check()
                ended = job.look()
                if ended is not None:
                    console.print(ended, markup=False, highlight=False, soft_wrap=True)
                status = job.status()
                if status is not None:
                    live.update(line(status, before), refresh=True)
                before = status
    finally:
        job.stop()


def line(status: Status, before: Status | None) -> str:
    """How a job fares, in one line."""
    counters = status.counters
    read = counters.get("read", 0)
    rate = 0.0
    if before is not None and status.at_us > before.at_us:
        rate = (read - before.counters.get("read", 0)) / (status.at_us - before.at_us) * 1e6
    dead = _sum(counters, "dead_letters")
    commits = counters.get("commits", 0)
    parts = [
        f"{rate:,.0f} in/s",
        f"{counters.get('valid', 0):,} valid",
        f"{dead:,} dead letters",
        f"{_sum(counters, 'actions'):,} actions",
        f"{commits:,} commits",
    ]
    if "delivery_lag_ms" in counters:
        parts.append(f"lag {counters['delivery_lag_ms'] / 1000:.1f} s")
    if "watermark_age_ms" in counters:
        parts.append(f"watermark {counters['watermark_age_ms'] / 1000:.1f} s old")
    return " · ".join(parts) + f" ({status.state.lower()})"


def _sum(counters: dict[str, int], name: str) -> int:
    return sum(value for key, value in counters.items() if key == name or key.startswith(f"{name}:"))
