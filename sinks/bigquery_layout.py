"""The tables and views of a dataset: columns, partitions, clusters, and what makes rows unique.

Columns have the names that they have in an output directory (`sinks.warehouse`), so that the same SQL runs
on both: views `tape` and `decisions`, and `dead_letters`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
from google.cloud.bigquery import SchemaField

from sinks.decision_files import DECISION_SCHEMA
from sinks.tape_rows import TAPE_SCHEMA

_TIME = pa.timestamp("us", "UTC")
_JSON = pa.json_(pa.string())
_CAUSE = DECISION_SCHEMA.field("cause").type


def _flat_decision_schema() -> pa.Schema:
    """A decision's columns with one for each field of its cause: `cause_event_id` and so on."""
    fields: list[pa.Field] = []
    for field in DECISION_SCHEMA:
        if field.name == "cause":
            fields += [inner.with_name(f"cause_{inner.name}") for inner in _CAUSE]
        else:
            fields.append(field)
    return pa.schema(fields)


FLAT_DECISION_SCHEMA = _flat_decision_schema()
"""The columns of `decisions_raw`; the view puts the cause together again."""

DEAD_LETTER_SCHEMA = pa.schema(
    [
        pa.field("payload", pa.string()),
        pa.field("payload_base64", pa.string()),
        pa.field("payload_sha256", pa.string()),
        pa.field("attributes", _JSON, nullable=False),
        pa.field("message_id", pa.string(), nullable=False),
        pa.field("publish_time", _TIME),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("error", pa.string(), nullable=False),
        pa.field("detail", pa.string(), nullable=False),
        pa.field("workspace", pa.string(), nullable=False),
        pa.field("type", pa.string()),
        pa.field("schema", pa.string()),
        pa.field("pipeline_version", pa.string(), nullable=False),
    ]
)
"""A payload that is UTF-8 stands in `payload`, any other in `payload_base64`."""


@dataclass(frozen=True)
class Layout:
    """One table.

    Attributes:
        schema: its columns, in their order.
        description: what a row is.
        partitioned_by: the column by whose UTC day rows are partitioned; None for the day of arrival.
        clustered_by: columns, the coarsest first.
        kept_days: how long a partition is kept; None for ever.
    """

    name: str
    schema: pa.Schema
    description: str
    partitioned_by: str | None = None
    clustered_by: tuple[str, ...] = ()
    kept_days: int | None = None

    def columns(self) -> list[SchemaField]:
        """The columns as BigQuery names them."""
        return [_column(field) for field in self.schema]


TAPE: Final = Layout(
    "tape_raw",
    TAPE_SCHEMA,
    "Valid events, each at least once: query the view `tape`, which has each once.",
    partitioned_by="event_time",
    clustered_by=("workspace", "type", "person_id"),
)
DECISIONS: Final = Layout(
    "decisions_raw",
    FLAT_DECISION_SCHEMA,
    "Decisions about actions, each at least once: query the view `decisions`, which has each once.",
    partitioned_by="as_of",
    clustered_by=("workspace", "journey", "outcome", "person_id"),
)
# Copies of a letter are harmless. The publish time may be unknown or long past: what counts is the arrival.
DEAD_LETTERS: Final = Layout(
    "dead_letters",
    DEAD_LETTER_SCHEMA,
    "Messages that could not be accepted, whole, each at least once under its message id; kept 30 days.",
    clustered_by=("workspace", "error"),
    kept_days=30,
)
TABLES: Final = (TAPE, DECISIONS, DEAD_LETTERS)

_TAPE_VIEW = """\
SELECT * FROM (SELECT *, DATE(event_time) AS date FROM `{tape_raw}`)
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY workspace, source, event_id, date ORDER BY publish_time, message_id
) = 1"""

# A decision's id derives from its as_of too, so that copies share both; a filter on as_of prunes. Of two
# jobs that publish one outbox, one may find an action expired that the other one sent: sent it was.
_DECISIONS_VIEW = """\
SELECT {columns} FROM `{decisions_raw}`
QUALIFY ROW_NUMBER() OVER (PARTITION BY decision_id, as_of ORDER BY outcome = 'sent' DESC, sequence) = 1"""


def view_queries(dataset_id: str) -> dict[str, str]:
    """The SQL of each view of a dataset `PROJECT.DATASET`.

    `tape` has one row for each workspace, source, event id and day of event time: the copy published
    first, then the one with the least message id. Its windows lie within one `date`, so that a condition
    on `date` reads those partitions alone; one on `event_time` reads all.
    """
    cause = ", ".join(f"cause_{inner.name} AS {inner.name}" for inner in _CAUSE)
    columns = ", ".join(
        f"STRUCT({cause}) AS cause" if name == "cause" else name for name in DECISION_SCHEMA.names
    )
    return {
        "tape": _TAPE_VIEW.format(tape_raw=f"{dataset_id}.{TAPE.name}"),
        "decisions": _DECISIONS_VIEW.format(columns=columns, decisions_raw=f"{dataset_id}.{DECISIONS.name}"),
    }


def plain_schema(schema: pa.Schema) -> pa.Schema:
    """The schema as the Storage Write API takes it: JSON as text, without an extension type."""
    return pa.schema([field.with_type(_stored(field.type)) for field in schema])


def _stored(kind: pa.DataType) -> pa.DataType:
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def _column(field: pa.Field) -> SchemaField:
    if pa.types.is_list(field.type):
        return SchemaField(field.name, _column_type(field.type.value_type), "REPEATED")
    return SchemaField(
        field.name, _column_type(field.type), mode="NULLABLE" if field.nullable else "REQUIRED"
    )


def _column_type(kind: pa.DataType) -> str:
    if kind == _JSON:
        return "JSON"
    if pa.types.is_integer(kind):
        return "INTEGER"
    return {pa.string(): "STRING", pa.binary(): "BYTES", _TIME: "TIMESTAMP"}[kind]
