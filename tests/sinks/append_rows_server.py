"""A Storage Write API in this process that does what it is told: answers, errors, silence, hanging up."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1.services.big_query_write.transports import BigQueryWriteGrpcTransport
from google.cloud.bigquery_storage_v1.types import (
    AppendRowsRequest,
    AppendRowsResponse,
    RowError,
    StorageError,
    TableFieldSchema,
    TableSchema,
)
from google.protobuf import any_pb2  # type: ignore[import-untyped]
from google.rpc import status_pb2  # type: ignore[import-untyped]

_METHOD = "/google.cloud.bigquery.storage.v1.BigQueryWrite/AppendRows"

Rows = list[dict[str, Any]]
Step = Callable[[Rows], "AppendRowsResponse | grpc.StatusCode | None"]
"""What one request's rows are answered with: a response, the end of the call with a code, or its plain end.

A response without an error writes the rows.
"""


def written(rows: Rows) -> AppendRowsResponse:
    return AppendRowsResponse(append_result={})


def schema_updated(rows: Rows) -> AppendRowsResponse:
    field = TableFieldSchema(name="new", type_=TableFieldSchema.Type.STRING)
    return AppendRowsResponse(append_result={}, updated_schema=TableSchema(fields=[field]))


def error(code: grpc.StatusCode, *details: Any) -> Step:
    packed = []
    for detail in details:
        any_ = any_pb2.Any()
        any_.Pack(type(detail).pb(detail))
        packed.append(any_)
    status = status_pb2.Status(code=code.value[0], message="as\n told", details=packed)
    return lambda rows: AppendRowsResponse(error=status)


def lacks_columns(rows: Rows) -> AppendRowsResponse:
    detail = StorageError(code=StorageError.StorageErrorCode.SCHEMA_MISMATCH_EXTRA_FIELDS, entity="t")
    response = error(grpc.StatusCode.INVALID_ARGUMENT, detail)(rows)
    assert isinstance(response, AppendRowsResponse)
    return response


def refusing(bad: Callable[[dict[str, Any]], bool], most: int = 1_000) -> Step:
    """Names up to `most` rows that are bad; takes the request where none is."""

    def step(rows: Rows) -> AppendRowsResponse:
        errors = [
            RowError(index=index, message=f"bad {row['id']}") for index, row in enumerate(rows) if bad(row)
        ]
        if not errors:
            return written(rows)
        status = status_pb2.Status(code=grpc.StatusCode.INVALID_ARGUMENT.value[0], message="see row_errors")
        return AppendRowsResponse(error=status, row_errors=errors[:most])

    return step


def refusing_whole(bad: Callable[[dict[str, Any]], bool], refusal: Step) -> Step:
    """Refuses a request that has a bad row without a word on which one it is."""
    return lambda rows: refusal(rows) if any(map(bad, rows)) else written(rows)


def hangs_up(rows: Rows) -> None:
    return None


def aborts(code: grpc.StatusCode) -> Step:
    return lambda rows: code


class AppendRowsServer(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Takes the scripted steps one a request, then answers by `usual`.

    Attributes:
        host: `127.0.0.1:PORT`.
        rows: what was written, in order.
        sizes: the bytes of each request.
        connections: for each, how many of its requests carried a schema.
    """

    def __init__(self) -> None:
        self.host = ""
        self.script: deque[Step] = deque()
        self.usual: Step = written
        self.rows: Rows = []
        self.sizes: list[int] = []
        self.streams: list[str] = []
        self.connections: list[int] = []
        self.routing: set[str] = set()
        self._lock = threading.Lock()

    @property
    def ids(self) -> list[int]:
        return [row["id"] for row in self.rows]

    def service(self, details: Any) -> Any:
        assert details.method == _METHOD
        return grpc.stream_stream_rpc_method_handler(self._append_rows)

    def _append_rows(self, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        with self._lock:
            number = len(self.connections)
            self.connections.append(0)
            self.routing |= {
                value for key, value in context.invocation_metadata() if key == "x-goog-request-params"
            }
        schema: bytes | None = None
        for body in requests:
            request = AppendRowsRequest.deserialize(body)
            with self._lock:
                if request.arrow_rows.writer_schema.serialized_schema:
                    schema = request.arrow_rows.writer_schema.serialized_schema
                    self.connections[number] += 1
                self.sizes.append(len(body))
                self.streams.append(request.write_stream)
                step = self.script.popleft() if self.script else self.usual
            assert schema is not None
            stream = schema + request.arrow_rows.rows.serialized_record_batch
            rows: Rows = pa.ipc.open_stream(stream).read_all().to_pylist()
            answer = step(rows)
            if answer is None:
                return
            if isinstance(answer, grpc.StatusCode):
                context.abort(answer, "as told")
            assert isinstance(answer, AppendRowsResponse)
            with self._lock:
                if not answer.error.code:
                    self.rows += rows
            yield AppendRowsResponse.serialize(answer)


@contextmanager
def append_rows_server() -> Iterator[tuple[AppendRowsServer, BigQueryWriteGrpcTransport]]:
    """A server on a loopback port, and a client's transport to it."""
    service = AppendRowsServer()
    pool = ThreadPoolExecutor(16)
    server = grpc.server(pool, handlers=(service,), options=[("grpc.max_receive_message_length", -1)])
    port = server.add_insecure_port("127.0.0.1:0")
    service.host = f"127.0.0.1:{port}"
    server.start()
    transport = BigQueryWriteGrpcTransport(channel=grpc.insecure_channel(service.host))
    try:
        yield service, transport
    finally:
        transport.close()  # type: ignore[no-untyped-call]
        server.stop(None).wait()
        pool.shutdown()
