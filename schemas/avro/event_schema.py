"""One version of one event type: what reads its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from schemas.avro.binary import ReadAvro, compile_avro
from schemas.avro.compile_json import JsonReader, ReadJson, ReadValues
from schemas.avro.definition import define
from schemas.avro.house import identities
from schemas.avro.kinds import field_kind
from schemas.avro.model import Record
from schemas.avro.plan import RecordPlan
from schemas.avro.resolution import resolve


class EventSchema:
    """One version of an event type.

    Attributes:
        type: the event type.
        version: its version, from 1.
        name: `TYPE/VERSION`.
        path: the file it was loaded from.
        definition: the file's JSON.
        identity_fields: dot path and namespace of each identity, in the newest version's shape.
        read_json: from raw JSON to the canonical data in the newest version's shape and the number of
            fields, at any depth, that the schema does not know and that are left out; raises InvalidData.
        read_avro: the same from an Avro binary body, which must be consumed whole.
    """

    __slots__ = (
        "_json",
        "_newest",
        "_record",
        "definition",
        "identity_fields",
        "name",
        "path",
        "read_avro",
        "read_json",
        "type",
        "version",
    )

    type: str
    version: int
    name: str
    path: Path
    definition: dict[str, Any]
    identity_fields: tuple[tuple[str, str], ...]
    read_json: ReadJson
    read_avro: ReadAvro

    def __init__(self, path: Path, definition: dict[str, Any], newest: dict[str, Any]) -> None:
        self.path = path
        self.definition = definition
        self.type = definition["eventType"]
        self.version = definition["version"]
        self.name = f"{self.type}/{self.version}"
        self._newest = newest
        self._record = _record(definition)
        reader = self._record if newest == definition else _record(newest)
        plan, problems = resolve(reader, self._record)
        if problems or not isinstance(plan, RecordPlan):
            # The registry reports why; the data is then read in this version's own shape.
            plan, _ = resolve(self._record, self._record)
            reader = self._record
        assert isinstance(plan, RecordPlan)  # of two records
        self.identity_fields = identities(reader)
        self._json = JsonReader(plan)
        self.read_json = self._json.read
        self.read_avro = compile_avro(plan)

    def read_values(self, paths: Sequence[str]) -> ReadValues:
        """As `read_json`, for who needs only what is at these paths into the newest version's shape.

        All of the data is checked; gives the paths' values, as `compile_projection` does from the whole.
        """
        return self._json.values(paths)

    def field_kind(self, path: str) -> str | None:
        """The kind of the values at a dot path of this version, through lists and maps their elements'.

        One of number, text, boolean, timestamp, date, bytes, object, any; None: no such field.
        """
        return field_kind(self._record, path)

    def __reduce__(self) -> tuple[Any, ...]:
        return EventSchema, (self.path, self.definition, self._newest)

    def __repr__(self) -> str:
        return f"EventSchema({self.name!r})"


def _record(definition: dict[str, Any]) -> Record:
    record, mistakes = define(definition)
    if not isinstance(record, Record):
        raise ValueError("; ".join(message for _, message in mistakes))
    return record
