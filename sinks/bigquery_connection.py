"""One AppendRows connection to one table: requests out, answers in, in order, with bounds on both."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

import grpc
from google.cloud.bigquery_storage_v1.types import AppendRowsRequest, AppendRowsResponse

OpenCall = Callable[[Iterator[AppendRowsRequest]], Any]
"""Begins the RPC: takes the requests, gives a gRPC call to iterate over."""

_CLOSE_SECONDS = 5.0


class ConnectionLostError(Exception):
    """The connection ended before it answered.

    Attributes:
        code: the status that it ended with; None where the server closed it in order.
    """

    def __init__(self, code: grpc.StatusCode | None, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class Bounds:
    """How much may be under way on one connection.

    Attributes:
        in_flight_requests: sent and not answered.
        in_flight_bytes: the same in bytes; a single request may exceed it.
        answer_seconds: how long an answer may take before the connection is given up.
    """

    in_flight_requests: int = 100
    in_flight_bytes: int = 64 * 1024 * 1024
    answer_seconds: float = 60.0


class Connection:
    """Serves several threads. Ends for good with the first trouble; what was not answered fails then.

    Args:
        open_call: begins the RPC.
        stream: the name of the write stream.
        schema: the Arrow schema of all rows, serialized.
    """

    def __init__(self, open_call: OpenCall, stream: str, schema: bytes, bounds: Bounds) -> None:
        self._stream = stream
        self._schema: bytes | None = schema
        self._bounds = bounds
        self._requests: SimpleQueue[AppendRowsRequest | None] = SimpleQueue()
        self._pending: deque[tuple[Future[AppendRowsResponse], int]] = deque()
        self._pending_bytes = 0
        self._changed = threading.Condition()
        self._lost: ConnectionLostError | None = None
        self._call = open_call(iter(self._requests.get, None))
        self._reader = threading.Thread(target=self._read, name="bigquery-answers", daemon=True)
        self._reader.start()

    @property
    def lost(self) -> bool:
        """Whether it has ended, and a new one is needed."""
        return self._lost is not None

    def send(self, rows: bytes) -> Future[AppendRowsResponse]:
        """Sends one record batch, serialized; waits while too much is under way.

        Raises:
            ConnectionLostError: the connection has ended.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_room(len(rows)), self._bounds.answer_seconds):
                self._call.cancel()
                raise self._too_slow()
            if self._lost is not None:
                raise self._lost
            future: Future[AppendRowsResponse] = Future()
            self._pending.append((future, len(rows)))
            self._pending_bytes += len(rows)
            self._requests.put(self._request(rows))
            return future

    def answer(self, future: Future[AppendRowsResponse]) -> AppendRowsResponse:
        """The answer to what was sent.

        Raises:
            ConnectionLostError: the connection ended first, or the answer took too long, which ends it.
        """
        try:
            return future.result(self._bounds.answer_seconds)
        except TimeoutError:
            self._call.cancel()
            raise self._too_slow() from None

    def close(self) -> None:
        """Ends it once all is answered; what takes too long is given up."""
        self._requests.put(None)
        self._reader.join(min(_CLOSE_SECONDS, self._bounds.answer_seconds))
        self._call.cancel()
        self._reader.join()

    def retire(self) -> None:
        """Takes no more requests, and ends by itself once all is answered."""
        with self._changed:
            if self._lost is None:
                self._lost = ConnectionLostError(None, "the connection is replaced by a newer one")
            self._changed.notify_all()
        self._requests.put(None)

    def _has_room(self, size_bytes: int) -> bool:
        return (
            self._lost is not None
            or not self._pending
            or (
                len(self._pending) < self._bounds.in_flight_requests
                and self._pending_bytes + size_bytes <= self._bounds.in_flight_bytes
            )
        )

    def _request(self, rows: bytes) -> AppendRowsRequest:
        request = AppendRowsRequest(write_stream=self._stream)
        message = AppendRowsRequest.pb(request)
        message.arrow_rows.rows.serialized_record_batch = rows
        if self._schema is not None:
            message.arrow_rows.writer_schema.serialized_schema = self._schema
            message.trace_id = "cjaas"
            self._schema = None
        return request

    def _too_slow(self) -> ConnectionLostError:
        return ConnectionLostError(
            grpc.StatusCode.DEADLINE_EXCEEDED, f"no answer within {self._bounds.answer_seconds:g} s"
        )

    def _read(self) -> None:
        """Hands answers to those who wait, until the connection ends."""
        lost = ConnectionLostError(None, "the server closed the connection")
        try:
            for response in self._call:
                with self._changed:
                    future, size_bytes = self._pending.popleft()
                    self._pending_bytes -= size_bytes
                    self._changed.notify_all()
                future.set_result(response)
        except grpc.RpcError as error:
            lost = ConnectionLostError(error.code(), error.details() or error.code().name)
        except IndexError:
            lost = ConnectionLostError(grpc.StatusCode.INTERNAL, "an answer came to nothing that was asked")
            self._call.cancel()
        with self._changed:
            self._lost = lost
            unanswered = list(self._pending)
            self._pending.clear()
            self._changed.notify_all()
        self._requests.put(None)
        for future, _ in unanswered:
            future.set_exception(lost)
