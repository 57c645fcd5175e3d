"""The running job as a process that is started again whenever it ends by itself."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from pipelines.live_config import STATUS_NAME, Status, read_status
from pipelines.local.process_group import end_group, start_group
from schemas.errors import CjaasError

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0
STEADY_SECONDS: Final = 60.0
"""A job that ran so long before it ended is started again after the first pause, the shortest."""
_ERROR: Final = b"cjaas: "
_TAIL_BYTES: Final = 8_192


class RestartingJob:
    """A job's process, and the one after it.

    Dataflow repeats a bundle that fails for as long as it takes. Prism repeats none: it ends the job. What
    was not committed comes again from the firehose, so a job that is started again loses nothing. The pause
    before it, doubled each time, spares the machine where it fails again at once.
    """

    def __init__(
        self, words: Sequence[str], directory: Path, log: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Starts it.

        Args:
            words: the program, which writes its `Status` into the directory; it may say what was wrong
                in its last line, `cjaas: ...`.
            log: the file that what it prints is appended to.
            clock: seconds that only grow.
        """
        self._words = words
        self._directory = directory
        self._log = log
        self._clock = clock
        self._ran = False
        self._pause = FIRST_PAUSE_SECONDS
        self._starts_at = clock()
        self._start()

    def _start(self) -> None:
        self._log_begins = self._log.stat().st_size if self._log.exists() else 0
        self._process: subprocess.Popen[bytes] | None = start_group(self._words, self._log)
        self._started_at = self._clock()

    def look(self) -> str | None:
        """Sees to it that it runs.

        Returns:
            What a person should know where it has just ended by itself, None otherwise.

        Raises:
            CjaasError: no start has come so far that it said how it fares, so another would come no further.
        """
        if self._process is None:
            if self._clock() >= self._starts_at:
                self._start()
            return None
        code = self._process.poll()
        if code is None:
            return None
        self.stop()
        self._ran = self._ran or self.status() is not None
        if not self._ran:
            raise CjaasError(f"the job ended before it ran{self._why(code)}; see {self._log}")
        (self._directory / STATUS_NAME).unlink(missing_ok=True)
        now = self._clock()
        seconds = now - self._started_at
        pause = FIRST_PAUSE_SECONDS if seconds >= STEADY_SECONDS else self._pause
        self._pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        self._starts_at = now + pause
        return (
            f"The job ended by itself after {seconds:.0f} s{self._why(code)}; "
            f"it starts again in {pause:.0f} s; see {self._log}"
        )

    def _why(self, code: int) -> str:
        with self._log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(self._log_begins, size - _TAIL_BYTES))
            last = log.read().rstrip().rpartition(b"\n")[2]
        if last.startswith(_ERROR):
            return f": {last.removeprefix(_ERROR).decode(errors='replace')}"
        return f", with exit code {code}"

    def status(self) -> Status | None:
        """How it fares, None before it says so."""
        return read_status(self._directory)

    def stop(self) -> None:
        """Ends it, and all that it started."""
        if self._process is not None:
            end_group(self._process)
            self._process = None
