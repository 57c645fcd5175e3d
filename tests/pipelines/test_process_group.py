"""Process groups that end with the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.local.process_group import end_group, start_group
from tests.pipelines.command_line import ROOT
from tests.pipelines.processes import members

PATIENCE_SECONDS = 30

# A program that starts another, says so, and waits for both; it takes no word to end.
STUBBORN = "trap '' TERM; sleep 1000 & echo up; wait; sleep 1000"
MEEK = "sleep 1000 & echo up; exec sleep 1000"

PARENT = """
import sys
from pathlib import Path
from pipelines.local.process_group import start_group
leaders = [start_group(["sh", "-c", sys.argv[1]], Path(log)) for log in sys.argv[2:]]
print(*(leader.pid for leader in leaders), flush=True)
sys.stdin.read()
"""


def await_text(log: Path, text: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not log.exists() or text not in log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def await_end(groups: list[int]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(map(members, groups)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "logs" / "log"


@pytest.fixture
def groups() -> Iterator[list[int]]:
    """Groups that are ended whatever a test comes to."""
    groups: list[int] = []
    yield groups
    for group in groups:
        if members(group):
            os.killpg(group, signal.SIGKILL)


@pytest.mark.parametrize("program", [STUBBORN, MEEK])
def test_groups_end_with_a_process_that_is_killed(tmp_path: Path, groups: list[int], program: str) -> None:
    logs = [tmp_path / "1", tmp_path / "2"]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, program, *map(str, logs)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        groups += map(int, parent.stdout.readline().split())
        for log in logs:
            await_text(log, "up")
        assert [len(members(group)) for group in groups] == [3, 3]
        parent.kill()
    await_end(groups)


@pytest.mark.parametrize(("program", "code"), [(STUBBORN, -signal.SIGKILL), (MEEK, 128 + signal.SIGTERM)])
def test_what_is_left_of_a_group_is_ended(log: Path, groups: list[int], program: str, code: int) -> None:
    leader = start_group(["sh", "-c", program], log)
    groups.append(leader.pid)
    await_text(log, "up")
    assert len(members(leader.pid)) == 3
    end_group(leader, patience_seconds=0.2 if program == STUBBORN else PATIENCE_SECONDS)
    assert leader.returncode == code
    await_end(groups)


def test_a_program_may_end_in_order(log: Path) -> None:
    leader = start_group(["sh", "-c", "trap 'echo down; exit 3' TERM; echo up; sleep 1000 & wait"], log)
    await_text(log, "up")
    end_group(leader, PATIENCE_SECONDS)
    assert leader.returncode == 3
    assert log.read_text() == "up\ndown\n"


def test_the_leader_gives_the_exit_code_of_the_program(log: Path) -> None:
    leader = start_group(["sh", "-c", "echo $CJAAS_TEST; exit 7"], log, {**os.environ, "CJAAS_TEST": "x"})
    assert leader.wait(PATIENCE_SECONDS) == 7
    end_group(leader)
    assert (leader.returncode, log.read_text()) == (7, "x\n")
