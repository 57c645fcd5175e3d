"""Event definitions for tests, in few words."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import fastavro
import msgspec

from schemas.avro import EventSchema, InvalidData
from schemas.avro.definition import define
from schemas.avro.plan import RecordPlan
from schemas.avro.resolution import resolve


def field(name: str, type_: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, "doc": name, **more}


def record(name: str, *fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "doc": name, "fields": list(fields), **more}


def event(*fields: dict[str, Any], version: int = 1, **more: Any) -> dict[str, Any]:
    return {**record("Event", *fields), "eventType": "event", "version": version, **more}


def schema(*fields: dict[str, Any]) -> EventSchema:
    return made(event(*fields))


def made(definition: dict[str, Any], newest: dict[str, Any] | None = None) -> EventSchema:
    return EventSchema(Path("event.v1.avsc"), definition, newest or definition)


def write(folder: Path, definition: dict[str, Any]) -> Path:
    path = folder / f"{definition['eventType']}.v{definition['version']}.avsc"
    path.write_text(json.dumps(definition, indent=1))
    return path


def logical(base: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": base, "logicalType": name, **more}


def plan_of(definition: dict[str, Any]) -> RecordPlan:
    type_, mistakes = define(definition)
    assert type_ is not None, mistakes
    plan, problems = resolve(type_, type_)
    assert isinstance(plan, RecordPlan)
    assert not problems
    return plan


def result(read: Any, raw: Any) -> Any:
    try:
        return read(raw)
    except InvalidData as error:
        return str(error)


def same_bytes(value: Any) -> bytes:
    """Bytes that tell 1 from 1.0 and true; an object's order does not count."""
    return msgspec.json.encode(value, order="deterministic")


def encode(definition: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(definition), value)
    return out.getvalue()
