"""The life of an output directory: built beside its place, and there as a whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from glob import escape
from itertools import count
from pathlib import Path

from schemas.errors import CjaasError, UsageError
from sinks.replacing import remove_unfinished

SUMMARY_NAME = "summary.json"
_PARTIAL = "partial"


class OutputDirectory:
    """A directory that a run fills.

    The run writes to `partial`, a hidden directory beside `path`, which `publish` renames; a crash
    leaves no more than that. A process that is killed loses nothing that was published. A power failure
    within seconds of the end may: nothing is forced to the disk, and the run is repeated.

    Args:
        path: where the output will stand. Its parents are made as needed.
        overwrite: whether an output that stands there is replaced.
        reads: files and folders that the run reads, which must not lie inside what is replaced.
    """

    def __init__(self, path: Path, overwrite: bool = False, reads: Sequence[Path] = ()) -> None:
        self.path = Path(path).resolve()
        self.overwrite = overwrite
        self._reads = tuple(Path(read) for read in reads)
        self._partial: Path | None = None

    @property
    def partial(self) -> Path:
        """The directory to write to, between `start` and `publish`."""
        if self._partial is None:
            raise RuntimeError("the output directory is not started")
        return self._partial

    def start(self) -> Path:
        """Checks the place and makes the directory to write to.

        Raises:
            UsageError: the output cannot stand at `path`, or something there would be lost.
            CjaasError: the directory cannot be made.
        """
        with self._told("cannot be made"):
            self._check()
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._partial = self._make_hidden(_PARTIAL)
        return self._partial

    def publish(self) -> Path:
        """Puts the finished directory in its place, and gives it back.

        Raises:
            CjaasError: it cannot be put there; it stays where it was built, and the line says where.
        """
        partial = self.partial
        replaced: Path | None = None
        with self._told("cannot be replaced by the finished output", partial):
            remove_unfinished(partial)
            if self.overwrite and _is_filled(self.path):
                replaced = self._make_hidden("replaced")
                self.path.replace(replaced)
            try:
                partial.replace(self.path)
            except OSError:
                if replaced is not None:
                    replaced.replace(self.path)
                raise
        self._partial = None
        if replaced is not None:
            shutil.rmtree(replaced, ignore_errors=True)
        return self.path

    def discard(self) -> None:
        """Removes what was not published; nothing to do after `publish`."""
        if self._partial is not None:
            shutil.rmtree(self._partial, ignore_errors=True)
            self._partial = None

    def _check(self) -> None:
        path = self.path
        if path.exists() and not path.is_dir():
            raise UsageError(f"{path}: expected a directory for the output, found a file: choose another")
        if path.is_mount():
            raise UsageError(f"{path}: is a mount point, which cannot be replaced: choose a directory in it")
        if path == Path.cwd() or path in Path.cwd().parents:
            raise UsageError(f"{path}: holds the current directory: choose a directory in it, or beside it")
        if not _is_filled(path):
            return
        if not self.overwrite:
            raise UsageError(f"{path}: is not empty: choose another output, or add --overwrite to replace it")
        if not (path / SUMMARY_NAME).is_file():
            raise UsageError(
                f"{path}: is not an output of cjaas (it holds no {SUMMARY_NAME}) and is not replaced:"
                " choose another output"
            )
        for read in self._reads:
            if path in (read.resolve(), *read.resolve().parents):
                raise UsageError(
                    f"{path}: --overwrite would delete {read}, which the run reads: choose another"
                )

    def _make_hidden(self, purpose: str) -> Path:
        """Makes a new directory beside the output, named by its purpose."""
        for number in count(1):
            hidden = self.path.with_name(f".{self.path.name}.{purpose}-{number}")
            try:
                hidden.mkdir()
            except FileExistsError:
                continue
            return hidden
        raise AssertionError("count() ends")

    @contextmanager
    def _told(self, failure: str, kept: Path | None = None) -> Iterator[None]:
        """Tells in one line what the file system refuses."""
        try:
            yield
        except OSError as error:
            rest = "" if kept is None else f"; the finished output is kept in {kept}"
            raise CjaasError(
                f"{self.path}: {failure}: {error.strerror or error}: "
                f"choose an output that may be written{rest}"
            ) from error


def under_way(path: Path) -> bool:
    """Whether something is being built for this place, or was when it was killed."""
    path = Path(path).resolve()
    return next(path.parent.glob(f".{escape(path.name)}.{_PARTIAL}-*"), None) is not None


def _is_filled(path: Path) -> bool:
    """Whether there is a directory with something in it."""
    try:
        with os.scandir(path) as entries:
            return next(entries, None) is not None
    except FileNotFoundError:
        return False
