"""A running job as a process: `python -m pipelines.live_job DIRECTORY`, ended by SIGTERM or Ctrl-C."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

import msgspec

from pipelines.allocator import keep_small
from pipelines.live_config import LIVE_NAME, STATUS_NAME, LiveConfig, Status, read_live_config
from pipelines.silence import silence_logs
from pipelines.wall_clock import wall_clock_us
from schemas.errors import CjaasError
from sinks.replacing import replacing

STATUS_SECONDS = 1.0


def run(config: LiveConfig, status: Path, stop: threading.Event) -> None:
    """Runs the job until it is told to stop.

    Raises:
        CjaasError: it ended by itself.
    """
    silence_logs()
    from pipelines.journey import JourneyConfig, build
    from pipelines.live_services import live_subscription
    from pipelines.live_sinks import live_sinks
    from pipelines.local.prism import LiveRun
    from pipelines.version import VERSION
    from schemas.workspace import load_workspace
    from transforms.read_messages import ReadMessages

    workspace = load_workspace(Path(config.workspace), os.environ)
    subscription = live_subscription(config)
    source = ReadMessages(subscription, wall_clock_us, config.readers)
    journey = JourneyConfig(workspace, VERSION, wall_clock_us)
    sinks = live_sinks(config, workspace)
    live = LiveRun(lambda pipeline: build(pipeline, journey, source, sinks))
    while not stop.wait(STATUS_SECONDS):
        state = live.state()
        with replacing(status) as file:
            file.write(msgspec.json.encode(Status(wall_clock_us(), state, live.counters())))
        if state in ("FAILED", "DONE", "CANCELLED"):
            raise CjaasError(f"{state.lower()}: {live.cause()}")
    live.stop()


def main() -> NoReturn:
    """Runs the job of the directory that is named, and ends the process."""
    keep_small()
    directory = Path(sys.argv[1])
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    code = 0
    try:
        run(read_live_config(directory / LIVE_NAME), directory / STATUS_NAME, stop)
    except CjaasError as error:
        print(f"cjaas: {error}", file=sys.stderr)  # noqa: T201
        code = error.exit_code
    # The runner's threads may still wait for what was cancelled, or failed.
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
