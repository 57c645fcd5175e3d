"""Starts `bqemulator` so that it bears several clients; run by the Python of its own environment.

As it stands it serves each open AppendRows stream by a thread of a pool of six, which a client that was
killed leaves taken, and lets all threads share one DuckDB connection, whose pending results they take from
each other. Here the pool is large, and each thread has a cursor. It also copies a whole table after each
append, for time travel: here it does not, and `FOR SYSTEM_TIME AS OF` reads what there is now.
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc.aio
from bqemulator.cli import main
from bqemulator.storage.engine import DuckDBEngine
from bqemulator.versioning.snapshots import SnapshotManager

_THREADS = 1_000


def _bear_many_streams() -> None:
    server = grpc.aio.server

    def with_threads(*arguments: Any, **more: Any) -> Any:
        return server(*arguments, migration_thread_pool=ThreadPoolExecutor(_THREADS), **more)

    grpc.aio.server = with_threads


def _give_each_thread_a_cursor() -> None:
    shared = DuckDBEngine.connection
    local = threading.local()
    cutting = threading.Lock()

    def connection(engine: DuckDBEngine) -> Any:
        cursor = getattr(local, "cursor", None)
        if cursor is None:
            with cutting:
                cursor = local.cursor = shared.fget(engine).cursor()
        return cursor

    DuckDBEngine.connection = property(connection)


def _keep_no_copies() -> None:
    capture = SnapshotManager.capture

    def capture_if_asked(self: SnapshotManager, *table: str, kind: str = "AUTO") -> Any:
        return None if kind == "AUTO" else capture(self, *table, kind=kind)

    SnapshotManager.capture = capture_if_asked


if __name__ == "__main__":
    _bear_many_streams()
    _give_each_thread_a_cursor()
    _keep_no_copies()
    sys.exit(main())
