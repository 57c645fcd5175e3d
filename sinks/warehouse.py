"""SQL over an output directory, by DuckDB."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.decision import Decision
from schemas.errors import CjaasError
from schemas.journal import Result, TapeEvent
from schemas.timestamps import format_rfc3339
from sinks.decision_files import DECISION_SCHEMA, decision_of
from sinks.sqlite_profiles import SqliteProfiles
from sinks.tape_rows import TAPE_SCHEMA, json_array

_MEMORY_LIMIT = "1GB"
_LINE_BYTES = 64 * 1024 * 1024
_PROFILE_CHUNK = 10_000

_PROFILE_SCHEMA = pa.schema(
    [
        pa.field("person_id", pa.string(), nullable=False),
        pa.field("image", pa.json_(pa.string()), nullable=False),
    ]
)

_DEAD_LETTER_COLUMNS = {
    "payload": "VARCHAR",
    "payload_base64": "VARCHAR",
    "payload_sha256": "VARCHAR",
    "attributes": "JSON",
    "message_id": "VARCHAR",
    "publish_time": "TIMESTAMPTZ",
    "stage": "VARCHAR",
    "error": "VARCHAR",
    "detail": "VARCHAR",
    "workspace": "VARCHAR",
    "type": "VARCHAR",
    "schema": "VARCHAR",
    "pipeline_version": "VARCHAR",
}

# One row an event: the copy published first. The window is partitioned by `date` too, so that a
# condition on `date` is checked before any file is opened.
_EXACTLY_ONCE = """
    SELECT * FROM tape_raw
    QUALIFY row_number() OVER (
        PARTITION BY workspace, source, event_id, date ORDER BY publish_time, message_id
    ) = 1
"""

_EXPLAIN = re.compile(r"\s*EXPLAIN\b\s*(ANALYZE\b)?\s*(\([^)]*\))?", re.IGNORECASE)
_PROFILES = re.compile(r"\bprofiles\b", re.IGNORECASE)


class TapeCounts(NamedTuple):
    """What stands on the tape."""

    rows: int
    events: int

    @property
    def duplicates(self) -> int:
        """Rows that repeat an event."""
        return self.rows - self.events


class Warehouse:
    """Views over the output directory of a run, read only.

    `tape` has one row an event: of copies under one workspace, source, event id and day the one that
    was published first, then the least message id. `tape_raw` has all rows. Both have `date`, the UTC
    day of `event_time`: a condition on `date` reads the files of those days alone, one on `event_time`
    reads all. `decisions` and `dead_letters` have what the files have, `profiles` a `person_id` and its
    `image`. A part of the output that is missing is an empty view.

    Times are shown in UTC. A query reads nothing but this output, takes 1 GB of memory and then
    temporary files.

    Args:
        output: the directory that a run wrote.

    Raises:
        CjaasError: there is no such directory.
    """

    def __init__(self, output: Path) -> None:
        self.output = Path(output).resolve()
        if not self.output.is_dir():
            raise CjaasError(f"{self.output}: no such directory: expected the output of `cjaas run`")
        self._scratch = tempfile.TemporaryDirectory(prefix="cjaas-sql-")
        self._profiles_loaded = False
        self._connection = duckdb.connect()
        try:
            with self._told():
                self._restrict()
                self._define_views()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection and removes its temporary files."""
        self._connection.close()
        self._scratch.cleanup()

    def sql(self, query: str) -> Result:
        """The answer to one query that reads.

        Raises:
            CjaasError: the query is wrong, does more than read, or is not exactly one.
        """
        with self._told():
            statements = self._connection.extract_statements(query)
        if len(statements) != 1 or not self._reads(statements[0]):
            raise CjaasError(
                "expected one query that reads (SELECT, FROM, DESCRIBE, EXPLAIN ...): correct it"
            )
        return self._query(query)

    def counts(self) -> TapeCounts:
        """Rows and events on the tape; past the memory limit, the keys are counted in temporary files."""
        (total,) = self._query(
            "SELECT coalesce(sum(copies), 0)::BIGINT, count(*) FROM (SELECT count(*) AS copies"
            " FROM tape_raw GROUP BY workspace, source, event_id, date)"
        ).rows
        return TapeCounts(*total)

    def duplicates(self) -> int:
        """How many rows of the tape repeat an event."""
        return self.counts().duplicates

    def decisions_of_person(self, person_id: str) -> list[Decision]:
        """A person's decisions, oldest first."""
        return self._decisions("person_id", person_id)

    def decisions_of_action(self, action_id: str) -> list[Decision]:
        """The decisions that name an action, oldest first."""
        return self._decisions("action_id", action_id)

    def persons_of(self, identity: str) -> list[str]:
        """The ids of the persons whose events carry an identity, `namespace:value`."""
        found = self._query(
            "SELECT DISTINCT person_id FROM tape_raw WHERE list_contains(identities, ?) ORDER BY 1",
            (identity,),
        )
        return [person_id for (person_id,) in found.rows]

    def events_of(self, person_ids: Sequence[str], until_us: int) -> Iterator[TapeEvent]:
        """Each event of these persons up to a time in microseconds, inclusive, by person."""
        until = format_rfc3339(until_us)
        rows = self._query(
            "SELECT person_id, event_id, source, type, event_time, publish_time, schema, identities,"
            " data::VARCHAR, extensions::VARCHAR FROM tape"
            " WHERE list_contains(?, person_id) AND date <= ?::DATE AND event_time <= ?::TIMESTAMPTZ"
            " ORDER BY person_id",
            (list(person_ids), until[:10], until),
        ).rows
        return map(TapeEvent._make, rows)

    def _decisions(self, column: str, value: str) -> list[Decision]:
        result = self._query(
            f"SELECT * FROM decisions WHERE {column} = ? ORDER BY as_of, shard, sequence, decision_id",
            (value,),
        )
        return [decision_of(dict(zip(result.columns, row, strict=True))) for row in result.rows]

    def _query(self, query: str, values: Sequence[object] = ()) -> Result:
        if _PROFILES.search(query) and not self._profiles_loaded:
            self._load_profiles()
        with self._told():
            answer = self._connection.execute(query, values)
            return Result(tuple(column[0] for column in answer.description), answer.fetchall())

    def _reads(self, statement: Any) -> bool:
        """Whether a statement is a query, or explains one."""
        if statement.type == duckdb.StatementType.SELECT:
            return True
        if statement.type != duckdb.StatementType.EXPLAIN:
            return False
        with self._told():
            explained = self._connection.extract_statements(_EXPLAIN.sub("", statement.query, count=1))
        return [inner.type for inner in explained] == [duckdb.StatementType.SELECT]

    def _restrict(self) -> None:
        """Bounds memory, and leaves no way to other files, extensions or settings."""
        folders = {f"{self.output}/", f"{_escaped(self.output)}/", f"{self._scratch.name}/"}
        for setting in (
            "TimeZone = 'UTC'",
            f"memory_limit = '{_MEMORY_LIMIT}'",
            f"temp_directory = {_quoted(f'{self._scratch.name}/spill')}",
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
            "allow_community_extensions = false",
            f"allowed_directories = [{', '.join(map(_quoted, sorted(folders)))}]",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            self._connection.execute(f"SET {setting}")

    def _define_views(self) -> None:
        tape = self._files("tape/date=*/*.parquet", lambda path: _write_empty(TAPE_SCHEMA, path))
        decisions = self._files("decisions/*.parquet", lambda path: _write_empty(DECISION_SCHEMA, path))
        letters = self._files("dead_letters/*.ndjson", lambda path: path.touch())
        profiles = self._scratch_file("profiles/empty.parquet")
        _write_empty(_PROFILE_SCHEMA, profiles)
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in _DEAD_LETTER_COLUMNS.items())
        for name, source in {
            "tape_raw": f"FROM read_parquet({tape}, hive_partitioning = true, hive_types = {{date: DATE}})",
            "tape": _EXACTLY_ONCE,
            "decisions": f"FROM read_parquet({decisions})",
            "dead_letters": f"FROM read_ndjson({letters}, columns = {{{columns}}},"
            f" maximum_object_size = {_LINE_BYTES})",
            "profiles": f"FROM read_parquet({_quoted(_escaped(profiles))})",
        }.items():
            self._connection.execute(f"CREATE VIEW {name} AS {source}")

    def _files(self, pattern: str, write_empty: Callable[[Path], None]) -> str:
        """The files of a part of the output as an SQL literal; an empty file where there are none."""
        if next(self.output.glob(pattern), None) is not None:
            return _quoted(f"{_escaped(self.output)}/{pattern}")
        empty = self._scratch_file(pattern.replace("date=*", "date=1970-01-01").replace("*", "empty"))
        write_empty(empty)
        return _quoted(_escaped(empty))

    def _scratch_file(self, name: str) -> Path:
        path = Path(self._scratch.name, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _load_profiles(self) -> None:
        """Copies the profiles to where DuckDB can read them."""
        source = self.output / "profiles.sqlite"
        if source.exists():
            copy = self._scratch_file("profiles/profiles.parquet")
            _copy_profiles(source, copy)
            with self._told():
                self._connection.execute(
                    f"CREATE OR REPLACE VIEW profiles AS FROM read_parquet({_quoted(_escaped(copy))})"
                )
        self._profiles_loaded = True

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tells in one line what DuckDB refuses."""
        try:
            yield
        except duckdb.Error as error:
            raise CjaasError(f"SQL over {self.output}: {_one_line(str(error))}") from error


def _copy_profiles(source: Path, target: Path) -> None:
    """Copies a profile database to a Parquet file, some thousand rows at a time."""
    store = SqliteProfiles(source, read_only=True)
    try:
        rows = iter(store.scan())
        with pq.ParquetWriter(target, _PROFILE_SCHEMA, compression="lz4", store_schema=False) as writer:
            while chunk := list(islice(rows, _PROFILE_CHUNK)):
                person_ids, images = zip(*chunk, strict=True)
                writer.write_table(
                    pa.Table.from_arrays(
                        [pa.array(person_ids, pa.string()), json_array(images)], schema=_PROFILE_SCHEMA
                    )
                )
    finally:
        store.close()


def _write_empty(schema: pa.Schema, path: Path) -> None:
    pq.write_table(schema.empty_table(), path, store_schema=False)


def _escaped(path: Path) -> str:
    """A path that means itself where a pattern may stand."""
    return re.sub(r"[*?\[]", r"[\g<0>]", str(path))


def _quoted(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _one_line(message: str) -> str:
    """DuckDB's message without the picture of the query."""
    return " ".join(message.split("\n\nLINE ")[0].split())
