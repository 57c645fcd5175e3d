"""The directory of a job that `cjaas up` runs: which process it is up in, and what one that was killed left.

The process locks the file that names it. A lock ends with its process, however that ends, and no other
process can be taken for it because it got the same number.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.live_config import LIVE_NAME, STATUS_NAME
from schemas.errors import CjaasError

PID_NAME = "up.pid"
_NAMES = (PID_NAME, LIVE_NAME, STATUS_NAME)


@contextmanager
def occupied(directory: Path) -> Iterator[None]:
    """Makes a directory this process's job's; what says that one is up there is new, and goes at the end.

    Raises:
        CjaasError: a job is up there.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / PID_NAME).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CjaasError(
                f"{directory}: a job is up there (process {occupant(directory)}); "
                "end it with `cjaas down` first"
            ) from None
        for name in (LIVE_NAME, STATUS_NAME):
            (directory / name).unlink(missing_ok=True)
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        try:
            yield
        finally:
            for name in _NAMES:
                (directory / name).unlink(missing_ok=True)


def occupant(directory: Path) -> int | None:
    """The process of the job that is up in a directory, None where there is none."""
    try:
        file = (directory / PID_NAME).open()
    except (FileNotFoundError, NotADirectoryError):
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            # One that is about to come up has not named itself yet.
            return int(file.read() or 0) or None
    return None


def left_behind(directory: Path) -> list[str]:
    """The files of a job that is not up any more and did not end in order, by name."""
    if not (directory / PID_NAME).exists() or occupant(directory) is not None:
        return []
    return [name for name in _NAMES if (directory / name).exists()]


def clear(directory: Path) -> None:
    """Removes what was left behind.

    Raises:
        CjaasError: a job is up there.
    """
    with occupied(directory):
        pass
