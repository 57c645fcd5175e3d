"""One SQLite file: opening it, writing to it among other processes, and telling what it refuses."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from schemas.errors import CjaasError

_BUSY_SECONDS = 60.0
_RETRY_SECONDS = 0.01

_REMEDIES = {
    sqlite3.SQLITE_FULL: "the disk is full: free space there and run again",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written: check its space and health, and run again",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened: check that its folder exists and may be written",
    sqlite3.SQLITE_READONLY: "it may not be written: check the rights of the file and its folder",
    sqlite3.SQLITE_PERM: "it may not be opened: check the rights of the file and its folder",
    sqlite3.SQLITE_BUSY: "another program holds it: close that program and run again",
    sqlite3.SQLITE_NOTADB: "it is not an SQLite database: choose the profiles.sqlite of a run",
    sqlite3.SQLITE_CORRUPT: "the database is damaged: make it again with `cjaas run`",
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns what SQLite refuses of the file at `path` into one line; mistakes in SQL rise as they are.

    Raises:
        CjaasError: the file cannot be opened, read or written.
    """
    try:
        yield
    except sqlite3.DatabaseError as error:
        remedy = _REMEDIES.get(result_code(error))
        if remedy is None:
            raise
        raise CjaasError(f"{path}: {remedy} (SQLite: {error})") from error


def connected(path: Path, mode: Literal["ro", "rwc"]) -> sqlite3.Connection:
    """A connection that waits a minute for other writers, and commits only where it is told to."""
    return sqlite3.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )


def layout_version(connection: sqlite3.Connection) -> int:
    """The `user_version` that the database carries; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def log_ahead(connection: sqlite3.Connection) -> None:
    """Sets the write-ahead log; SQLite's own waiting does not cover two processes that do so at once."""
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if result_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(_RETRY_SECONDS)


def result_code(error: sqlite3.DatabaseError) -> int:
    """SQLite's primary result code; 0 where Python's own checks failed."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction that holds the write lock from its start; nothing stays of one that fails."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
