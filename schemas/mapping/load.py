"""A mapping file, loaded and checked by itself and against a workspace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.errors import Problem, WorkspaceError
from schemas.mapping.model import FieldRule, Mapping, TypeRule
from schemas.workspace.document import Document, Location, read_document
from schemas.workspace.phrases import listed, unknown
from schemas.workspace.validate import validate

if TYPE_CHECKING:
    from schemas.avro import EventSchema, Registry
    from schemas.workspace import Workspace

# What fields of a kind of schema can hold values of a mapping's type; kinds that stand nowhere take all.
_FITTING = {
    "number": {"integer", "number", "decimal", "json"},
    "text": {"string", "date", "timestamp", "list", "json"},
    "boolean": {"boolean", "json"},
    "timestamp": {"timestamp", "integer", "json"},
    "date": {"date", "integer", "json"},
    "bytes": {"string", "json"},
    "object": {"json"},
}


def load_mapping(path: Path, workspace: Workspace | None = None) -> Mapping:
    """The mapping of a file; its names are those of the workspace, where one is given.

    Raises:
        WorkspaceError: the file has mistakes; all of them, each with its line.
    """
    document, problems = read_document(path)
    if document is None:
        raise WorkspaceError(problems)
    mapping, found = validate(document, Mapping)
    problems += found
    if mapping is not None:
        problems += _own_names(document, mapping)
        if workspace is not None:
            problems += _workspace_names(document, mapping, workspace)
    if mapping is None or problems:
        raise WorkspaceError(problems)
    return mapping


def _own_names(document: Document, mapping: Mapping) -> Iterator[Problem]:
    for name in mapping.data:
        parts = name.split(".")
        if "" in parts:
            yield document.problem(("data", name), "expected a dot path such as address.city; name each part")
        for depth in range(1, len(parts)):
            if (outer := ".".join(parts[:depth])) in mapping.data:
                yield document.problem(("data", name), f"{outer} is a field too; remove one of them")
    types = mapping.types()
    if types is None:
        return
    for name, rule in mapping.data.items():
        for index, event_type in enumerate(rule.only or ()):
            if event_type not in types:
                message = unknown("event type of this mapping", event_type, types, f"write {listed(types)}")
                yield document.problem(("data", name, "only", index), message)
    if isinstance(mapping.dataschema, dict):
        for event_type in mapping.dataschema:
            if event_type not in types:
                message = unknown("event type of this mapping", event_type, types, f"write {listed(types)}")
                yield document.problem(("dataschema", event_type), message)


def _workspace_names(document: Document, mapping: Mapping, workspace: Workspace) -> Iterator[Problem]:
    namespaces = [namespace.name for namespace in workspace.namespaces]
    if mapping.identity.namespace not in namespaces:
        message = unknown("namespace", mapping.identity.namespace, namespaces, f"write {listed(namespaces)}")
        yield document.problem(("identity", "namespace"), message)
    known = workspace.registry.types()
    types = mapping.types()
    if types is None:
        types = list(known)
        everywhere = {name: rule for name, rule in mapping.data.items() if rule.only is None}
        for name in everywhere:
            if not any(schema.field_kind(name) for schema in _schemas(workspace.registry, mapping, types)):
                yield document.problem(("data", name), "no event type of the workspace has this field")
        types = list(dict.fromkeys(name for rule in mapping.data.values() for name in rule.only or ()))
    for event_type in types:
        location = _type_location(mapping, event_type)
        if event_type not in known:
            message = unknown("event type", event_type, known, "add its schema to the workspace")
            yield document.problem(location, message)
            continue
        uri = mapping.schema_uri(event_type)
        schema = _schema(workspace.registry, event_type, uri)
        if schema is None:
            versions = [f"{event_type}/{version}" for version in workspace.registry.versions(event_type)]
            yield document.problem(
                ("dataschema",), f"expected a URI that ends in {listed(versions)}, found {uri!r}"
            )
        else:
            yield from _fields(document, mapping, event_type, schema, location)


def _type_location(mapping: Mapping, event_type: str) -> Location:
    if isinstance(mapping.type, TypeRule):
        for key, value in (mapping.type.values or {}).items():
            if value == event_type:
                return ("type", "values", key)
    return ("type",)


def _schemas(registry: Registry, mapping: Mapping, types: list[str]) -> Iterator[EventSchema]:
    for event_type in types:
        if (schema := _schema(registry, event_type, mapping.schema_uri(event_type))) is not None:
            yield schema


def _schema(registry: Registry, event_type: str, uri: str | None) -> EventSchema | None:
    if uri is None:
        return registry.newest(event_type)
    name, _, version = uri.rpartition("/")
    if not (name == event_type or name.endswith("/" + event_type)) or not version.isdecimal():
        return None
    return registry.find(event_type, int(version))


def _fields(
    document: Document, mapping: Mapping, event_type: str, schema: EventSchema, location: Location
) -> Iterator[Problem]:
    top: list[dict[str, Any]] = schema.definition["fields"]
    names = [field["name"] for field in top]
    given = dict(mapping.fields_of(event_type))
    for name, rule in given.items():
        kind = schema.field_kind(name)
        if kind is None:
            message = unknown(
                f"field of {schema.name}", name, names, f"write {listed(names)}, or add it to the schema"
            )
            yield document.problem(("data", name), message)
        elif rule.column is not None and not _fits(rule, kind):
            fitting = listed(sorted(_FITTING[kind]))
            message = f"{schema.name} has a {kind} here; expected the type {fitting}, found {rule.type}"
            yield document.problem(("data", name), message)
    filled = {name.partition(".")[0] for name in given}
    missing = [field["name"] for field in top if field["name"] not in filled and not _optional(field)]
    if missing:
        message = (
            f"{schema.name} can't be without {', '.join(missing)}; add it to data, or a default to the schema"
        )
        yield document.problem(location, message)


def _fits(rule: FieldRule, kind: str) -> bool:
    return rule.values is not None or kind not in _FITTING or rule.type in _FITTING[kind]


def _optional(field: dict[str, Any]) -> bool:
    kind = field["type"]
    branches = kind if isinstance(kind, list) else [kind]
    return "default" in field or "null" in branches or {"type": "null"} in branches
