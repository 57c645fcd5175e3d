"""A job's process that is started again whenever it ends by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pipelines.live_config import STATUS_NAME, Status
from pipelines.local.restarting_job import RestartingJob
from schemas.errors import CjaasError
from tests.pipelines.processes import members

PATIENCE_SECONDS = 30

SAY = f"""echo '{{"at_us": 1, "state": "RUNNING", "counters": {{}}}}' > new; mv new {STATUS_NAME}"""
STAYS = f"echo start; {SAY}; sleep 1000"
FALLS = f"echo start; {SAY}; sleep 1000 & exit 3"
"""It leaves a process behind, as a job that ends leaves its runner."""
LATER_NEVER_RUNS = f"echo start; [ -e once ] || {SAY}; touch once; exit 3"


class Job:
    """A job of one shell program, on a clock that the test turns."""

    def __init__(self, program: str, directory: Path) -> None:
        self.directory = directory
        self.log = directory / "job.log"
        self.now = 0.0
        words = ["sh", "-c", f"cd {directory}; {program}"]
        self.job = RestartingJob(words, directory, self.log, lambda: self.now)

    def starts(self) -> int:
        return self.log.read_text().count("start\n")

    def await_starts(self, number: int) -> None:
        self.until(lambda: self.starts() == number)

    def until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def ended(self) -> str:
        """What is told once it has ended."""
        told: list[str] = []

        def look() -> bool:
            word = self.job.look()
            told.extend([word] if word else [])
            return bool(told)

        self.until(look)
        return told[0]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[str], Job]]:
    jobs: list[Job] = []

    def start(program: str) -> Job:
        jobs.append(Job(program, tmp_path))
        return jobs[-1]

    yield start
    for job in jobs:
        job.job.stop()


def test_a_job_that_runs_is_left_alone(start: Callable[[str], Job]) -> None:
    job = start(STAYS)
    job.until(job.job.status)
    assert job.job.status() == Status(1, "RUNNING", {})
    assert job.job.look() is None
    assert job.starts() == 1


def test_each_end_is_told_and_each_pause_is_longer(start: Callable[[str], Job]) -> None:
    job = start(FALLS)
    pauses = [1, 2, 4, 8, 16, 30, 30]
    for starts, pause in enumerate(pauses, start=1):
        assert job.ended() == (
            "The job ended by itself after 0 s, with exit code 3; "
            f"it starts again in {pause} s; see {job.log}"
        )
        assert (job.job.look(), job.job.status()) == (None, None)
        job.now += pause - 0.5
        assert job.job.look() is None
        assert job.starts() == starts
        job.now += 0.5
        assert job.job.look() is None
        job.await_starts(starts + 1)


def test_the_error_that_it_said_last_is_told(start: Callable[[str], Job]) -> None:
    job = start(
        f"{SAY}; [ -e once ] && exit 4; touch once; echo starting; echo cjaas: failed: no table; exit 1"
    )
    assert "by itself after 0 s: failed: no table; it starts again in 1 s; see " in job.ended()
    job.now += 1
    job.job.look()
    # What an earlier one said is no word of this one.
    assert "by itself after 0 s, with exit code 4; it starts again in 2 s; see " in job.ended()


def test_what_an_ended_job_left_running_is_ended(start: Callable[[str], Job]) -> None:
    job = start(FALLS)
    assert job.job._process is not None
    group = job.job._process.pid
    job.ended()
    job.until(lambda: not members(group))


def test_a_job_that_ran_for_long_is_started_at_once(start: Callable[[str], Job]) -> None:
    job = start(FALLS)
    for _ in range(3):
        job.ended()
        job.now += 30
        job.job.look()
    job.now += 60
    assert "after 60 s, with exit code 3; it starts again in 1 s" in job.ended()


@pytest.mark.parametrize(
    ("said", "told"), [("a mistake", ", with exit code 2"), ("cjaas: no workspace", ": no workspace")]
)
def test_a_job_that_never_ran_is_a_mistake(start: Callable[[str], Job], said: str, told: str) -> None:
    job = start(f"echo {said}; exit 2")
    with pytest.raises(CjaasError, match=f"the job ended before it ran{told}; see {job.log}"):
        job.ended()
    assert job.log.read_text() == f"{said}\n"


def test_a_job_that_ran_once_is_started_however_early_it_ends(start: Callable[[str], Job]) -> None:
    job = start(LATER_NEVER_RUNS)
    for starts in (1, 2, 3):
        assert "ended by itself" in job.ended()
        assert job.starts() == starts
        job.now += 30
        job.job.look()


def test_a_pause_may_be_stopped(start: Callable[[str], Job]) -> None:
    job = start(FALLS)
    job.ended()
    job.job.stop()
    assert job.starts() == 1
