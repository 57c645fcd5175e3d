"""Beam's in-process runner, for bounded jobs on one machine."""

from __future__ import annotations

import re
from collections.abc import Callable

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from pipelines.counters import summed
from pipelines.loopback import loopback_servers
from pipelines.worker_processes import WorkerProcesses
from schemas.errors import CjaasError, InputError
from transforms.pausing import paused_collection

_WHERE = re.compile(r" \[while running .*\]")
_TOLD = re.compile(r"schemas\.errors\.(\w+): (.*?)(?: \[while running .*)?$", re.MULTILINE)


def run_bounded(
    build: Callable[[beam.Pipeline], object], processes: WorkerProcesses | None = None
) -> dict[str, int]:
    """Runs a pipeline to its end.

    Args:
        build: adds the job's steps.
        processes: the processes to run it in; None for this one.

    Returns:
        The job's counters, by name, over all steps.

    Raises:
        CjaasError: what a step raised, told as it was.
    """
    options = PipelineOptions(
        direct_num_workers=1 if processes is None else processes.number, direct_running_mode="in_memory"
    )
    runner = FnApiRunner() if processes is None else FnApiRunner(processes.environment())
    pipeline = beam.Pipeline(runner=runner, options=options)
    build(pipeline)
    try:
        # Between two batches too: a collection would walk through all that is grouped so far.
        with paused_collection(), loopback_servers():
            result = pipeline.run()
            result.wait_until_finish()
    except CjaasError as error:
        raise type(error)(_WHERE.sub("", str(error))) from None
    except RuntimeError as error:
        # Worker processes turn what a step raised into text.
        told = _TOLD.search(str(error))
        if told is None:
            raise
        kind = InputError if told[1] == "InputError" else CjaasError
        raise kind(told[2]) from None
    return summed(result.metrics().query()["counters"])
