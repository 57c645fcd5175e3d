"""Appending Arrow record batches to a BigQuery table through the Storage Write API's default stream.

Appending is at least once: what is not known to be written is sent again. Sources: the API's reference
(AppendRows, AppendRowsResponse), and https://cloud.google.com/bigquery/docs/write-api-best-practices.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa
from google.cloud.bigquery_storage_v1.types import AppendRowsResponse

from schemas.errors import CjaasError
from schemas.streams import Rejected
from sinks.bigquery_answers import Outcome, Verdict, verdict_of, verdict_of_loss
from sinks.bigquery_connection import Bounds, Connection, ConnectionLostError, OpenCall
from sinks.bigquery_layout import plain_schema

MAX_REQUEST_BYTES: Final = 9_000_000
"""The rows of one request; the API refuses requests of 10 MB, the schema and the envelope included."""

_MOST_REFUSALS: Final = 100
"""So many requests refused, and none ever written, say that no halving finds rows that the table takes."""


@dataclass(frozen=True)
class Patience:
    """How often, and after which pauses, an append that failed for a while is sent again.

    Attributes:
        attempts: how often in a row, without any row getting through.
        first_pause_seconds: doubled with each attempt; each pause is a random part of it, at least half.
    """

    attempts: int = 20
    first_pause_seconds: float = 0.1
    most_pause_seconds: float = 10.0

    def pause_seconds(self, attempt: int) -> float:
        """The pause after an attempt that failed, counted from 1."""
        longest = min(self.first_pause_seconds * 2.0 ** (attempt - 1), self.most_pause_seconds)
        return longest * random.uniform(0.5, 1)


_BOUNDS: Final = Bounds()
_PATIENCE: Final = Patience()


@dataclass
class _Part:
    """Rows of one request, and which rows of the batch they are."""

    rows: pa.RecordBatch
    indices: Sequence[int]
    serialized: bytes = field(repr=False)


class TableWriter:
    """Appends to one table over one connection, which is made anew when it is lost. Serves several threads.

    Args:
        table_id: `PROJECT.DATASET.TABLE`, for messages.
        open_call: begins an AppendRows RPC.
        stream: the name of the table's default stream.
        schema: of all rows; JSON columns are sent as text.
        add_missing_columns: called when the table lacks a column that the rows have.
        max_request_bytes: the most that one request may hold in rows.
        pause: waits so many seconds.
    """

    def __init__(
        self,
        table_id: str,
        open_call: OpenCall,
        stream: str,
        schema: pa.Schema,
        *,
        add_missing_columns: Callable[[], object] = lambda: None,
        max_request_bytes: int = MAX_REQUEST_BYTES,
        bounds: Bounds = _BOUNDS,
        patience: Patience = _PATIENCE,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table_id = table_id
        self._open_call = open_call
        self._stream = stream
        self._schema = plain_schema(schema)
        self._serialized_schema: bytes = self._schema.serialize().to_pybytes()
        self._add_missing_columns = add_missing_columns
        self._max_request_bytes = max_request_bytes
        self._bounds = bounds
        self._patience = patience
        self._pause = pause
        self._lock = threading.Lock()
        self._connection: Connection | None = None
        self._takes_rows = False

    def append(self, table: pa.Table) -> list[Rejected]:
        """Appends rows; returns when all that the table takes are safe.

        A request that is refused without a word on its rows is halved until the row that it is refused for
        stands alone. That is held against the row only if the table has taken another one of this writer.

        Returns:
            The rows that the table refuses, by index; all others are written.

        Raises:
            CjaasError: the table refuses all, or transient trouble outlasted all attempts. Some of the
                rows may have been written.
        """
        rejected: list[Rejected] = []
        refusals: list[Verdict] = []
        rows = self._plain(table)
        parts = self._split(rows, range(rows.num_rows), rejected) if rows.num_rows else []
        attempt = 0
        while parts:
            before = sum(len(part.indices) for part in parts)
            parts, trouble = self._append_parts(parts, rejected, refusals)
            hopeless = not parts or len(refusals) > _MOST_REFUSALS
            if refusals and hopeless and not self._takes_rows:
                raise self._failed(refusals[0])
            if trouble is not None:
                # Rows that got through show that it is worth going on.
                attempt = 1 if sum(len(part.indices) for part in parts) < before else attempt + 1
                if attempt >= self._patience.attempts:
                    raise self._failed(trouble)
                self._pause(self._patience.pause_seconds(attempt))
        return sorted(rejected, key=lambda refusal: refusal.index)

    def close(self) -> None:
        """Ends the connection once all is answered; appending opens another one."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _append_parts(
        self, parts: list[_Part], rejected: list[Rejected], refusals: list[Verdict]
    ) -> tuple[list[_Part], Verdict | None]:
        """Sends parts, all at once, and gives what has to be sent again, and what trouble there was."""
        connection = self._connected()
        sent = [self._send(connection, part) for part in parts]
        again: list[_Part] = []
        trouble: Verdict | None = None
        final: Verdict | None = None
        stale = lacking = False
        for part, future in zip(parts, sent, strict=True):
            verdict = self._verdict(connection, future)
            if verdict.outcome is Outcome.REFUSED and connection.lost:
                # What ended a connection that several share may have been the request of another.
                verdict = self._verdict_alone(part)
            stale = stale or verdict.schema_changed
            lacking = lacking or verdict.columns_missing
            if verdict.outcome is Outcome.WRITTEN:
                self._takes_rows = True
            elif verdict.outcome is Outcome.ROWS_REFUSED:
                again += self._without(part, verdict.row_errors, rejected)
            elif verdict.outcome is Outcome.REFUSED:
                refusals.append(verdict)
                again += self._halved(part, verdict.detail, rejected)
            elif verdict.outcome is Outcome.TRANSIENT:
                again.append(part)
                trouble = verdict
            elif verdict.outcome is Outcome.FINAL:
                final = verdict
        if final is not None:
            raise self._failed(final)
        if lacking:
            self._add_missing_columns()
        if lacking or stale:
            self._replace(connection)
        return again, trouble

    def _send(self, connection: Connection, part: _Part) -> Future[AppendRowsResponse] | ConnectionLostError:
        try:
            return connection.send(part.serialized)
        except ConnectionLostError as lost:
            return lost

    def _verdict(
        self, connection: Connection, sent: Future[AppendRowsResponse] | ConnectionLostError
    ) -> Verdict:
        if isinstance(sent, ConnectionLostError):
            return verdict_of_loss(sent)
        try:
            return verdict_of(connection.answer(sent))
        except ConnectionLostError as lost:
            return verdict_of_loss(lost)

    def _verdict_alone(self, part: _Part) -> Verdict:
        """The verdict on a part that is sent over a connection of its own."""
        connection = self._opened()
        try:
            return self._verdict(connection, self._send(connection, part))
        finally:
            connection.close()

    def _connected(self) -> Connection:
        with self._lock:
            if self._connection is None or self._connection.lost:
                self._connection = self._opened()
            return self._connection

    def _opened(self) -> Connection:
        return Connection(self._open_call, self._stream, self._serialized_schema, self._bounds)

    def _replace(self, connection: Connection) -> None:
        """Leaves a connection that knows an older schema of the table."""
        with self._lock:
            if self._connection is connection:
                self._connection = None
        connection.retire()

    def _plain(self, table: pa.Table) -> pa.RecordBatch:
        """The rows as one batch without extension types, which costs no copy."""
        arrays: list[Any] = []
        for column in table.columns:
            array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
            arrays.append(array.storage if isinstance(array, pa.ExtensionArray) else array)
        return pa.RecordBatch.from_arrays(arrays, schema=self._schema)

    def _split(self, rows: pa.RecordBatch, indices: Sequence[int], rejected: list[Rejected]) -> list[_Part]:
        """Rows in as many parts as requests need; a row that is too large alone is rejected."""
        size_bytes = pa.ipc.get_record_batch_size(rows)
        if size_bytes <= self._max_request_bytes:
            return [_Part(rows, indices, rows.serialize().to_pybytes())]
        if rows.num_rows == 1:
            reason = f"{size_bytes:,} bytes, more than the {self._max_request_bytes:,} of a request"
            rejected.append(Rejected(indices[0], reason))
            return []
        return self._halves(rows, indices, rejected)

    def _halves(self, rows: pa.RecordBatch, indices: Sequence[int], rejected: list[Rejected]) -> list[_Part]:
        middle = rows.num_rows // 2
        return [
            *self._split(rows.slice(0, middle), indices[:middle], rejected),
            *self._split(rows.slice(middle), indices[middle:], rejected),
        ]

    def _halved(self, part: _Part, reason: str, rejected: list[Rejected]) -> list[_Part]:
        """What is left of a part that was refused as a whole: its halves; a row alone is rejected."""
        if part.rows.num_rows == 1:
            rejected.append(Rejected(part.indices[0], reason))
            return []
        return self._halves(part.rows, part.indices, rejected)

    def _without(self, part: _Part, row_errors: Mapping[int, str], rejected: list[Rejected]) -> list[_Part]:
        """What is left of a part without the rows that the table refused."""
        rejected += [Rejected(part.indices[row], reason) for row, reason in row_errors.items()]
        kept = [row for row in range(part.rows.num_rows) if row not in row_errors]
        if not kept:
            return []
        indices = [part.indices[row] for row in kept]
        return self._split(part.rows.take(pa.array(kept, pa.int64())), indices, rejected)

    def _failed(self, verdict: Verdict) -> CjaasError:
        return CjaasError(f"BigQuery table {self._table_id}: cannot append: {verdict.detail}")
