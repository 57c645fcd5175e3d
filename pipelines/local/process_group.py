"""A program and all that it starts as one process group, which ends with the process that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_LEADER = Path(__file__).with_name("group_leader.py")


def start_group(
    words: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Starts a program in a group of its own: Ctrl-C is for who started it, which ends it in its own time.

    The group hangs on a pipe that this process holds open. However this process ends, by `kill -9` too,
    the pipe's end is the group's.

    Args:
        log: the file that what it prints is appended to.
        environment: of the program; this process's own unless said otherwise.

    Returns:
        The group's leader: its id is the group's, its exit code the program's.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", str(_LEADER), *words],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env=environment,
        )


def end_group(leader: subprocess.Popen[bytes], patience_seconds: float = 15.0) -> None:
    """Asks a program to end, then ends what is left of its group: the program too, if it takes too long."""
    leader.terminate()
    with suppress(subprocess.TimeoutExpired):
        leader.wait(patience_seconds)
    with suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGKILL)
    leader.wait()
    if leader.stdin is not None:
        leader.stdin.close()
