"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from schemas.errors import CjaasError

UNFINISHED_SUFFIX = ".unfinished"

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_STEM_CHARACTERS = 60


def file_stem(origin: str) -> str:
    """A file name without suffix for what came from `origin`: readable, safe, one for each origin.

    The readable part is the end of the origin's last path segment; a hash of the whole origin tells
    equal ends apart.
    """
    readable = _UNSAFE.sub("-", re.split(r"[/\\]", origin)[-1]).strip(".-")[-_STEM_CHARACTERS:].lstrip(".-")
    digest = sha256(origin.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{readable}-{digest}" if readable else digest


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes the place of `path` in one step when the block ends well.

    It is written beside `path` under a hidden name that is unique to the writing thread. Folders are
    made as needed. A crash may leave the hidden file, never half of `path`.

    Raises:
        CjaasError: the file cannot be written.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}{UNFINISHED_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with unfinished.open("wb", buffering=1 << 16) as file:
                yield file
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise CjaasError(
            f"{path}: cannot be written: {error.strerror or error}; "
            "free space or rights there, or choose another output, and run again"
        ) from error


def remove_unfinished(directory: Path) -> None:
    """Removes what crashed writers left under a directory in which nobody writes any more."""
    for folder, _, names in os.walk(directory):
        for name in names:
            if name.startswith(".") and name.endswith(UNFINISHED_SUFFIX):
                Path(folder, name).unlink(missing_ok=True)
