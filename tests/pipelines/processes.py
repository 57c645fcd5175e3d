"""Processes of this machine, as `ps` tells of them."""

from __future__ import annotations

import subprocess
from typing import NamedTuple


class Process(NamedTuple):
    """One that lives."""

    pid: int
    parent: int
    group: int
    words: str


def processes() -> list[Process]:
    """All of them, without those that have ended and wait for their parent to look."""
    words = ["ps", "-A", "-ww", "-o", "pid=,ppid=,pgid=,stat=,args="]
    lines = subprocess.run(words, capture_output=True, text=True, check=True).stdout.splitlines()
    split = [line.split(maxsplit=4) for line in lines]
    return [
        Process(int(pid), int(ppid), int(pgid), args)
        for pid, ppid, pgid, state, args in split
        if state[0] != "Z"
    ]


def members(group: int) -> list[int]:
    """The processes of a group."""
    return [process.pid for process in processes() if process.group == group]
