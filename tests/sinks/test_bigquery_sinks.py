"""Tape, decisions and dead letters on BigQuery's emulator: what goes in is what SQL gives."""

from __future__ import annotations

import json
import pickle
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pipelines.local.emulators import PROJECT, Emulator
from schemas.dead_letter import DeadLetter, DeadLetterError, Stage
from schemas.decision import Cause, Decision, Outcome
from schemas.errors import CjaasError
from schemas.store import OutboundAction
from schemas.timestamps import DAY_US
from sinks.bigquery_appender import TableAppender
from sinks.bigquery_dataset import BigQueryDataset
from sinks.bigquery_dead_letters import BigQueryDeadLetters
from sinks.bigquery_decisions import BigQueryDecisions
from sinks.bigquery_journal import BigQueryJournal
from sinks.bigquery_layout import DEAD_LETTERS, DECISIONS, TAPE
from sinks.bigquery_reading import BigQueryReading
from sinks.bigquery_tape import BigQueryTape
from sinks.dead_letter_files import DeadLetterFiles
from sinks.decision_files import decision_of, write_decisions
from sinks.live_publisher import expired_decision
from sinks.parquet_tape import ParquetTape
from sinks.warehouse import Warehouse
from tests.emulators import bigquery_emulator  # noqa: F401
from tests.sinks.profile_store_contract import DECISION
from tests.sinks.test_parquet_tape import DAY, event

LETTER = DeadLetter(
    payload=b"\xff\x00raw",
    payload_sha256="0" * 64,
    attributes={"b": "ä", "a": "1"},
    message_id="f@9",
    publish_us=DAY + 1,
    stage=Stage.DATA,
    error=DeadLetterError.INVALID_DATA,
    detail="sku: expected a string, found 1",
    workspace="shop",
    type="cart_added",
    schema="cart_added/2",
    pipeline_version="1",
)
UNKNOWN = DeadLetter(
    payload='{"ä": 1}'.encode(),
    payload_sha256=None,
    attributes={},
    message_id="f@10",
    publish_us=None,
    stage=Stage.ENVELOPE,
    error=DeadLetterError.INVALID_JSON,
    detail="payload: expected a JSON object, found '{'",
    workspace="shop",
    type=None,
    schema=None,
    pipeline_version="1",
)
SENT = Decision(
    **{name: getattr(DECISION, name) for name in Decision.__struct_fields__}
    | {"decision_id": "e" * 32, "gate": None, "action_id": "f" * 32, "cause": Cause("e2", "/app", "login", 5)}
)


def test_events_in_are_rows_of_the_view(dataset: BigQueryDataset, reading: BigQueryReading) -> None:
    events = [event(number, DAY + number * 3_600_000_000) for number in range(60)]
    with closing(BigQueryTape(dataset)) as tape:
        assert tape.append("a", events[:40], "shop") == []
        assert tape.append("b", events[40:], "shop") == []
        assert tape.append("c", [], "shop") == []
    assert reading.sql("SELECT count(*), count(DISTINCT event_id) FROM tape").rows == [(60, 60)]
    assert reading.sql("SELECT event_id FROM tape WHERE date = '2026-01-02' ORDER BY event_time").rows == [
        (f"e{number}",) for number in range(24, 48)
    ]


def test_a_row_reads_back_as_it_was_sent(dataset: BigQueryDataset, reading: BigQueryReading) -> None:
    sent = event(1, DAY + 1_000_001, extensions=b'{"a":"1"}', data_json=b'{"sku": "\xc3\xa4", "n": 1.5}')
    with closing(BigQueryTape(dataset)) as tape:
        assert tape.append("a", [sent, event(2)], "shop") == []
    result = reading.sql("SELECT * FROM tape ORDER BY event_id")
    assert result.columns == (*TAPE.schema.names, "date")
    assert result.rows[0] == (
        "shop",
        "e1",
        "/web",
        "cart_added",
        datetime(2026, 1, 1, 0, 0, 1, 1, UTC),
        datetime(2026, 1, 1, 0, 0, 1, 2, UTC),
        "cart_added/2",
        f"{1:032x}",
        ["customer:1", "email:ä@example.com"],
        '{"sku":"ä","n":1.5}',
        b"\xff\x00raw",
        '{"a":"1"}',
        "f@1",
        date(2026, 1, 1),
    )
    assert result.rows[1][11] is None
    query = "SELECT JSON_VALUE(data.sku), one FROM tape, UNNEST(identities) AS one WHERE event_id = 'e1'"
    assert sorted(reading.sql(query).rows) == [("ä", "customer:1"), ("ä", "email:ä@example.com")]


def test_copies_are_one_row_of_the_view_the_earliest(
    dataset: BigQueryDataset, reading: BigQueryReading
) -> None:
    first = event(1)
    later = event(1, publish_us=first.publish_us + 5, payload=b"later")
    elsewhere = event(1, source="/app")
    with closing(BigQueryTape(dataset)) as tape:
        for batch in ([later, event(2)], [first, event(2)], [later, elsewhere]):
            assert tape.append("a", batch, "shop") == []
        assert tape.append("a", [first], "other") == []
    assert reading.sql("SELECT count(*) FROM tape_raw").rows == [(7,)]
    query = "SELECT workspace, source, event_id, payload FROM tape ORDER BY 1, 2, 3"
    assert reading.sql(query).rows == [
        ("other", "/web", "e1", b"\xff\x00raw"),
        ("shop", "/app", "e1", b"\xff\x00raw"),
        ("shop", "/web", "e1", b"\xff\x00raw"),
        ("shop", "/web", "e2", b"\xff\x00raw"),
    ]


def test_the_same_sql_gives_the_same_from_files(
    dataset: BigQueryDataset, reading: BigQueryReading, tmp_path: Path
) -> None:
    events = [event(number % 7, DAY + (number % 7) * DAY_US // 3, extensions=b"{}") for number in range(12)]
    # A copy under another day's time is another row, there and here.
    events.append(event(0, DAY + 5 * DAY_US))
    letters = [LETTER, UNKNOWN]
    with (
        closing(BigQueryTape(dataset)) as tape,
        closing(BigQueryDecisions(dataset)) as decisions,
        closing(BigQueryDeadLetters(dataset)) as dead_letters,
    ):
        assert tape.append("a", events, "shop") == []
        decisions.append([DECISION, SENT])
        dead_letters.append("a", letters)
    ParquetTape(tmp_path / "tape").append("a", events, "shop")
    write_decisions(tmp_path / "decisions" / "a.parquet", [DECISION, SENT])
    DeadLetterFiles(tmp_path / "dead_letters").append("a", letters)
    with Warehouse(tmp_path) as warehouse:
        for query in (
            "SELECT date, count(*) AS number FROM tape GROUP BY date ORDER BY date",
            "SELECT workspace, event_id, source, type, schema, person_id, identities, payload, message_id,"
            " date, event_time, publish_time FROM tape ORDER BY event_id, date",
            "SELECT decision_id, workspace, person_id, shard, sequence, journey, journey_version, step,"
            " outcome, reason, gate, action_id, as_of, cause FROM decisions ORDER BY decision_id",
            "SELECT cause.event_id, cause.time FROM decisions ORDER BY decision_id",
            "SELECT payload, payload_base64, payload_sha256, message_id, publish_time, stage, error, detail,"
            " workspace, type, schema, pipeline_version FROM dead_letters ORDER BY message_id",
        ):
            assert _plain(reading.sql(query)) == _plain(warehouse.sql(query))
        for table in ("tape", "decisions", "dead_letters"):
            query = f"SELECT * FROM {table}"
            assert reading.sql(query).columns == warehouse.sql(query).columns


def _plain(result: Any) -> tuple[Any, list[list[Any]]]:
    """A result with its instants in UTC, whatever zone object stands for it."""
    return result.columns, [
        [value.astimezone(UTC) if isinstance(value, datetime) else value for value in row]
        for row in result.rows
    ]


def test_decisions_read_back_once_each(dataset: BigQueryDataset, reading: BigQueryReading) -> None:
    with closing(BigQueryDecisions(dataset)) as sink:
        sink.append([])
        sink.append([DECISION, SENT])
        sink.append([DECISION])
    assert reading.sql("SELECT count(*) FROM decisions_raw").rows == [(3,)]
    result = reading.sql("SELECT * FROM decisions ORDER BY decision_id")
    found = [decision_of(dict(zip(result.columns, row, strict=True))) for row in result.rows]
    assert found == [DECISION, SENT]


@pytest.mark.parametrize("sent_first", [True, False])
def test_what_one_job_sent_was_sent_although_another_one_found_it_expired(
    dataset: BigQueryDataset, reading: BigQueryReading, sent_first: bool
) -> None:
    sent = msgspec.structs.replace(SENT, outcome=Outcome.SENT)
    late = expired_decision(sent, OutboundAction("web", "f" * 32, b'{"expires_at":"2026-01-01T00:00:00Z"}'))
    other = msgspec.structs.replace(late, decision_id="1" * 32, action_id="2" * 32)
    with closing(BigQueryDecisions(dataset)) as sink:
        for decision in (sent, late) if sent_first else (late, sent):
            sink.append([decision])
        sink.append([other])
    assert reading.sql("SELECT outcome FROM decisions ORDER BY outcome").rows == [("expired",), ("sent",)]
    with closing(BigQueryJournal(dataset)) as journal:
        assert journal.decisions_of_action("f" * 32) == [sent]
        assert journal.decisions_of_action("2" * 32) == [other]


def test_dead_letters_read_back(dataset: BigQueryDataset, reading: BigQueryReading) -> None:
    with closing(BigQueryDeadLetters(dataset)) as sink:
        sink.append("a", [])
        sink.append("a", [LETTER, UNKNOWN])
    result = reading.sql("SELECT * FROM dead_letters ORDER BY message_id")
    assert result.columns == tuple(DEAD_LETTERS.schema.names)
    unknown, letter = (dict(zip(result.columns, row, strict=True)) for row in result.rows)
    assert (letter["payload"], letter["payload_base64"]) == (None, "/wByYXc=")
    assert json.loads(letter["attributes"]) == {"a": "1", "b": "ä"}
    assert letter["publish_time"] == datetime(2026, 1, 1, 0, 0, 0, 1, UTC)
    assert (unknown["payload"], unknown["payload_base64"]) == ('{"ä": 1}', None)
    assert (unknown["publish_time"], unknown["type"], unknown["schema"]) == (None, None, None)


def test_sinks_travel_closed_and_open_again(dataset: BigQueryDataset, reading: BigQueryReading) -> None:
    tape = BigQueryTape(dataset)
    assert tape.append("a", [event(1)], "shop") == []
    copy: BigQueryTape = pickle.loads(pickle.dumps(tape))
    assert copy.append("a", [event(2)], "shop") == []
    tape.close()
    tape.close()
    assert copy.append("a", [event(3)], "shop") == []
    copy.close()
    assert tape.append("a", [event(4)], "shop") == []
    tape.close()
    assert reading.sql("SELECT count(*) FROM tape").rows == [(4,)]


def test_appenders_of_a_process_share_a_writer(dataset: BigQueryDataset) -> None:
    one, other = TableAppender(dataset, TAPE), TableAppender(dataset, TAPE)
    decisions = TableAppender(dataset, DECISIONS)
    for appender in (one, other):
        appender.append(TAPE.schema.empty_table())
    decisions.append(DECISIONS.schema.empty_table())
    assert one._shared is other._shared is not None
    assert decisions._shared is not one._shared
    for appender in (one, other, decisions):
        appender.close()


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("DELETE FROM tape_raw WHERE TRUE", "expected one query that reads"),
        ("CREATE TABLE x AS SELECT 1 AS one", "expected one query that reads"),
        ("SELECT 1; SELECT 2", "expected one query that reads"),
        ("SELECT nothing FROM tape", "nothing"),
        ("SELEC", "SQL over"),
    ],
)
def test_only_queries_that_read_are_answered(reading: BigQueryReading, query: str, told: str) -> None:
    with pytest.raises(CjaasError, match=told) as caught:
        reading.sql(query)
    assert "\n" not in str(caught.value)


def test_a_missing_table_rises(bigquery_emulator: Emulator) -> None:  # noqa: F811
    dataset = BigQueryDataset(PROJECT, "none", None, bigquery_emulator.rest, bigquery_emulator.host)
    with (
        closing(BigQueryTape(dataset)) as tape,
        pytest.raises(CjaasError, match=r"none\.tape_raw.*NOT_FOUND"),
    ):
        tape.append("a", [event(1)], "shop")
