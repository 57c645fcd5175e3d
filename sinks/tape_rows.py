"""The rows of the tape, as Arrow."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from schemas.event import Event

_TIME = pa.timestamp("us", "UTC")
_JSON = pa.json_(pa.string())

TAPE_SCHEMA = pa.schema(
    [
        pa.field("workspace", pa.string(), nullable=False),
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("event_time", _TIME, nullable=False),
        pa.field("publish_time", _TIME, nullable=False),
        pa.field("schema", pa.string(), nullable=False),
        pa.field("person_id", pa.string(), nullable=False),
        pa.field("identities", pa.list_(pa.field("element", pa.string(), nullable=False)), nullable=False),
        pa.field("data", _JSON, nullable=False),
        pa.field("payload", pa.binary(), nullable=False),
        pa.field("extensions", _JSON),
        pa.field("message_id", pa.string(), nullable=False),
    ]
)
"""The columns of the tape."""


def tape_table(events: Sequence[Event], workspace: str) -> pa.Table:
    """The rows of the tape for these events, in their order."""
    return pa.Table.from_arrays(
        [
            pa.repeat(pa.scalar(workspace), len(events)),
            pa.array([event.event_id for event in events], pa.string()),
            pa.array([event.source for event in events], pa.string()),
            pa.array([event.type for event in events], pa.string()),
            pa.array([event.time_us for event in events], pa.int64()).view(_TIME),
            pa.array([event.publish_us for event in events], pa.int64()).view(_TIME),
            pa.array([event.schema for event in events], pa.string()),
            pa.array([event.person_id for event in events], pa.string()),
            pa.array([event.identities for event in events], TAPE_SCHEMA.field("identities").type),
            json_array([event.data_json for event in events]),
            pa.array([event.payload for event in events], pa.binary()),
            json_array([event.extensions for event in events]),
            pa.array([event.message_id for event in events], pa.string()),
        ],
        schema=TAPE_SCHEMA,
    )


def json_array(texts: Sequence[bytes | None]) -> pa.Array:
    """JSON texts, valid UTF-8, as a column of Arrow's JSON type."""
    return pa.ExtensionArray.from_storage(_JSON, pa.array(texts, pa.binary()).view(pa.string()))
