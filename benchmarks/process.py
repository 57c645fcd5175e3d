"""Running a command and measuring what it took."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / ".data" / "benchmarks"
_TOLD_CHARACTERS = 2_000


class Usage(msgspec.Struct, frozen=True):
    """What a process took, from its start to its end, with all processes that it waited for.

    Attributes:
        cpu_seconds: of user and system together.
        peak_bytes: the greatest resident set of any one process.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int


def measured(command: Sequence[str | Path]) -> Usage:
    """Runs a command in the checkout's root, which it can import from.

    The peak is the kernel's own for the process (`wait4`). A process inherits the peak of the one that
    starts it, so that whoever calls this must stay small: no pyarrow, no Beam.

    Raises:
        RuntimeError: it failed; ends with what it said last.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            last = said.read().decode(errors="replace")[-_TOLD_CHARACTERS:]
            line = " ".join(map(str, command))
            raise RuntimeError(f"`{line}` ended with exit code {process.returncode}:\n{last}")
    return Usage(wall_seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)
