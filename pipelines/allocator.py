"""How a process that runs for months keeps its memory small."""

from __future__ import annotations

import ctypes
from typing import Final

import pyarrow

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_ARENA_MAX: Final = -8
_ARENAS: Final = 2
_THRESHOLD_BYTES: Final = 128 * 1024


def keep_small() -> bool:
    """Has what is freed given back to the system; called before there are threads. False without glibc.

    By itself glibc makes eight arenas a core for threads, each with holes of its own, and keeps ever larger
    blocks in them once a large one was freed: after an hour under pressure a process stays as large as it was
    then (mallopt(3)). Arrow's own allocator keeps tens of MB of what batches needed, so it is to use glibc's.
    """
    pyarrow.set_memory_pool(pyarrow.system_memory_pool())
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = {
        _ARENA_MAX: _ARENAS,
        _MMAP_THRESHOLD: _THRESHOLD_BYTES,
        _TRIM_THRESHOLD: _THRESHOLD_BYTES,
    }
    taken = [mallopt(name, value) for name, value in settings.items()]
    return all(taken)
