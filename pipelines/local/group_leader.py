"""Runs a program, and ends its process group when standard input ends; a script that needs no package.

`python -I -S group_leader.py PROGRAM WORD...`, as the leader of a group of its own: see `process_group`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading


def main() -> int:
    """Gives the program's exit code; 128 and the signal's number where a signal ended it."""
    program = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    signal.signal(signal.SIGTERM, lambda *_: program.terminate())
    threading.Thread(target=_end_with_input, daemon=True).start()
    code = program.wait()
    return code if code >= 0 else 128 - code


def _end_with_input() -> None:
    # Not by `sys.stdin`, whose lock a daemon thread may not hold when the interpreter ends.
    while os.read(0, 1):
        pass
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
