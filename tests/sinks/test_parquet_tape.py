"""The Parquet tape."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import CjaasError
from schemas.event import Event
from schemas.timestamps import DAY_US, EPOCH, MICROSECOND
from sinks.parquet_tape import ParquetTape
from sinks.tape_rows import TAPE_SCHEMA, tape_table

DAY = 1_767_225_600_000_000  # 2026-01-01


def event(number: int, time_us: int = DAY, **changes: Any) -> Event:
    values: dict[str, Any] = {
        "event_id": f"e{number}",
        "source": "/web",
        "type": "cart_added",
        "time_us": time_us,
        "publish_us": time_us + 1,
        "schema": "cart_added/2",
        "person_id": f"{number:032x}",
        "identities": ("customer:1", "email:ä@example.com"),
        "values": (),
        "data_json": b'{"sku": "\xc3\xa4", "n": 12345678901234567890.10}',
        "payload": b"\xff\x00raw",
        "extensions": None,
        "message_id": f"f@{number}",
    }
    return Event(**values | changes)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def rows_of(path: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.ParquetFile(path).read().to_pylist()
    return rows


def test_the_columns_are_the_contract() -> None:
    assert TAPE_SCHEMA.names == [
        "workspace",
        "event_id",
        "source",
        "type",
        "event_time",
        "publish_time",
        "schema",
        "person_id",
        "identities",
        "data",
        "payload",
        "extensions",
        "message_id",
    ]


def test_a_row_holds_the_event_as_it_was_sent(tmp_path: Path) -> None:
    ParquetTape(tmp_path).append("o", [event(1, DAY + 1_000_001, extensions=b'{"a":1}')], "shop")
    (path,) = tmp_path.rglob("*.parquet")
    assert path.parent.name == "date=2026-01-01"
    assert rows_of(path) == [
        {
            "workspace": "shop",
            "event_id": "e1",
            "source": "/web",
            "type": "cart_added",
            "event_time": datetime(2026, 1, 1, 0, 0, 1, 1, UTC),
            "publish_time": datetime(2026, 1, 1, 0, 0, 1, 2, UTC),
            "schema": "cart_added/2",
            "person_id": f"{1:032x}",
            "identities": ["customer:1", "email:ä@example.com"],
            "data": '{"sku": "ä", "n": 12345678901234567890.10}',
            "payload": b"\xff\x00raw",
            "extensions": '{"a":1}',
            "message_id": "f@1",
        }
    ]


def test_parquet_knows_that_data_is_json_and_times_are_utc(tmp_path: Path) -> None:
    ParquetTape(tmp_path).append("o", [event(1)], "shop")
    schema = pq.ParquetFile(next(tmp_path.rglob("*.parquet"))).schema
    kinds = {column.path: str(column.logical_type) for column in schema}
    assert kinds["data"] == kinds["extensions"] == "JSON"
    assert kinds["event_time"].startswith("Timestamp(isAdjustedToUTC=true, timeUnit=micro")


@settings(max_examples=25, deadline=None)
@given(
    times=st.lists(st.integers(-3 * DAY_US, 3 * DAY_US) | st.just(0) | st.just(-1), min_size=1, max_size=30)
)
def test_each_row_lies_under_its_day_in_the_order_of_the_batch(
    tmp_path_factory: pytest.TempPathFactory, times: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("tape")
    ParquetTape(folder).append("o", [event(n, time_us) for n, time_us in enumerate(times)], "shop")
    expected: dict[str, list[str]] = {}
    for number, time_us in enumerate(times):
        day = (EPOCH + time_us * MICROSECOND).date().isoformat()
        expected.setdefault(f"date={day}", []).append(f"e{number}")
    found = {
        path.parent.name: [row["event_id"] for row in rows_of(path)] for path in folder.rglob("*.parquet")
    }
    assert found == expected


def test_a_batch_appended_again_changes_nothing(tmp_path: Path) -> None:
    batch = [event(number, DAY + number % 3 * DAY_US) for number in range(100)]
    tape = ParquetTape(tmp_path)
    tape.append("f@0", batch, "shop")
    before = files(tmp_path)
    pickle.loads(pickle.dumps(tape)).append("f@0", batch, "shop")
    assert files(tmp_path) == before
    assert len(before) == 3
    tape.append("f@1", batch, "shop")
    assert len(files(tmp_path)) == 6


def test_no_events_make_no_file(tmp_path: Path) -> None:
    ParquetTape(tmp_path / "tape").append("o", [], "shop")
    assert not (tmp_path / "tape").exists()


def test_the_table_keeps_the_public_schema() -> None:
    assert tape_table([event(1)], "shop").schema == TAPE_SCHEMA


def test_what_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "tape").touch()
    with pytest.raises(CjaasError, match="cannot be written"):
        ParquetTape(tmp_path / "tape").append("o", [event(1)], "shop")
