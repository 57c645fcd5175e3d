"""A job on Prism, and what is known of one that has ended."""

from __future__ import annotations

import logging
import time

import apache_beam as beam
import pytest

from pipelines.local.prism import HOW_TO, LiveRun, find_prism
from tests.emulators import missing

PATIENCE_SECONDS = 60

# It tells at the end of the process that it ends Prism, behind the tests' closing line.
logging.getLogger("apache_beam.utils.subprocess_server").setLevel(logging.ERROR)


def refuse(number: int) -> int:
    raise ValueError(f"expected no number,\nfound {number}")


@pytest.mark.parametrize(
    ("step", "state", "cause"),
    [
        (refuse, "FAILED", "found 7 [while running 'Step']"),
        (abs, "DONE", "nothing was left to do"),
    ],
)
def test_why_a_job_ended(step: object, state: str, cause: str) -> None:
    if find_prism() is None:
        missing(HOW_TO)
    run = LiveRun(lambda pipeline: pipeline | "Create" >> beam.Create([7]) | "Step" >> beam.Map(step))
    deadline = time.monotonic() + PATIENCE_SECONDS
    while run.state() not in ("FAILED", "DONE"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (run.state(), run.cause()) == (state, cause)
