"""Rows into one table of a dataset, over a connection that a process shares."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport

from schemas.streams import Rejected
from sinks.bigquery_connection import OpenCall
from sinks.bigquery_dataset import BigQueryDataset
from sinks.bigquery_layout import Layout
from sinks.bigquery_tables import BigQueryTables
from sinks.bigquery_writer import TableWriter


class TableAppender:
    """Appends to a table; opens a connection when it is first used, and travels to other processes closed.

    All appenders of one table in one process share one connection: a worker has a dozen threads, and a
    project has a quota of connections.
    """

    def __init__(self, dataset: BigQueryDataset, layout: Layout) -> None:
        self.dataset = dataset
        self.layout = layout
        self._shared: _Shared | None = None
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return TableAppender, (self.dataset, self.layout)

    def append(self, rows: pa.Table) -> list[Rejected]:
        """Appends rows; returns when all that the table takes are safe.

        Returns:
            The rows that the table refuses, by index.

        Raises:
            CjaasError: the table refuses all, or trouble outlasts all attempts.
        """
        with self._lock:
            if self._shared is None or self._shared.process != os.getpid():
                self._shared = _borrow(self.dataset, self.layout)
            writer = self._shared.writer
        return writer.append(rows)

    def close(self) -> None:
        """Gives the connection back; the last to do so ends it."""
        with self._lock:
            shared, self._shared = self._shared, None
        if shared is not None and shared.process == os.getpid():
            _give_back(shared)


@dataclass(eq=False)
class _Shared:
    """A writer, and how many appenders use it."""

    key: tuple[BigQueryDataset, str]
    process: int
    transport: BigQueryWriteGrpcTransport
    writer: TableWriter
    users: int = 1


_SHARED: dict[tuple[BigQueryDataset, str], _Shared] = {}
_LOCK = threading.Lock()


def _borrow(dataset: BigQueryDataset, layout: Layout) -> _Shared:
    key = (dataset, layout.name)
    with _LOCK:
        shared = _SHARED.get(key)
        if shared is not None and shared.process == os.getpid():
            shared.users += 1
            return shared
        transport = dataset.write_transport()
        stream = dataset.default_stream(layout.name)
        writer = TableWriter(
            dataset.table_id(layout.name),
            _calls(transport, stream),
            stream,
            layout.schema,
            add_missing_columns=lambda: BigQueryTables(dataset).add_missing_columns(layout),
        )
        _SHARED[key] = shared = _Shared(key, os.getpid(), transport, writer)
        return shared


def _give_back(shared: _Shared) -> None:
    with _LOCK:
        shared.users -= 1
        if shared.users:
            return
        if _SHARED.get(shared.key) is shared:
            del _SHARED[shared.key]
    shared.writer.close()
    shared.transport.close()  # type: ignore[no-untyped-call]


def _calls(transport: BigQueryWriteGrpcTransport, stream: str) -> OpenCall:
    """Begins AppendRows calls of one stream, by which the service finds the table's region."""
    routing = (("x-goog-request-params", f"write_stream={stream}"),)
    append_rows: Any = transport.append_rows
    return lambda requests: append_rows(requests, metadata=routing)
