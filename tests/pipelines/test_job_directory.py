"""The directory of a job: one job at a time, and what a killed one leaves is told from one that is up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.live_config import LIVE_NAME, STATUS_NAME
from pipelines.local.job_directory import PID_NAME, clear, left_behind, occupant, occupied
from schemas.errors import CjaasError
from tests.pipelines.command_line import ROOT, SHOP, cjaas

OCCUPY = """
import sys
from pathlib import Path
from pipelines.local.job_directory import occupied
with occupied(Path(sys.argv[1])):
    Path(sys.argv[1], "live.json").touch()
    print(flush=True)
    sys.stdin.read()
"""


@contextmanager
def another(directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a job in a directory."""
    words = [sys.executable, "-c", OCCUPY, str(directory)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"\n"
        yield process


def test_a_job_is_up_from_entry_to_exit(tmp_path: Path) -> None:
    directory = tmp_path / "out" / "live"
    assert occupant(directory) is None
    with occupied(directory):
        assert occupant(directory) == os.getpid()
        assert left_behind(directory) == []
        (directory / LIVE_NAME).touch()
    assert (occupant(directory), left_behind(directory), list(directory.iterdir())) == (None, [], [])


def test_a_directory_has_one_job(tmp_path: Path) -> None:
    with another(tmp_path) as process:
        assert occupant(tmp_path) == process.pid
        for attempt in (occupied(tmp_path).__enter__, lambda: clear(tmp_path)):
            with pytest.raises(CjaasError, match=f"a job is up there \\(process {process.pid}\\)"):
                attempt()
        assert (tmp_path / LIVE_NAME).exists()


def test_what_a_killed_job_left_is_no_job(tmp_path: Path) -> None:
    with another(tmp_path) as process:
        process.kill()
    # Its number may be another process's by now: this one's.
    (tmp_path / PID_NAME).write_text(str(os.getpid()))
    assert occupant(tmp_path) is None
    assert left_behind(tmp_path) == [PID_NAME, LIVE_NAME]
    where = ("--workspace", SHOP, "--output", tmp_path)
    for words in (("publish", "events.ndjson"), ("tail", "web"), ("sql", "SELECT 1"), ("profiles",)):
        done = cjaas(*words, *where)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert "found what one left that was killed; run `cjaas down`, then `cjaas up`" in done.err
    assert cjaas("down", *where).out == (
        f"No job is up in {tmp_path}: it did not end in order. Removed what it left: up.pid, live.json.\n"
    )
    assert list(tmp_path.iterdir()) == []
    done = cjaas("down", *where)
    assert (done.code, done.err) == (1, f"cjaas: --output {tmp_path}: no job is up there\n")


def test_a_job_that_comes_up_takes_over_what_was_left(tmp_path: Path) -> None:
    with another(tmp_path) as process:
        process.kill()
    (tmp_path / STATUS_NAME).touch()
    with occupied(tmp_path):
        assert [path.name for path in tmp_path.iterdir()] == [PID_NAME]


def test_a_job_that_no_up_runs_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / LIVE_NAME).touch()
    assert left_behind(tmp_path) == []
    assert cjaas("down", "--output", tmp_path).code == 1
    assert (tmp_path / LIVE_NAME).exists()
