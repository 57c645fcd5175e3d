"""The tape before a table that refuses rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from pipelines.local.emulators import free_port
from schemas.errors import CjaasError
from schemas.streams import DeadLetterSink, Rejected, Tape
from sinks.bigquery_dataset import BigQueryDataset
from sinks.bigquery_dead_letters import BigQueryDeadLetters
from sinks.bigquery_decisions import BigQueryDecisions
from sinks.bigquery_reading import BigQueryReading
from sinks.bigquery_tape import BigQueryTape
from tests.sinks.append_rows_server import AppendRowsServer, Rows, append_rows_server, refusing
from tests.sinks.profile_store_contract import DECISION
from tests.sinks.test_bigquery_sinks import LETTER
from tests.sinks.test_parquet_tape import event


@pytest.fixture
def server() -> Iterator[AppendRowsServer]:
    with append_rows_server() as (server, _):
        yield server


@pytest.fixture
def dataset(server: AppendRowsServer) -> BigQueryDataset:
    return BigQueryDataset("p", "d", emulator_rest="http://127.0.0.1:1", emulator_host=server.host)


def refuse_rows(server: AppendRowsServer, wide: bytes = b"\x00") -> None:
    """Refuses rows with a wide number in their data, and all of events that are called bad."""

    def bad(row: dict[str, Any]) -> bool:
        return row["event_id"] == "bad" or wide.decode() in row["data"]

    def step(rows: Rows) -> Any:
        return refusing(bad)([{**row, "id": row["event_id"]} for row in rows])

    server.usual = step


def test_rows_are_plain_columns_of_the_table(server: AppendRowsServer, dataset: BigQueryDataset) -> None:
    with closing(BigQueryTape(dataset)) as tape:
        assert tape.append("a", [event(1), event(2)], "shop") == []
    assert [row["event_id"] for row in server.rows] == ["e1", "e2"]
    assert server.rows[0]["data"] == event(1).data_json.decode()
    assert server.streams == ["projects/p/datasets/d/tables/tape_raw/streams/_default"]
    assert server.routing == {f"write_stream={server.streams[0]}"}


def test_refused_events_are_handed_back_by_their_index(
    server: AppendRowsServer, dataset: BigQueryDataset
) -> None:
    refuse_rows(server)
    events = [event(0), event(1, event_id="bad"), event(2), event(3, event_id="bad")]
    with closing(BigQueryTape(dataset)) as tape:
        assert tape.append("a", events, "shop") == [Rejected(1, "bad bad"), Rejected(3, "bad bad")]
    assert [row["event_id"] for row in server.rows] == ["e0", "e2"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b'{"n":123456789012345678901234567890}', {"n": "123456789012345678901234567890"}),
        (
            b'{"n":[1.10, -7, 9223372036854775807, 18446744073709551615]}',
            {"n": ["1.10", -7, 9223372036854775807, "18446744073709551615"]},
        ),
        (b'{"n":-9223372036854775809, "t":"\\ud83d\\ude00"}', {"n": "-9223372036854775809", "t": "😀"}),
    ],
)
def test_numbers_that_the_table_refuses_are_kept_as_text(
    server: AppendRowsServer, dataset: BigQueryDataset, sent: bytes, kept: Any
) -> None:
    refuse_rows(server, wide=sent)
    with closing(BigQueryTape(dataset)) as tape:
        assert tape.append("a", [event(0), event(1, data_json=sent, payload=b"as sent")], "shop") == []
    plain, wide = server.rows
    assert plain["data"] == event(0).data_json.decode()
    assert json.loads(wide["data"]) == kept
    assert wide["payload"] == b"as sent"


def test_a_refused_decision_or_dead_letter_rises(server: AppendRowsServer, dataset: BigQueryDataset) -> None:
    server.usual = lambda rows: refusing(lambda row: True)([{"id": 1} for _ in rows])
    with closing(BigQueryDecisions(dataset)) as sink, pytest.raises(CjaasError, match=DECISION.decision_id):
        sink.append([DECISION])
    with closing(BigQueryDeadLetters(dataset)) as letters, pytest.raises(CjaasError, match=r"f@9 \(a\): bad"):
        letters.append("a", [LETTER])


def test_nobody_at_the_port_is_told_in_time() -> None:
    port = free_port()
    dataset = BigQueryDataset("p", "d", None, f"http://127.0.0.1:{port}", f"127.0.0.1:{port}")
    with (
        BigQueryReading(dataset, request_seconds=0.3) as reading,
        pytest.raises(CjaasError, match=r"SQL over p\.d: .*[Cc]onnection") as caught,
    ):
        reading.sql("SELECT 1")
    assert "\n" not in str(caught.value)


def test_they_are_what_jobs_take(dataset: BigQueryDataset) -> None:
    tape: Tape = BigQueryTape(dataset)
    letters: DeadLetterSink = BigQueryDeadLetters(dataset)
    assert repr(tape).startswith("BigQueryTape(BigQueryDataset(project='p'")
    letters.close()
    tape.close()


def test_half_an_emulator_is_refused() -> None:
    with pytest.raises(CjaasError, match="both addresses"):
        BigQueryDataset("p", "d", emulator_rest="http://127.0.0.1:1")
