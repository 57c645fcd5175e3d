"""A gRPC server before BigQuery's emulator that fails single requests of an AppendRows call.

The Storage Write API answers each request of a call by itself, most often without ending the call: what can
befall one is more than what can befall a call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event
from typing import Any

import grpc
import pyarrow as pa
from google.cloud.bigquery_storage_v1.types import AppendRowsRequest, AppendRowsResponse

from tests.sinks.faults import FaultyServer

_Request: Any = AppendRowsRequest.pb()
_Response: Any = AppendRowsResponse.pb()

Row = dict[str, Any]


@dataclass
class AppendFault:
    """What happens to one request.

    Attributes:
        code: what it is answered with, None where all goes well.
        applied: whether the rows are written all the same.
        broken: whether the call ends with the code, in place of an answer.
        silent: nothing is written, and nothing answered until the client gives up.
        refused: names the rows that the table refuses, and why; with one of them, no row is written.
    """

    code: grpc.StatusCode | None = None
    applied: bool = False
    broken: bool = False
    delay_seconds: float = 0.0
    silent: bool = False
    refused: Callable[[Row], str | None] | None = None


class AppendRowsProxy(FaultyServer):
    """The server in between; calls of other methods it serves as `FaultyServer` does.

    Attributes:
        usual_append: what happens to a request, by the name of its table.
    """

    def __init__(self, target: str, *, threads: int = 32) -> None:
        super().__init__(target, threads=threads)
        self.usual_append: Callable[[str], AppendFault] = lambda _: AppendFault()

    def _answer(self, path: str, requests: Iterator[bytes], context: Any) -> Iterator[bytes]:
        method = path.rsplit("/", 1)[1]
        if method != "AppendRows":
            yield from super()._answer(path, requests, context)
            return
        with self._lock:
            self.calls[method] += 1
        gone = Event()
        call = _Call(self._target.stream_stream(path), context.invocation_metadata())
        if not context.add_callback(gone.set) or not context.add_callback(call.cancel):
            return
        try:
            for body in self._noted(method, requests):
                request = _Request.FromString(body)
                table = call.begin(request)
                with self._lock:
                    fault = self.usual_append(table)
                if (fault.silent or fault.delay_seconds) and gone.wait(
                    None if fault.silent else fault.delay_seconds
                ):
                    return
                refusal = call.refusal(request, fault.refused)
                if refusal is not None:
                    yield refusal
                    continue
                answer = b"" if fault.code and not fault.applied else call.forward(request)
                if fault.code and fault.broken:
                    context.abort(fault.code, "ended by the test")
                yield _failure(fault.code) if fault.code else answer
        except grpc.RpcError as error:
            context.abort(error.code(), error.details())
        finally:
            call.end()


class _Call:
    """One call to the emulator, a request at a time."""

    def __init__(self, begin: Any, metadata: Any) -> None:
        self._requests: SimpleQueue[bytes | None] = SimpleQueue()
        routing = [pair for pair in metadata if pair[0].startswith("x-")]
        self._answers = begin(iter(self._requests.get, None), metadata=routing)
        self._schema = b""
        self._told = False
        self._table = ""

    def begin(self, request: Any) -> str:
        """Takes note of a request's schema, which only the first one has; gives the name of its table."""
        self._schema = request.arrow_rows.writer_schema.serialized_schema or self._schema
        if request.write_stream:
            self._table = request.write_stream.split("/")[5]
        return self._table

    def refusal(self, request: Any, refused: Callable[[Row], str | None] | None) -> bytes | None:
        """The answer that names the rows that are refused, None where none is."""
        if refused is None:
            return None
        stream = self._schema + request.arrow_rows.rows.serialized_record_batch
        response = _Response()
        for index, row in enumerate(pa.ipc.open_stream(stream).read_all().to_pylist()):
            reason = refused(row)
            if reason is not None:
                response.row_errors.add(index=index, message=reason)
        if not response.row_errors:
            return None
        response.error.code = grpc.StatusCode.INVALID_ARGUMENT.value[0]
        response.error.message = "see row_errors"
        answer: bytes = response.SerializeToString()
        return answer

    def forward(self, request: Any) -> bytes:
        """The emulator's answer to a request; the first that it gets brings the schema."""
        if not self._told:
            request.arrow_rows.writer_schema.serialized_schema = self._schema
            self._told = True
        self._requests.put(request.SerializeToString())
        answer: bytes = next(self._answers)
        return answer

    def cancel(self) -> None:
        """The client has gone."""
        self._answers.cancel()

    def end(self) -> None:
        """No request comes any more."""
        self._requests.put(None)


def _failure(code: grpc.StatusCode) -> bytes:
    response = _Response()
    response.error.code = code.value[0]
    response.error.message = "failed by the test"
    answer: bytes = response.SerializeToString()
    return answer
