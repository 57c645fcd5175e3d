"""Tables and views on BigQuery's emulator: made, brought up to date, and refused where they are another's."""

from __future__ import annotations

from typing import Any

import pytest
from google.api_core.exceptions import PreconditionFailed
from google.cloud.bigquery import Client, SchemaField, Table, TimePartitioning

from schemas.errors import CjaasError
from schemas.timestamps import DAY_US
from sinks import bigquery_tables as tables_module
from sinks.bigquery_dataset import BigQueryDataset
from sinks.bigquery_layout import DEAD_LETTERS, DECISIONS, TABLES, TAPE
from sinks.bigquery_reading import BigQueryReading
from sinks.bigquery_tables import BigQueryTables
from tests.emulators import bigquery_emulator  # noqa: F401


def test_tables_are_partitioned_clustered_and_made_but_once(dataset: BigQueryDataset) -> None:
    BigQueryTables(dataset).ensure()
    with dataset.rest_client() as client:
        found = {layout.name: client.get_table(dataset.table_id(layout.name)) for layout in TABLES}
        views = {name: client.get_table(dataset.table_id(name)).table_type for name in ("tape", "decisions")}
    tape = found[TAPE.name]
    assert tape.time_partitioning.field == "event_time"
    assert tape.time_partitioning.type_ == "DAY"
    assert tape.time_partitioning.expiration_ms is None
    assert tape.clustering_fields == ["workspace", "type", "person_id"]
    columns = {column.name: (column.field_type, column.mode) for column in tape.schema}
    assert columns == {
        "workspace": ("STRING", "REQUIRED"),
        "event_id": ("STRING", "REQUIRED"),
        "source": ("STRING", "REQUIRED"),
        "type": ("STRING", "REQUIRED"),
        "event_time": ("TIMESTAMP", "REQUIRED"),
        "publish_time": ("TIMESTAMP", "REQUIRED"),
        "schema": ("STRING", "REQUIRED"),
        "person_id": ("STRING", "REQUIRED"),
        "identities": ("STRING", "REPEATED"),
        "data": ("JSON", "REQUIRED"),
        "payload": ("BYTES", "REQUIRED"),
        "extensions": ("JSON", "NULLABLE"),
        "message_id": ("STRING", "REQUIRED"),
    }
    letters = found[DEAD_LETTERS.name].time_partitioning
    assert (letters.field, letters.expiration_ms) == (None, 30 * DAY_US // 1_000)
    assert found[DECISIONS.name].time_partitioning.field == "as_of"
    assert views == {"tape": "VIEW", "decisions": "VIEW"}


def test_an_older_dataset_is_brought_up_to_date(dataset: BigQueryDataset, reading: BigQueryReading) -> None:
    with dataset.rest_client() as client:
        client.delete_table(dataset.table_id(DEAD_LETTERS.name))
        old = Table(
            dataset.table_id(DEAD_LETTERS.name), schema=[SchemaField("message_id", "STRING", "REQUIRED")]
        )
        old.time_partitioning = TimePartitioning()
        client.create_table(old)
        client.delete_table(dataset.table_id("tape"))
        view = Table(dataset.table_id("tape"))
        view.view_query = "SELECT 1 AS one"
        client.create_table(view)
    tables = BigQueryTables(dataset)
    tables.ensure()
    with dataset.rest_client() as client:
        table = client.get_table(dataset.table_id(DEAD_LETTERS.name))
    assert {column.name for column in table.schema} == set(DEAD_LETTERS.schema.names)
    # Rows that are there lack the new columns.
    assert {column.mode for column in table.schema} == {"REQUIRED", "NULLABLE"}
    assert [column.name for column in table.schema if column.mode == "REQUIRED"] == ["message_id"]
    assert table.time_partitioning.expiration_ms == 30 * DAY_US // 1_000
    assert tables.add_missing_columns(DEAD_LETTERS) == []
    assert reading.sql("SELECT * FROM tape").columns == (*TAPE.schema.names, "date")


def test_several_bring_a_dataset_up_to_date_at_once(
    dataset: BigQueryDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(dataset.table_id(DEAD_LETTERS.name), schema=[SchemaField("message_id", "STRING")])
    table.time_partitioning = TimePartitioning()
    with dataset.rest_client() as client:
        client.delete_table(table)
        client.create_table(table)
    attempts: list[str] = []
    update_table = Client.update_table

    def overtaken_once(client: Client, table: Table, fields: list[str], **more: Any) -> Table:
        attempts.append(table.table_id)
        if len(attempts) == 1:
            raise PreconditionFailed("someone else was faster")  # type: ignore[no-untyped-call]
        return update_table(client, table, fields, **more)

    monkeypatch.setattr(Client, "update_table", overtaken_once)
    assert (
        BigQueryTables(dataset).add_missing_columns(DEAD_LETTERS)
        == DEAD_LETTERS.schema.names[:4] + (DEAD_LETTERS.schema.names[5:])
    )
    assert attempts == [DEAD_LETTERS.name] * 2
    attempts.clear()
    monkeypatch.setattr(tables_module, "_ATTEMPTS", 1)
    with dataset.rest_client() as client:
        client.delete_table(table)
        client.create_table(table)
    with pytest.raises(CjaasError, match="someone else was faster"):
        BigQueryTables(dataset).add_missing_columns(DEAD_LETTERS)


@pytest.mark.parametrize(
    ("partition", "column", "told"),
    [
        ("day", "BYTES", "expected a column message_id of type STRING, found another"),
        ("none", "STRING", "expected partitions by day of arrival, found another"),
    ],
)
def test_a_foreign_table_is_refused(dataset: BigQueryDataset, partition: str, column: str, told: str) -> None:
    table = Table(dataset.table_id(DEAD_LETTERS.name), schema=[SchemaField("message_id", column)])
    if partition == "day":
        table.time_partitioning = TimePartitioning()
    with dataset.rest_client() as client:
        client.delete_table(table)
        client.create_table(table)
    with pytest.raises(CjaasError, match=told):
        BigQueryTables(dataset).ensure()


def test_a_dataset_goes_as_a_whole(dataset: BigQueryDataset) -> None:
    tables = BigQueryTables(dataset)
    tables.delete()
    tables.delete()
    with BigQueryReading(dataset) as reading, pytest.raises(CjaasError):
        reading.sql("SELECT * FROM tape")
    tables.ensure()
    with BigQueryReading(dataset) as reading:
        assert reading.sql("SELECT * FROM tape").rows == []
