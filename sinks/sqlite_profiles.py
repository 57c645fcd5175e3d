"""Profiles in one SQLite file: the embedded profile store."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from schemas.errors import CjaasError
from schemas.store import NO_TOKEN, Commit, DueRow, Head, Outbox
from sinks.sqlite_file import connected, explained, layout_version, log_ahead, result_code, writing

LAYOUT_VERSION = 1

_CACHE_KIB = 65_536
_READ_CHUNK = 1_000

# Pages of 8 kB hold several images of 1 kB and waste little on one of 5 kB. With rowids an image fills
# its page; without, an index page keeps a quarter of itself for one and sends the rest to overflow
# pages. A person has one due row: it is replaced by person and read by shard and time.
_TABLES = (
    "CREATE TABLE profiles (person_id TEXT PRIMARY KEY NOT NULL, image BLOB NOT NULL)",
    "CREATE TABLE heads (shard INTEGER PRIMARY KEY, sequence INTEGER NOT NULL,"
    " token TEXT NOT NULL, outbox BLOB)",
    "CREATE TABLE due (shard INTEGER NOT NULL, time_us INTEGER NOT NULL,"
    " person_id TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID",
    "CREATE INDEX due_by_time ON due (shard, time_us, person_id)",
    f"PRAGMA user_version = {LAYOUT_VERSION}",
)
_PAGE_BYTES = 8_192


class SqliteProfiles:
    """A `schemas.store.ProfileStore` in one file.

    It opens the file when it is first used, travels to other processes closed, and serves one thread
    at a time. Several processes may commit at once: SQLite lets one write after the other.

    Args:
        path: the database; made on first use.
        read_only: reads a database that exists, and changes nothing.
        durable: whether a commit outlives a power failure. Without, it outlives the process alone,
            which is what a bounded job needs: its output counts only once it is complete and renamed,
            and what a power failure leaves is made again from the input.
    """

    def __init__(self, path: Path, *, read_only: bool = False, durable: bool = False) -> None:
        self.path = Path(path)
        self.read_only = read_only
        self.durable = durable
        self._connection: sqlite3.Connection | None = None
        self._process = 0
        self._encoder = msgspec.json.Encoder()
        self._decoder = msgspec.json.Decoder(Outbox)

    def __repr__(self) -> str:
        return f"SqliteProfiles({str(self.path)!r}, read_only={self.read_only}, durable={self.durable})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt, (self.path, self.read_only, self.durable)

    def head(self, shard: int) -> Head:
        """The shard's head; a shard that never committed has sequence 0 and `NO_TOKEN`."""
        with explained(self.path):
            row = (
                self._opened()
                .execute("SELECT sequence, token, outbox FROM heads WHERE shard = ?", (shard,))
                .fetchone()
            )
        if row is None:
            return Head(sequence=0, token=NO_TOKEN, outbox=None)
        sequence, token, outbox = row
        return Head(sequence, token, None if outbox is None else self._decoder.decode(outbox))

    def images(self, person_ids: Sequence[str], shard: int | None = None) -> dict[str, bytes]:
        """The images of those persons that have one; the shard makes no difference."""
        found: dict[str, bytes] = {}
        with explained(self.path):
            connection = self._opened()
            for start in range(0, len(person_ids), _READ_CHUNK):
                chunk = person_ids[start : start + _READ_CHUNK]
                marks = ",".join("?" * len(chunk))
                found.update(
                    connection.execute(
                        f"SELECT person_id, image FROM profiles WHERE person_id IN ({marks})", chunk
                    )
                )
        return found

    def commit(self, commit: Commit) -> bool:
        """Writes head, images and due rows in one transaction; False if the token moved on."""
        outbox = self._encoder.encode(commit.outbox)
        images = sorted(commit.images.items())
        deadlines = sorted(commit.deadlines.items())
        with explained(self.path), writing(self._opened()) as connection:
            row = connection.execute("SELECT token FROM heads WHERE shard = ?", (commit.shard,)).fetchone()
            if (NO_TOKEN if row is None else row[0]) != commit.expected_token:
                return False
            connection.execute(
                "INSERT INTO heads (shard, sequence, token, outbox) VALUES (?, ?, ?, ?) ON CONFLICT (shard)"
                " DO UPDATE SET sequence = excluded.sequence, token = excluded.token,"
                " outbox = excluded.outbox",
                (commit.shard, commit.sequence, commit.token, outbox),
            )
            connection.executemany(
                "INSERT INTO profiles (person_id, image) VALUES (?, ?)"
                " ON CONFLICT (person_id) DO UPDATE SET image = excluded.image",
                images,
            )
            connection.executemany(
                "DELETE FROM due WHERE shard = ? AND time_us = ? AND person_id = ?",
                [(commit.shard, row.time_us, row.person_id) for row in commit.woken],
            )
            connection.executemany(
                "DELETE FROM due WHERE person_id = ?",
                [(person_id,) for person_id, time_us in deadlines if time_us is None],
            )
            connection.executemany(
                "INSERT INTO due (shard, time_us, person_id) VALUES (?, ?, ?) ON CONFLICT (person_id)"
                " DO UPDATE SET shard = excluded.shard, time_us = excluded.time_us",
                [
                    (commit.shard, time_us, person_id)
                    for person_id, time_us in deadlines
                    if time_us is not None
                ],
            )
        return True

    def acknowledge(self, shard: int, token: str) -> None:
        """Empties the outbox of the head that still has this token."""
        with explained(self.path), writing(self._opened()) as connection:
            connection.execute("UPDATE heads SET outbox = NULL WHERE shard = ? AND token = ?", (shard, token))

    def due(self, shard: int, until_us: int, limit: int) -> list[DueRow]:
        """The shard's due rows up to a time, inclusive, earliest first."""
        with explained(self.path):
            rows = (
                self._opened()
                .execute(
                    "SELECT time_us, person_id FROM due WHERE shard = ? AND time_us <= ?"
                    " ORDER BY time_us, person_id LIMIT ?",
                    (shard, until_us, limit),
                )
                .fetchall()
            )
        return [DueRow(time_us, person_id) for time_us, person_id in rows]

    def count(self) -> int:
        """How many persons have an image."""
        with explained(self.path):
            number: int = self._opened().execute("SELECT count(*) FROM profiles").fetchone()[0]
        return number

    def scan(self) -> Iterable[tuple[str, bytes]]:
        """Every person's id and image, by id; commits made meanwhile may show."""
        last = ""
        while True:
            with explained(self.path):
                rows = (
                    self._opened()
                    .execute(
                        "SELECT person_id, image FROM profiles WHERE person_id > ?"
                        " ORDER BY person_id LIMIT ?",
                        (last, _READ_CHUNK),
                    )
                    .fetchall()
                )
            yield from rows
            if len(rows) < _READ_CHUNK:
                return
            last = rows[-1][0]

    def close(self) -> None:
        """Closes the file; the last to close it folds SQLite's write-ahead log into it."""
        connection, self._connection = self._connection, None
        if connection is not None and self._process == os.getpid():
            with explained(self.path):
                connection.close()

    def finish(self) -> None:
        """Makes the file alone the whole database, when all writers have ended; makes it if need be.

        Afterwards it can be read from a folder that may not be written.
        """
        with explained(self.path):
            connection = self._opened()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("PRAGMA busy_timeout = 0")
            try:
                connection.execute("PRAGMA journal_mode = DELETE")
            except sqlite3.OperationalError as error:
                # Someone still has it open: the log stays beside it, empty.
                if result_code(error) != sqlite3.SQLITE_BUSY:
                    raise
        self.close()

    def _opened(self) -> sqlite3.Connection:
        """The connection of this process."""
        if self._connection is None or self._process != os.getpid():
            self._connection = self._open_to_read() if self.read_only else self._open_to_write()
            self._process = os.getpid()
        return self._connection

    def _open_to_read(self) -> sqlite3.Connection:
        if not self.path.is_file():
            raise CjaasError(
                f"{self.path}: no profiles found: expected the profiles.sqlite of a finished `cjaas run`"
            )
        connection = connected(self.path, "ro")
        try:
            if layout_version(connection) != LAYOUT_VERSION:
                raise self._foreign()
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_to_write(self) -> sqlite3.Connection:
        connection = connected(self.path, "rwc")
        try:
            connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
            log_ahead(connection)
            connection.execute(f"PRAGMA synchronous = {'FULL' if self.durable else 'OFF'}")
            connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            if layout_version(connection) != LAYOUT_VERSION:
                with writing(connection):
                    self._lay_out(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _lay_out(self, connection: sqlite3.Connection) -> None:
        """Makes the tables in an empty database; whoever comes second finds them."""
        if layout_version(connection) == LAYOUT_VERSION:
            return
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise self._foreign()
        for statement in _TABLES:
            connection.execute(statement)

    def _foreign(self) -> CjaasError:
        return CjaasError(
            f"{self.path}: not a profile database of this version of cjaas (expected layout"
            f" {LAYOUT_VERSION}): make it again with `cjaas run`"
        )


def _rebuilt(path: Path, read_only: bool, durable: bool) -> SqliteProfiles:
    return SqliteProfiles(path, read_only=read_only, durable=durable)
