"""The processes that a local job runs in."""

from __future__ import annotations

import os
import shlex
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from apache_beam.transforms.environments import SubprocessSDKEnvironment

_OWN_THREADS = ("watcher", "reminder")


class WorkerProcesses:
    """Processes of `pipelines.local_worker`: they live until this is left, or this process dies.

    Args:
        number: how many.
        pipe: where to make the named pipe that they hang on.
        lost: is told, from another thread, of a process that ended too soon.
    """

    def __init__(self, number: int, pipe: Path, lost: Callable[[str], None]) -> None:
        self.number = number
        self._pipe = pipe
        self._lost = lost
        self._descriptor: int | None = None
        self._hook = threading.excepthook

    def __enter__(self) -> Self:
        os.mkfifo(self._pipe)
        # Open for both, since a pipe without a reader cannot be opened for writing alone.
        self._descriptor = os.open(self._pipe, os.O_RDWR)
        threading.excepthook = self._told
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()
        threading.excepthook = self._hook
        self._pipe.unlink(missing_ok=True)

    def end(self) -> None:
        """Ends them at once; nothing to do the second time."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def environment(self) -> SubprocessSDKEnvironment:
        """How Beam starts one."""
        words = (sys.executable, "-m", "pipelines.local_worker", str(self._pipe.absolute()))
        return SubprocessSDKEnvironment.from_command_string(f"exec {shlex.join(words)}")

    def _told(self, raised: threading.ExceptHookArgs) -> None:
        """Hears of a worker that ended: the threads of Beam's that wait for it raise."""
        if self._descriptor is None:
            return
        if raised.thread is not None and raised.thread.name in _OWN_THREADS:
            self._hook(raised)
        else:
            self._lost("a worker process ended before its work was done; run again, with fewer --workers")
