"""SQL over an output directory."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import CjaasError
from schemas.event import Event
from schemas.store import Outbox
from schemas.timestamps import DAY_US
from sinks import warehouse as module
from sinks.action_files import FilePublisher
from sinks.dead_letter_files import DeadLetterFiles
from sinks.parquet_tape import ParquetTape
from sinks.sqlite_profiles import SqliteProfiles
from sinks.tape_rows import TAPE_SCHEMA
from sinks.warehouse import TapeCounts, Warehouse
from tests.sinks.profile_store_contract import commit
from tests.sinks.test_action_files import decision
from tests.sinks.test_dead_letter_files import letter
from tests.sinks.test_parquet_tape import DAY, event


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """An output of three days with five events, three of them twice, under a difficult name."""
    path = tmp_path / "o'u[t]*? {1}"
    tape = ParquetTape(path / "tape")
    tape.append("f@0", [event(n, DAY + n * DAY_US // 2, extensions=b'{"a":1}') for n in range(5)], "shop")
    later = [event(n, DAY + n * DAY_US // 2, publish_us=DAY + 9 * DAY_US, message_id="g") for n in range(3)]
    tape.append("g@0", later, "shop")
    DeadLetterFiles(path / "dead_letters").append("f@0", [letter(payload=b"a\x00b"), letter(payload=b"\xff")])
    publisher = FilePublisher(path)
    publisher.publish(1, 1, Outbox([], [decision(2, as_of_us=9), decision(1, as_of_us=3)]))
    publisher.publish(2, 1, Outbox([], [decision(3, person_id="b", action_id="a1", as_of_us=4)]))
    store = SqliteProfiles(path / "profiles.sqlite")
    assert store.commit(commit("t1", images={"p1": b'{"calls": 3}', "p2": b'{"calls": 4}'}))
    store.finish()
    return path


@pytest.fixture
def warehouse(output: Path) -> Iterator[Warehouse]:
    with Warehouse(output) as opened:
        yield opened


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Warehouse]:
    with Warehouse(tmp_path) as opened:
        yield opened


def one(warehouse: Warehouse, query: str) -> object:
    ((value,),) = warehouse.sql(query).rows
    return value


def test_the_tape_has_each_event_once(warehouse: Warehouse) -> None:
    assert one(warehouse, "SELECT count(*) FROM tape_raw") == 8
    assert warehouse.sql("SELECT event_id, message_id FROM tape ORDER BY event_id").rows == [
        (f"e{number}", f"f@{number}") for number in range(5)
    ]


@settings(max_examples=15, deadline=None)
@given(
    copies=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(["/a", "/b"]),
            st.integers(0, 1),
            st.integers(0, 2),
            st.text(max_size=3),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_of_copies_the_first_published_stands_then_the_least_message_id(
    tmp_path_factory: pytest.TempPathFactory, copies: list[tuple[int, str, int, int, str]]
) -> None:
    output = tmp_path_factory.mktemp("out")
    events = [
        event(number, DAY + day * DAY_US, source=source, publish_us=DAY + published, message_id=message)
        for number, source, day, published, message in copies
    ]
    for position, row in enumerate(events):
        ParquetTape(output / "tape").append(f"f@{position}", [row], "shop")
    first: dict[tuple[str, str, int], tuple[int, str]] = {}
    for row in events:
        key, rank = (row.source, row.event_id, row.time_us // DAY_US), (row.publish_us, row.message_id)
        first[key] = min(first.get(key, rank), rank)
    with Warehouse(output) as opened:
        found = opened.sql(
            "SELECT source, event_id, epoch_us(event_time), epoch_us(publish_time), message_id FROM tape"
        )
        assert opened.counts() == TapeCounts(rows=len(events), events=len(first))
    assert {(s, e, t // DAY_US): (p, m) for s, e, t, p, m in found.rows} == first
    assert len(found.rows) == len(first)


def test_the_same_id_in_another_workspace_is_another_event(tmp_path: Path) -> None:
    tape = ParquetTape(tmp_path / "tape")
    tape.append("f@0", [event(1)], "shop")
    tape.append("f@1", [event(1)], "bank")
    with Warehouse(tmp_path) as opened:
        assert opened.counts() == TapeCounts(rows=2, events=2)


def test_the_closing_table_counts_rows_events_and_duplicates(warehouse: Warehouse, empty: Warehouse) -> None:
    assert warehouse.counts() == TapeCounts(rows=8, events=5)
    assert warehouse.duplicates() == 3
    assert empty.counts() == TapeCounts(rows=0, events=0)


@pytest.mark.parametrize("view", ["tape", "tape_raw"])
def test_a_condition_on_the_date_reads_the_files_of_that_day(warehouse: Warehouse, view: str) -> None:
    plan = str(warehouse.sql(f"EXPLAIN SELECT * FROM {view} WHERE date = '2026-01-02'").rows)
    assert "Scanning Files: 2/5" in plan
    plan = str(warehouse.sql(f"EXPLAIN SELECT type FROM {view} WHERE date >= '2026-01-03'").rows)
    assert "Scanning Files: 1/5" in plan
    assert one(warehouse, f"SELECT count(DISTINCT event_id) FROM {view} WHERE date = '2026-01-02'") == 2


def test_the_tape_has_the_columns_of_the_contract_and_the_date(
    warehouse: Warehouse, empty: Warehouse
) -> None:
    for view in ("tape", "tape_raw"):
        assert warehouse.sql(f"FROM {view}").columns == (*TAPE_SCHEMA.names, "date")
        assert warehouse.sql(f"DESCRIBE {view}") == empty.sql(f"DESCRIBE {view}")


def test_a_row_is_typed_and_in_utc(warehouse: Warehouse) -> None:
    columns = "event_time, date, data->>'sku', identities, payload, typeof(data)"
    assert warehouse.sql(f"SELECT {columns} FROM tape WHERE event_id = 'e1'").rows == [
        (
            datetime(2026, 1, 1, 12, tzinfo=UTC),
            date(2026, 1, 1),
            "ä",
            ["customer:1", "email:ä@example.com"],
            b"\xff\x00raw",
            "JSON",
        )
    ]
    assert one(warehouse, "SELECT CAST(event_time AS VARCHAR) FROM tape WHERE event_id = 'e1'") == (
        "2026-01-01 12:00:00+00"
    )


def test_dead_letters_can_be_queried(warehouse: Warehouse) -> None:
    columns = "payload, payload_base64, attributes->>'ce-id', publish_time, error"
    published = datetime(2026, 1, 1, 0, 0, 0, 1, UTC)
    assert warehouse.sql(f"SELECT {columns} FROM dead_letters ORDER BY 2").rows == [
        (None, "/w==", "1", published, "invalid_data"),
        ("a\x00b", None, "1", published, "invalid_data"),
    ]


def test_profiles_can_be_queried(warehouse: Warehouse) -> None:
    query = "SELECT person_id, (image->'calls')::INT FROM Profiles ORDER BY person_id"
    assert warehouse.sql(query).rows == [("p1", 3), ("p2", 4)]
    assert one(warehouse, "SELECT count(*) FROM profiles a JOIN profiles b USING (person_id)") == 2


def test_many_profiles_are_copied_in_parts(output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PROFILE_CHUNK", 1)
    with Warehouse(output) as opened:
        assert one(opened, "SELECT count(*) FROM profiles") == 2


def test_decisions_are_found_by_person_and_by_action(warehouse: Warehouse, empty: Warehouse) -> None:
    assert warehouse.decisions_of_person("a" * 32) == [decision(1, as_of_us=3), decision(2, as_of_us=9)]
    found = warehouse.decisions_of_action("a1")
    assert found == [decision(3, person_id="b", action_id="a1", as_of_us=4)]
    assert empty.decisions_of_person("a" * 32) == []


def test_what_is_missing_is_empty_and_has_its_columns(warehouse: Warehouse, empty: Warehouse) -> None:
    for view in ("decisions", "dead_letters", "profiles"):
        assert empty.sql(f"FROM {view}").rows == []
        assert empty.sql(f"DESCRIBE {view}") == warehouse.sql(f"DESCRIBE {view}")


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("SELEC 1", 'Parser Error: syntax error at or near "SELEC"'),
        ("SELECT nope FROM tape", 'Referenced column "nope" not found'),
        ("FROM nope", "Table with name nope does not exist"),
        ("SELECT error('late')", "late"),
        ("", "expected one query that reads"),
        ("SELECT 1; SELECT 2", "expected one query that reads"),
        ("DROP VIEW tape", "expected one query that reads"),
        ("COPY tape TO 'x'", "expected one query that reads"),
        ("EXPLAIN ANALYZE COPY tape TO 'x'", "expected one query that reads"),
        ("SET memory_limit = '8GB'", "expected one query that reads"),
        ("INSTALL sqlite", "expected one query that reads"),
        ("FROM read_text('/etc/hostname')", "Permission Error"),
        ("FROM read_csv('https://example.com/x')", "Error"),
    ],
)
def test_what_is_wrong_or_does_more_than_read_is_told_in_one_line(
    empty: Warehouse, query: str, complaint: str
) -> None:
    with pytest.raises(CjaasError) as failure:
        empty.sql(query)
    assert complaint in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    "query", ["EXPLAIN ANALYZE FROM tape", "explain (FORMAT json) SELECT 1", "SUMMARIZE tape", "SHOW TABLES"]
)
def test_a_query_may_be_explained(warehouse: Warehouse, query: str) -> None:
    assert warehouse.sql(query).rows


def test_a_query_larger_than_memory_spills_and_cleans_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MEMORY_LIMIT", "60MB")
    with Warehouse(tmp_path) as opened:
        scratch = Path(opened._scratch.name)
        query = "SELECT count(*) FROM (SELECT md5(i::VARCHAR) AS x FROM range(1500000) t(i) GROUP BY x)"
        assert one(opened, query) == 1_500_000
        assert scratch.exists()
    assert not scratch.exists()


def test_a_missing_output_is_told(tmp_path: Path) -> None:
    with pytest.raises(CjaasError, match="absent: no such directory: expected the output of `cjaas run`"):
        Warehouse(tmp_path / "absent")


def test_two_runs_give_the_same_bytes(tmp_path: Path) -> None:
    def run(path: Path) -> dict[str, bytes]:
        events: list[Event] = [event(n, DAY + n * DAY_US // 2) for n in range(9)]
        ParquetTape(path / "tape").append("f@0", events, "shop")
        DeadLetterFiles(path / "dead_letters").append("f@0", [letter()])
        FilePublisher(path).publish(1, 1, Outbox([], [decision(1), decision(2)]))
        return {
            str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*.*") if file.is_file()
        }

    assert run(tmp_path / "one") == run(tmp_path / "two")
