"""One connection: order, bounds on what is under way, and its end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import grpc
import pytest
from google.cloud.bigquery_storage_v1.types import AppendRowsRequest, AppendRowsResponse

from sinks.bigquery_connection import Bounds, Connection, ConnectionLostError


class Hung(grpc.RpcError):  # type: ignore[misc]
    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.CANCELLED

    def details(self) -> str:
        return "cancelled"


class Call:
    """An RPC whose answers are given one by one, as the test goes."""

    def __init__(self) -> None:
        self.requests: Iterator[AppendRowsRequest] = iter(())
        self.cancelled = threading.Event()
        self._answers: SimpleQueue[AppendRowsResponse | Exception | None] = SimpleQueue()

    def open(self, requests: Iterator[AppendRowsRequest]) -> Any:
        self.requests = requests
        return self

    def __iter__(self) -> Iterator[AppendRowsResponse]:
        while (answer := self._answers.get()) is not None:
            if isinstance(answer, Exception):
                raise answer
            yield answer

    def cancel(self) -> None:
        self.cancelled.set()
        self._answers.put(Hung())

    def answer(self, stream: str = "") -> None:
        self._answers.put(AppendRowsResponse(write_stream=stream))

    def end(self) -> None:
        self._answers.put(None)


def opened(**bounds: Any) -> tuple[Call, Connection]:
    call = Call()
    return call, Connection(call.open, "s", b"schema", Bounds(**bounds))


def test_answers_are_given_to_requests_in_their_order() -> None:
    call, connection = opened()
    first, second = connection.send(b"1"), connection.send(b"2")
    call.answer("one")
    call.answer("two")
    assert connection.answer(second).write_stream == "two"
    assert connection.answer(first).write_stream == "one"
    sent = [next(call.requests) for _ in range(2)]
    assert [request.arrow_rows.rows.serialized_record_batch for request in sent] == [b"1", b"2"]
    assert [request.arrow_rows.writer_schema.serialized_schema for request in sent] == [b"schema", b""]
    assert [request.write_stream for request in sent] == ["s", "s"]
    call.end()
    connection.close()


@pytest.mark.parametrize("bounds", [{"in_flight_requests": 2}, {"in_flight_bytes": 20}])
def test_no_more_is_under_way_than_the_bounds(bounds: dict[str, int]) -> None:
    call, connection = opened(answer_seconds=0.05, **bounds)
    connection.send(b"x" * 10)
    connection.send(b"x" * 10)
    with pytest.raises(ConnectionLostError, match=r"no answer within 0\.05 s"):
        connection.send(b"x" * 10)
    assert call.cancelled.is_set()


@pytest.mark.parametrize("bounds", [{"in_flight_requests": 2}, {"in_flight_bytes": 20}])
def test_what_waits_for_room_goes_on_with_the_next_answer(bounds: dict[str, int]) -> None:
    call, connection = opened(**bounds)
    sent = [connection.send(b"x" * 10), connection.send(b"x" * 10)]
    third = threading.Thread(target=lambda: sent.append(connection.send(b"y")))
    third.start()
    call.answer()
    third.join()
    assert len(sent) == 3
    call.answer()
    call.answer()
    for future in sent:
        connection.answer(future)
    call.end()
    connection.close()


def test_a_request_larger_than_the_bounds_goes_alone() -> None:
    call, connection = opened(in_flight_bytes=5)
    future = connection.send(b"x" * 10)
    call.answer()
    connection.answer(future)
    call.end()
    connection.close()


def test_the_end_fails_what_was_not_answered_and_all_that_comes() -> None:
    call, connection = opened()
    futures = [connection.send(b"1"), connection.send(b"2")]
    call.answer()
    call.end()
    assert connection.answer(futures[0]) == AppendRowsResponse()
    with pytest.raises(ConnectionLostError) as caught:
        connection.answer(futures[1])
    assert caught.value.code is None
    with pytest.raises(ConnectionLostError):
        connection.send(b"3")
    assert connection.lost


def test_an_answer_too_many_ends_the_connection() -> None:
    call, connection = opened()
    call.answer()
    assert call.cancelled.wait(10)
    connection.close()
    with pytest.raises(ConnectionLostError) as caught:
        connection.send(b"1")
    assert caught.value.code is grpc.StatusCode.INTERNAL


def test_a_retired_connection_answers_what_it_has_and_takes_no_more() -> None:
    call, connection = opened()
    future = connection.send(b"1")
    connection.retire()
    with pytest.raises(ConnectionLostError) as caught:
        connection.send(b"2")
    assert caught.value.code is None
    call.answer("late")
    assert connection.answer(future).write_stream == "late"
    assert len(list(call.requests)) == 1
    call.end()
