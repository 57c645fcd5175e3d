"""Appending to a table: what is retried, what is handed back, and what rises."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pyarrow as pa
import pytest
from google.cloud.bigquery_storage_v1.types import StorageError
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import CjaasError
from schemas.streams import Rejected
from sinks.bigquery_connection import Bounds
from sinks.bigquery_writer import Patience, TableWriter
from tests.sinks.append_rows_server import (
    AppendRowsServer,
    Rows,
    Step,
    aborts,
    append_rows_server,
    error,
    hangs_up,
    lacks_columns,
    refusing,
    refusing_whole,
    schema_updated,
    written,
)

STREAM = "projects/p/datasets/d/tables/t/streams/_default"
SCHEMA = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("text", pa.json_(pa.string()))])
TRANSIENT = [
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
]


def table(ids: range | list[int], text: str = "1") -> pa.Table:
    texts = pa.array([f'"{text}"' for _ in ids], pa.string())
    column = pa.ExtensionArray.from_storage(SCHEMA.field("text").type, texts)
    return pa.Table.from_arrays([pa.array(ids, pa.int64()), column], schema=SCHEMA)


class Bench:
    """A writer at a server, with what it did beside: its pauses, and its calls for columns."""

    def __init__(self, server: AppendRowsServer, transport: Any) -> None:
        self.server = server
        self.pauses: list[float] = []
        self.columns_added = 0
        self._transport = transport
        self._writers: list[TableWriter] = []

    def add_columns(self) -> None:
        self.columns_added += 1

    def writer(self, **more: Any) -> TableWriter:
        writer = TableWriter(
            "p.d.t",
            self._transport.append_rows,
            STREAM,
            SCHEMA,
            add_missing_columns=self.add_columns,
            pause=self.pauses.append,
            **more,
        )
        self._writers.append(writer)
        return writer

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    with append_rows_server() as (server, transport):
        bench = Bench(server, transport)
        yield bench
        bench.close()


def test_rows_arrive_over_one_connection_that_is_told_the_schema_once(bench: Bench) -> None:
    writer = bench.writer()
    for start in (0, 3, 6):
        assert writer.append(table(range(start, start + 3))) == []
    assert bench.server.ids == list(range(9))
    assert bench.server.rows[0] == {"id": 0, "text": '"1"'}
    assert bench.server.connections == [1]
    assert set(bench.server.streams) == {STREAM}
    assert bench.pauses == []


def test_no_rows_need_no_connection(bench: Bench) -> None:
    assert bench.writer().append(table([])) == []
    assert bench.server.connections == []


def test_chunks_are_one_batch(bench: Bench) -> None:
    assert bench.writer().append(pa.concat_tables([table([1]), table([2])])) == []
    assert bench.server.ids == [1, 2]


@pytest.mark.parametrize("code", TRANSIENT)
def test_a_transient_error_in_an_answer_is_sent_again_over_the_same_connection(
    bench: Bench, code: grpc.StatusCode
) -> None:
    bench.server.script.extend([error(code), error(code)])
    assert bench.writer().append(table([1, 2])) == []
    assert bench.server.ids == [1, 2]
    assert bench.server.connections == [1]
    assert len(bench.pauses) == 2


@pytest.mark.parametrize("code", TRANSIENT)
def test_a_lost_connection_is_made_anew(bench: Bench, code: grpc.StatusCode) -> None:
    bench.server.script.extend([written, aborts(code)])
    writer = bench.writer()
    assert writer.append(table([1])) == []
    assert writer.append(table([2])) == []
    assert bench.server.ids == [1, 2]
    assert bench.server.connections == [1, 1]
    assert len(bench.pauses) == 1


def test_a_connection_that_ends_between_two_batches_costs_no_pause(bench: Bench) -> None:
    writer = bench.writer()
    assert writer.append(table([1])) == []
    writer.close()
    assert writer.append(table([2])) == []
    assert (bench.server.ids, bench.server.connections, bench.pauses) == ([1, 2], [1, 1], [])


def test_a_connection_closed_in_the_middle_leaves_no_row_behind(bench: Bench) -> None:
    bench.server.script.extend([written, written, hangs_up])
    assert bench.writer(max_request_bytes=2_000).append(table(range(1_000))) == []
    assert len(bench.server.sizes) > 5
    # What was written and answered is not sent again; what was under way is.
    assert sorted(bench.server.ids) == list(range(1_000))
    assert bench.server.connections == [1, 1]


def test_refused_rows_are_handed_back_and_the_others_written(bench: Bench) -> None:
    bench.server.usual = refusing(lambda row: row["id"] % 10 == 3)
    rejected = bench.writer(max_request_bytes=2_000).append(table(range(100, 400)))
    assert rejected == [Rejected(number, f"bad {100 + number}") for number in range(3, 300, 10)]
    assert sorted(bench.server.ids) == [number for number in range(100, 400) if number % 10 != 3]
    assert bench.pauses == []


def test_a_list_of_refused_rows_may_be_incomplete(bench: Bench) -> None:
    bench.server.usual = refusing(lambda row: row["id"] >= 2, most=1)
    assert [refusal.index for refusal in bench.writer().append(table(range(6)))] == [2, 3, 4, 5]
    assert bench.server.ids == [0, 1]


def test_a_batch_of_refused_rows_alone_writes_nothing(bench: Bench) -> None:
    bench.server.usual = refusing(lambda row: True)
    assert len(bench.writer().append(table(range(4)))) == 4
    assert bench.server.rows == []


def test_a_row_that_is_too_large_alone_is_handed_back(bench: Bench) -> None:
    tables = [table(range(5)), table([5], "x" * 5_000), table(range(6, 12))]
    (refusal,) = bench.writer(max_request_bytes=4_000).append(pa.concat_tables(tables))
    assert refusal.index == 5
    assert refusal.reason.endswith("bytes, more than the 4,000 of a request")
    assert sorted(bench.server.ids) == [0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11]


def test_no_request_is_over_the_limit_of_the_api(bench: Bench) -> None:
    assert bench.writer().append(table(range(120), "x" * 200_000)) == []
    assert max(bench.server.sizes) < 10_000_000
    assert len(bench.server.sizes) == 4
    assert sorted(bench.server.ids) == list(range(120))


def test_a_server_that_says_nothing_is_given_up(bench: Bench) -> None:
    silence = threading.Event()

    def wait(rows: Rows) -> None:
        silence.wait()

    bench.server.script.append(wait)
    writer = bench.writer(bounds=Bounds(answer_seconds=0.2))
    try:
        assert writer.append(table([1])) == []
    finally:
        silence.set()
    # On a slow machine the second attempt may be given up too.
    assert set(bench.server.ids) == {1}
    assert len(bench.server.connections) > 1


def test_an_updated_schema_makes_a_new_connection_for_what_follows(bench: Bench) -> None:
    bench.server.script.append(schema_updated)
    writer = bench.writer()
    assert writer.append(table([1])) == []
    assert writer.append(table([2])) == []
    assert bench.server.ids == [1, 2]
    assert bench.server.connections == [1, 1]
    assert (bench.pauses, bench.columns_added) == ([], 0)


def test_columns_that_the_table_lacks_are_added(bench: Bench) -> None:
    bench.server.script.extend([lacks_columns, lacks_columns])
    assert bench.writer().append(table([1])) == []
    assert bench.server.ids == [1]
    # The servers that take rows learn of it later: it is asked for until they do.
    assert (bench.columns_added, len(bench.pauses)) == (2, 2)
    assert bench.server.connections == [1, 1, 1]


INVALID = grpc.StatusCode.INVALID_ARGUMENT
REFUSALS = [error(INVALID), aborts(INVALID)]


@pytest.mark.parametrize("refusal", REFUSALS, ids=["answer", "end of the connection"])
def test_rows_that_a_request_is_refused_for_are_found_and_handed_back(bench: Bench, refusal: Step) -> None:
    bad = {103, 104, 250}
    bench.server.usual = refusing_whole(lambda row: row["id"] in bad, refusal)
    rejected = bench.writer(max_request_bytes=2_000).append(table(range(100, 400)))
    assert rejected == [Rejected(number - 100, "INVALID_ARGUMENT: as told") for number in sorted(bad)]
    assert sorted(bench.server.ids) == [number for number in range(100, 400) if number not in bad]
    assert bench.pauses == []
    assert len(bench.server.sizes) < 80


@pytest.mark.parametrize("refusal", REFUSALS, ids=["answer", "end of the connection"])
def test_a_row_alone_is_handed_back_where_the_table_has_taken_others(bench: Bench, refusal: Step) -> None:
    bench.server.usual = refusing_whole(lambda row: row["id"] == 2, refusal)
    writer = bench.writer()
    with pytest.raises(CjaasError, match="cannot append: INVALID_ARGUMENT: as told"):
        writer.append(table([2]))
    assert writer.append(table([1])) == []
    assert writer.append(table([2])) == [Rejected(0, "INVALID_ARGUMENT: as told")]
    assert bench.server.ids == [1]


@pytest.mark.parametrize("refusal", REFUSALS, ids=["answer", "end of the connection"])
@pytest.mark.parametrize("rows", [1, 5, 2_000])
def test_where_no_row_gets_through_it_rises_soon(bench: Bench, refusal: Step, rows: int) -> None:
    bench.server.usual = refusal
    with pytest.raises(CjaasError) as caught:
        bench.writer().append(table(range(rows)))
    assert str(caught.value) == "BigQuery table p.d.t: cannot append: INVALID_ARGUMENT: as told"
    assert bench.pauses == []
    assert len(bench.server.sizes) < 300


def test_rows_that_get_through_later_in_an_append_show_what_the_table_takes(bench: Bench) -> None:
    busy = error(grpc.StatusCode.UNAVAILABLE)
    # Of two rows the first is refused alone before the second gets through.
    bench.server.script.extend([error(INVALID), error(INVALID), busy])
    assert bench.writer().append(table([1, 2])) == [Rejected(0, "INVALID_ARGUMENT: as told")]
    assert bench.server.ids == [2]


def test_one_whose_request_ends_the_connection_costs_others_no_row(bench: Bench) -> None:
    writer = bench.writer()
    assert writer.append(table([0])) == []
    bench.server.usual = refusing_whole(lambda row: row["id"] % 100 == 7, aborts(INVALID))

    def append(number: int) -> list[Rejected]:
        return writer.append(table(range(100 * number, 100 * number + 10)))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(append, range(1, 17)))
    assert [[refusal.index for refusal in rejected] for rejected in results] == [[7]] * 16
    assert set(bench.server.ids) == {0} | {
        100 * number + digit for number in range(1, 17) for digit in range(10) if digit != 7
    }


def test_what_is_refused_for_the_table_is_no_fault_of_a_row(bench: Bench) -> None:
    writer = bench.writer()
    assert writer.append(table([1])) == []
    detail = StorageError(code=StorageError.StorageErrorCode.INVALID_STREAM_STATE, entity="t")
    bench.server.usual = error(INVALID, detail)
    with pytest.raises(CjaasError, match="INVALID_ARGUMENT: as told"):
        writer.append(table([2]))


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (error(grpc.StatusCode.INVALID_ARGUMENT), "INVALID_ARGUMENT: as told"),
        (error(grpc.StatusCode.PERMISSION_DENIED), "PERMISSION_DENIED: as told"),
        (aborts(grpc.StatusCode.PERMISSION_DENIED), "PERMISSION_DENIED: as told"),
        (aborts(grpc.StatusCode.NOT_FOUND), "NOT_FOUND: as told"),
    ],
)
def test_what_will_not_pass_rises_at_once(bench: Bench, step: Step, told: str) -> None:
    bench.server.script.append(step)
    with pytest.raises(CjaasError) as caught:
        bench.writer().append(table([1]))
    assert str(caught.value) == f"BigQuery table p.d.t: cannot append: {told}"
    assert bench.pauses == []


def test_trouble_that_lasts_rises_in_the_end(bench: Bench) -> None:
    bench.server.usual = error(grpc.StatusCode.UNAVAILABLE)
    patience = Patience(attempts=6, first_pause_seconds=0.1, most_pause_seconds=0.5)
    with pytest.raises(CjaasError, match="UNAVAILABLE: as told"):
        bench.writer(patience=patience).append(table([1]))
    assert len(bench.server.sizes) == 6
    for pause, longest in zip(bench.pauses, [0.1, 0.2, 0.4, 0.5, 0.5], strict=True):
        assert longest / 2 <= pause <= longest


def test_rows_that_get_through_renew_the_patience(bench: Bench) -> None:
    busy = error(grpc.StatusCode.RESOURCE_EXHAUSTED)
    bench.server.script.extend([busy, busy, written, busy, busy, written, busy, busy])
    writer = bench.writer(max_request_bytes=700, patience=Patience(attempts=4))
    assert writer.append(table(range(60))) == []
    assert sorted(bench.server.ids) == list(range(60))


def test_threads_share_a_connection(bench: Bench) -> None:
    writer = bench.writer(max_request_bytes=2_000)
    bench.server.usual = refusing(lambda row: row["id"] % 100 == 7)

    def append(number: int) -> list[Rejected]:
        return writer.append(table(range(100 * number, 100 * number + 100)))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(append, range(40)))
    assert [[refusal.index for refusal in rejected] for rejected in results] == [[7]] * 40
    assert sorted(bench.server.ids) == [number for number in range(4_000) if number % 100 != 7]
    assert bench.server.connections == [1]


_FAULTS: list[Callable[[], Step]] = [
    lambda: written,
    lambda: hangs_up,
    lambda: aborts(grpc.StatusCode.UNAVAILABLE),
    lambda: error(grpc.StatusCode.INTERNAL),
    lambda: schema_updated,
    lambda: lacks_columns,
    lambda: refusing(lambda row: row["id"] % 7 == 0, most=2),
    lambda: refusing_whole(lambda row: row["id"] % 7 == 0, error(INVALID)),
    lambda: refusing_whole(lambda row: row["id"] % 7 == 0, aborts(INVALID)),
]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, len(_FAULTS) - 1), max_size=12), st.lists(st.integers(0, 30), max_size=4))
def test_whatever_happens_each_row_is_written_or_handed_back(faults: list[int], batches: list[int]) -> None:
    with append_rows_server() as (server, transport):
        bench = Bench(server, transport)
        writer = bench.writer(max_request_bytes=600)
        # The table takes rows: what is refused from here on is refused for what it holds.
        assert writer.append(table([-1])) == []
        server.script.extend(_FAULTS[fault]() for fault in faults)
        server.usual = refusing(lambda row: row["id"] % 7 == 0)
        # A schema that changes, or a plain answer, takes rows that a later one would refuse.
        start = 0
        refused: set[int] = set()
        for size in batches:
            refused |= {start + refusal.index for refusal in writer.append(table(range(start, start + size)))}
            start += size
        bench.close()
        assert set(server.ids) | refused == {-1, *range(start)}
        assert not set(server.ids) & refused
        assert all(number % 7 == 0 for number in refused)
