"""A process gives back the memory that it needed for a while."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from tests.pipelines.command_line import ROOT

PROGRAM = """
import sys
from pathlib import Path
import pyarrow
from pipelines.allocator import keep_small

if sys.argv[1] == "small":
    assert keep_small()
    assert pyarrow.default_memory_pool().backend_name == "system"


def resident_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


# Whoever freed a large block once gets all that are smaller from the heap from then on.
large = b"x" * 20_000_000
del large
before = resident_mb()
blocks = [b"%d" % number * 100_000 for number in range(200)]
kept = b"y" * 200_000
del blocks
print(resident_mb() - before)
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="the C library has no mallopt")
def test_what_was_needed_for_a_while_is_given_back() -> None:
    grown = {}
    for how in ("small", "as_it_is"):
        command = [sys.executable, "-c", PROGRAM, how]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        grown[how] = float(done.stdout)
    assert grown["as_it_is"] > 30
    assert grown["small"] < 5
