"""Prism, Beam's local streaming runner: found, started with a pipeline on loopback, and ended with it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.counters import summed
from schemas.errors import CjaasError
from schemas.metrics import NAMESPACE

if TYPE_CHECKING:
    import apache_beam as beam

_OWN = Path(__file__).resolve().parents[2] / ".tools" / "prism"
HOW_TO = "Prism, Beam's local runner, is not here: run `make emulators`, which builds it with Go"


def find_prism() -> Path | None:
    """The program, None where this machine has none."""
    if _OWN.exists():
        return _OWN
    found = shutil.which("prism")
    return Path(found) if found else None


class LiveRun:
    """A job that runs on Prism, with its workers in this process."""

    def __init__(self, build: Callable[[beam.Pipeline], object]) -> None:
        """Starts it.

        Args:
            build: adds the job's steps.

        Raises:
            CjaasError: there is no Prism.
        """
        # Who only looks for Prism does not wait for Beam.
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
        from apache_beam.runners.portability.prism_runner import PrismRunner

        prism = find_prism()
        if prism is None:
            raise CjaasError(HOW_TO)
        options = PipelineOptions(
            streaming=True,
            environment_type="LOOPBACK",
            prism_location=str(prism),
            prism_log_level="error",
            job_name="cjaas",
        )
        pipeline = beam.Pipeline(runner=PrismRunner(), options=options)
        build(pipeline)
        self._result: Any = pipeline.run()

    def counters(self) -> dict[str, int]:
        """The job's counters and gauges so far, by name."""
        # The result asks once and keeps the answer, which is for jobs that have ended.
        self._result._metrics = None
        metrics = self._result.metrics().query()
        gauges = {
            item.key.metric.name: item.committed.value
            for item in metrics["gauges"]
            if item.key.metric.namespace == NAMESPACE and item.committed
        }
        return summed(metrics["counters"]) | gauges

    def state(self) -> str:
        """Beam's name of the state that it is in, such as RUNNING."""
        return str(self._result.state)

    def cause(self) -> str:
        """Why it ended, once it has: the error that it ended with, in a line."""
        try:
            self._result.wait_until_finish()
        except RuntimeError as error:
            return next(line for line in reversed(str(error).splitlines()) if line.strip())
        return "nothing was left to do"

    def stop(self) -> None:
        """Cancels it: what is not committed comes again."""
        self._result.cancel()
