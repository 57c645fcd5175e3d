"""A running job on emulators, seen from outside: publish, start, kill, and look how it fares."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from pipelines.cli.up import local_config
from pipelines.live_config import LIVE_NAME, STATUS_NAME, Endpoints, LiveConfig, Status, read_status
from pipelines.live_services import make_resources, pubsub_host
from pipelines.local.services import LocalServices
from schemas.workspace import Workspace, load_workspace
from sinks.event_files import EventFiles
from sinks.pubsub_messages import publish_batches
from sinks.pubsub_publisher import TopicWriter
from sinks.pubsub_subscription import PubSubSubscription
from sinks.pubsub_topics import PubSubTopics, actions_topic, events_topic
from tests.pipelines.command_line import ROOT, SHOP
from tests.pipelines.live_records import LiveRecords
from transforms.core.recorded_times import keep_publish_times

PATIENCE_SECONDS = 240.0
POLL_SECONDS = 0.2
QUIET_POLLS = 20
_LOG_LINES = 60


def live_shop(folder: Path) -> Path:
    """The example shop, whose actions do not expire while the test runs, though its events are old."""
    shutil.copytree(SHOP, folder)
    for path in (folder / "journeys").glob("*.yaml"):
        path.write_text(re.sub(r"(?<=expires_after: )\w+", "3650d", path.read_text()))
    return folder


@dataclass
class LiveWorld:
    """The services of one test, by a project of its own, and the job's processes.

    Attributes:
        config: where the services are.
        job_config: where the job is told that they are; the same, unless a test puts something in between.
        jobs: by the directory that each runs in.
    """

    config: LiveConfig
    job_config: LiveConfig
    workspace: Workspace
    directory: Path
    jobs: dict[Path, subprocess.Popen[bytes]] = field(default_factory=dict)

    @classmethod
    def make(
        cls,
        services: LocalServices,
        shop: Path,
        project: str,
        directory: Path,
        job_endpoints: Endpoints | None = None,
    ) -> LiveWorld:
        """Makes topics, subscriptions and tables.

        Args:
            job_endpoints: what stands between the job and its services.
        """
        workspace = load_workspace(shop, {})
        config = msgspec.structs.replace(local_config(workspace, services), project=project)
        make_resources(config, workspace)
        job_config = msgspec.structs.replace(config, endpoints=job_endpoints or config.endpoints)
        world = cls(config, job_config, workspace, directory)
        with PubSubTopics(project, emulator_host=pubsub_host(config)) as topics:
            for channel in workspace.channels:
                topics.create_subscription(world.audit(channel), actions_topic(workspace.name, channel))
        return world

    def audit(self, channel: str) -> str:
        """The subscription by which the test sees every action of a channel."""
        return f"audit-{channel}"

    def start(self, name: str = "job") -> None:
        """Starts the job, or another one beside it, with nothing of what it knew before."""
        directory = self.directory / name
        directory.mkdir(parents=True, exist_ok=True)
        (directory / LIVE_NAME).write_bytes(msgspec.json.encode(self.job_config))
        (directory / STATUS_NAME).unlink(missing_ok=True)
        with (directory / "log").open("ab") as log:
            self.jobs[directory] = subprocess.Popen(
                [sys.executable, "-m", "tests.pipelines.recorded_job", str(directory)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )

    def kill(self, name: str = "job") -> None:
        """Kills the job and its runner at once."""
        job = self.jobs.pop(self.directory / name)
        with suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
        job.wait()

    def alive(self, name: str = "job") -> bool:
        """Whether the job is still there."""
        return self.jobs[self.directory / name].poll() is None

    def status(self, name: str = "job") -> Status | None:
        """What the job last said of itself."""
        return read_status(self.directory / name)

    def stop(self) -> None:
        """Kills whatever runs."""
        for directory in list(self.jobs):
            self.kill(directory.name)

    def publish(self, files: Iterable[Path], rate: float | None = None, *, as_job: bool = False) -> int:
        """Publishes event files with the publish times that they carry; gives how many messages.

        Args:
            as_job: whether to go where the job goes.
        """
        config = self.job_config if as_job else self.config
        source = EventFiles(tuple(map(str, files)))
        batches = (keep_publish_times(batch) for split in source.splits() for batch in source.read(split))
        writer = TopicWriter(config.project, emulator_host=pubsub_host(config))
        try:
            return publish_batches(writer, events_topic(self.workspace.name), batches, rate).messages
        finally:
            writer.close()

    def eventually(self, what: str, holds: Callable[[], bool]) -> None:
        """Waits until something holds.

        Raises:
            AssertionError: it does not within four minutes.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            dead = [directory for directory in self.jobs if not self.alive(directory.name)]
            assert not dead, "jobs ended by themselves\n" + "\n".join(map(_end_of_log, dead))
            if time.monotonic() >= deadline:
                self._tell_where_they_are()
            assert time.monotonic() < deadline, f"not within {PATIENCE_SECONDS:.0f} s: {what}"
            time.sleep(POLL_SECONDS)

    def _tell_where_they_are(self) -> None:
        """Lets each job write into its log where its threads are."""
        for job in self.jobs.values():
            os.kill(job.pid, signal.SIGUSR1)
        time.sleep(POLL_SECONDS)

    def settle(self) -> None:
        """Waits until no job does anything: nothing is read and nothing committed for a while.

        BigQuery's emulator shares one connection among all who ask it: it is asked when nobody writes.
        """
        seen: list[dict[str, int]] = []

        def quiet() -> bool:
            now: dict[str, int] = {}
            for directory in self.jobs:
                status = self.status(directory.name)
                counters = status.counters if status is not None else {}
                now |= {f"{directory.name}:{name}": counters.get(name, 0) for name in ("read", "commits")}
            seen.append(now)
            return len(seen) > QUIET_POLLS and all(former == now for former in seen[-QUIET_POLLS:])

        self.eventually("nothing is going on", quiet)

    def records(self) -> LiveRecords:
        """What the job has left in its tables."""
        return LiveRecords(self.config, self.workspace)

    def actions(self) -> dict[str, set[bytes]]:
        """Every action that was published since the last call, by id."""
        bodies: dict[str, set[bytes]] = defaultdict(set)
        for channel in self.workspace.channels:
            subscription = PubSubSubscription(
                self.config.project, self.audit(channel), emulator_host=pubsub_host(self.config)
            )
            try:
                while (pulled := subscription.pull(1000, 1.0)).payloads:
                    for body, attributes in zip(pulled.payloads, pulled.attributes, strict=True):
                        assert attributes["action_id"] == json.loads(body)["action_id"]
                        bodies[attributes["action_id"]].add(body)
                    subscription.acknowledge(pulled.ack_ids)
            finally:
                subscription.close()
        return bodies


def _end_of_log(directory: Path) -> str:
    """What a job said last, for those who only have the test's output."""
    lines = (directory / "log").read_text(errors="replace").splitlines()
    return "\n".join([f"{directory.name}:", *lines[-_LOG_LINES:]])
