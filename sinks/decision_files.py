"""Decisions as Parquet files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from schemas.decision import Cause, Decision, Gate, Outcome, Reason
from schemas.store import Outbox
from schemas.timestamps import datetime_us
from sinks.parquet_tape import write_parquet
from sinks.tape_rows import json_array

_TIME = pa.timestamp("us", "UTC")
_JSON = pa.json_(pa.string())
_CAUSE = pa.struct(
    [
        pa.field("event_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("type", pa.string(), nullable=False),
        pa.field("time", _TIME, nullable=False),
    ]
)

DECISION_SCHEMA = pa.schema(
    [
        pa.field("decision_id", pa.string(), nullable=False),
        pa.field("workspace", pa.string(), nullable=False),
        pa.field("person_id", pa.string(), nullable=False),
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("journey", pa.string()),
        pa.field("journey_version", pa.int32()),
        pa.field("step", pa.string()),
        pa.field("outcome", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("gate", pa.string()),
        pa.field("evidence", _JSON, nullable=False),
        pa.field("change", _JSON, nullable=False),
        pa.field("cause", _CAUSE, nullable=False),
        pa.field("action_id", pa.string()),
        pa.field("as_of", _TIME, nullable=False),
    ]
)
"""The columns of the table of decisions."""

_ENCODER = msgspec.json.Encoder()
_DICTIONARY_COLUMNS = ["workspace", "journey", "step", "outcome", "reason", "gate"]
_STATISTICS_COLUMNS = ["outcome", "reason", "journey", "as_of"]


@dataclass(frozen=True)
class DecisionFiles:
    """A `schemas.store.Publisher` of decisions alone: actions go nowhere.

    Each commit becomes `decisions/SHARD-SEQUENCE.parquet`, one without decisions no file. Publishing it again
    replaces it with the same bytes.

    Attributes:
        directory: of the output, that holds `decisions`.
    """

    directory: Path

    def publish(self, shard: int, sequence: int, outbox: Outbox, *, again: bool = False) -> None:
        """Publishes one commit's decisions; safe when it returns.

        Raises:
            CjaasError: the file cannot be written.
        """
        if outbox.decisions:
            name = f"{shard:05d}-{sequence:015d}.parquet"
            write_decisions(self.directory / "decisions" / name, outbox.decisions)


def write_decisions(path: Path, decisions: Sequence[Decision]) -> None:
    """Writes one file in one step: equal decisions give equal bytes.

    Raises:
        CjaasError: the file cannot be written.
    """
    write_parquet(decision_table(decisions), path, _DICTIONARY_COLUMNS, _STATISTICS_COLUMNS)


def decision_table(decisions: Sequence[Decision]) -> pa.Table:
    """The rows of these decisions, in their order."""
    encode = _ENCODER.encode
    causes = [decision.cause for decision in decisions]
    cause = pa.StructArray.from_arrays(
        [
            pa.array([cause.event_id for cause in causes], pa.string()),
            pa.array([cause.source for cause in causes], pa.string()),
            pa.array([cause.type for cause in causes], pa.string()),
            pa.array([cause.time_us for cause in causes], pa.int64()).view(_TIME),
        ],
        fields=list(_CAUSE),
    )
    return pa.Table.from_arrays(
        [
            pa.array([decision.decision_id for decision in decisions], pa.string()),
            pa.array([decision.workspace for decision in decisions], pa.string()),
            pa.array([decision.person_id for decision in decisions], pa.string()),
            pa.array([decision.shard for decision in decisions], pa.int32()),
            pa.array([decision.sequence for decision in decisions], pa.int64()),
            pa.array([decision.journey for decision in decisions], pa.string()),
            pa.array([decision.journey_version for decision in decisions], pa.int32()),
            pa.array([decision.step for decision in decisions], pa.string()),
            pa.array([decision.outcome for decision in decisions], pa.string()),
            pa.array([decision.reason for decision in decisions], pa.string()),
            pa.array([decision.gate for decision in decisions], pa.string()),
            json_array([encode(decision.evidence) for decision in decisions]),
            json_array([encode(decision.change) if decision.change else b"{}" for decision in decisions]),
            cause,
            pa.array([decision.action_id for decision in decisions], pa.string()),
            pa.array([decision.as_of_us for decision in decisions], pa.int64()).view(_TIME),
        ],
        schema=DECISION_SCHEMA,
    )


def decision_of(row: dict[str, Any]) -> Decision:
    """The decision that a row of the table holds; times are aware datetimes."""
    cause = row["cause"]
    gate = row["gate"]
    return Decision(
        decision_id=row["decision_id"],
        workspace=row["workspace"],
        person_id=row["person_id"],
        shard=row["shard"],
        sequence=row["sequence"],
        journey=row["journey"],
        journey_version=row["journey_version"],
        step=row["step"],
        outcome=Outcome(row["outcome"]),
        reason=Reason(row["reason"]),
        gate=None if gate is None else Gate(gate),
        evidence=msgspec.json.decode(row["evidence"]),
        change=msgspec.json.decode(row["change"]),
        cause=Cause(cause["event_id"], cause["source"], cause["type"], datetime_us(cause["time"])),
        action_id=row["action_id"],
        as_of_us=datetime_us(row["as_of"]),
    )
