"""The rules of this house for event schemas, beyond Avro's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from schemas.avro.invalid_data import found
from schemas.avro.kinds import holds_text, identity_fields, is_recursive
from schemas.avro.model import Record, Type, records
from schemas.avro.positions import Place
from schemas.avro.soundness import Mistake

_EVENT_TYPE = re.compile(r"[a-z][a-z0-9_.]*", re.ASCII)
_NAMESPACE = re.compile(r"[a-z][a-z0-9_-]*", re.ASCII)


def check_definition(definition: Any, path: Path) -> list[Mistake]:
    """The mistakes of a parsed definition, by its words alone."""
    if not is_record(definition):
        return [((), "expected one record (an object of type 'record') in the file")]
    out: list[Mistake] = []
    event_type, version = definition.get("eventType"), definition.get("version")
    if not isinstance(event_type, str) or not _EVENT_TYPE.fullmatch(event_type):
        shown = found(event_type) if "eventType" in definition else "none"
        out.append((("eventType",), f"expected 'eventType' of a-z, 0-9, _ and dots, found {shown}"))
    if type(version) is not int or version < 1:
        shown = found(version) if "version" in definition else "none"
        out.append((("version",), f"expected 'version' as an integer from 1, found {shown}"))
    if not out and path.name != f"{event_type}.v{version}.avsc":
        out.append(
            (("eventType",), f"expected the file to be named {event_type}.v{version}.avsc, found {path.name}")
        )
    for place, record in _records(definition, ()):
        if not _says(record.get("doc")):
            out.append(
                ((*place, "name"), f"record {record.get('name')}: expected a 'doc' that says what it is")
            )
        for index, item in enumerate(_fields(record)):
            out += _field(item, (*place, "fields", index, "name"))
    return out


def is_record(definition: Any) -> bool:
    """Whether a parsed definition is that of one record, right or wrong."""
    return isinstance(definition, dict) and definition.get("type") == "record"


def check_identities(root: Type) -> list[Mistake]:
    """The mistakes in where identities stand."""
    reached = {id(item) for _, item in identity_fields(root)}
    out: list[Mistake] = []
    for record in records(root):
        for item in (item for item in record.fields if item.identity is not None):
            if not holds_text(item.type):
                problem = "expected an identity on a string, alone or with null"
            elif id(item) not in reached:
                problem = "expected an identity outside of lists and maps"
            elif is_recursive(record):
                problem = "expected an identity outside of records that hold themselves"
            else:
                continue
            out.append((item.at, f"field {item.name}: {problem}"))
    return out


def identities(root: Record) -> tuple[tuple[str, str], ...]:
    """Dot path and namespace of each identity, each once."""
    return tuple(
        dict.fromkeys((path, item.identity) for path, item in identity_fields(root) if item.identity)
    )


def _field(item: dict[str, Any], at: Place) -> Iterator[Mistake]:
    name = item.get("name")
    if not _says(item.get("doc")):
        yield at, f"field {name}: expected a 'doc' that says what it is"
    identity = item.get("identity")
    if "identity" in item and not (isinstance(identity, str) and _NAMESPACE.fullmatch(identity)):
        yield at, f"field {name}: expected a namespace as 'identity', found {found(identity)}"
    if "pii" in item and type(item["pii"]) is not bool:
        yield at, f"field {name}: expected true or false as 'pii', found {found(item['pii'])}"


def _says(doc: Any) -> bool:
    return isinstance(doc, str) and bool(doc.strip())


def _fields(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    fields = record.get("fields")
    for item in fields if isinstance(fields, list) else ():
        yield item if isinstance(item, dict) else {"doc": "not a field"}


def _records(schema: Any, place: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Every record definition in a schema's JSON, with its place."""
    if isinstance(schema, list):
        for index, branch in enumerate(schema):
            yield from _records(branch, (*place, index))
        return
    if not isinstance(schema, dict):
        return
    match schema.get("type"):
        case "record" | "error":
            yield place, schema
            for index, item in enumerate(_fields(schema)):
                yield from _records(item.get("type"), (*place, "fields", index, "type"))
        case "array":
            yield from _records(schema.get("items"), (*place, "items"))
        case "map":
            yield from _records(schema.get("values"), (*place, "values"))
        case _:
            pass
