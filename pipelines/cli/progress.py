"""How far a run has come, on a terminal."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from sinks.progress_file import ProgressFile

_SECONDS = 0.2


@contextmanager
def shown(progress: ProgressFile, total_bytes: int | None) -> Iterator[None]:
    """Shows on a terminal's standard error what is read inside; nothing where that is no terminal.

    Args:
        total_bytes: how much there is to read, None where it cannot be told.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
    )
    ended = threading.Event()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("reading", total=total_bytes, counts="")
        watcher = threading.Thread(
            target=_watch, args=(progress, total_bytes, bar, task, ended), name="watcher", daemon=True
        )
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


def _watch(
    progress: ProgressFile, total_bytes: int | None, bar: Progress, task: TaskID, ended: threading.Event
) -> None:
    while not ended.wait(_SECONDS):
        read = progress.read()
        folding = total_bytes is not None and read.size_bytes >= total_bytes
        bar.update(
            task,
            completed=read.size_bytes,
            counts=f"{read.messages:,} events, {read.dead_letters:,} dead letters",
            description="folding" if folding else "reading",
        )
