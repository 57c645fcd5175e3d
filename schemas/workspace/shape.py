"""What kind of value a field or an attribute has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from schemas.avro import EventSchema
from schemas.workspace.files import AttributeFile
from schemas.workspace.model import Aggregate

Container = Literal["one", "list", "map"]
ENVELOPE = {"$time": "timestamp", "$id": "text", "$source": "text", "$type": "text"}
_MAX_PATH = 6


@dataclass(frozen=True, slots=True)
class Shape:
    """A kind of value.

    Attributes:
        kind: `number`, `text`, `boolean`, `timestamp`, `date`, `bytes`, `object` or `any`; of the
            elements where there are several.
        container: whether there is one value, a list of them, or a map.
    """

    kind: str
    container: Container = "one"

    def __str__(self) -> str:
        if self.container != "one":
            return f"a {self.container} of {self.kind} values"
        return {"any": "of any kind", "object": "an object", "text": "text"}.get(self.kind, f"a {self.kind}")


def field_shape(schema: EventSchema, path: str) -> Shape | None:
    """The shape of a field by its dot path, or of `$time` and its like; None where there is no such field."""
    if path in ENVELOPE:
        return Shape(ENVELOPE[path])
    kind = schema.field_kind(path)
    if kind is None:
        return None
    return Shape(kind, field_paths(schema).get(path, "one"))


def field_paths(schema: EventSchema) -> dict[str, Container]:
    """The dot paths of a schema's fields, six names deep at most."""
    named: dict[str, Any] = {}
    _collect(schema.definition, named)
    return dict(_paths(schema.definition, named, "", "one", 0))


def attribute_shape(file: AttributeFile, fields: frozenset[Shape]) -> Shape:
    """The shape of an attribute's value, from the shapes of its field over its events."""
    match file.aggregate:
        case Aggregate.COUNT if file.field is not None:
            return Shape("number", "map")
        case Aggregate.COUNT | Aggregate.SUM | Aggregate.AVERAGE | Aggregate.DISTINCT:
            return Shape("number")
    kinds = {shape.kind for shape in fields}
    kind = kinds.pop() if len(kinds) == 1 else "any"
    several = file.aggregate is Aggregate.VALUE and (file.limit or 1) > 1
    return Shape(kind, "list" if several else "one")


def literal_shape(value: Any) -> Shape:
    """The shape of a value of JSON."""
    match value:
        case bool():
            return Shape("boolean")
        case int() | float():
            return Shape("number")
        case str():
            return Shape("text")
        case list():
            return Shape("any", "list")
        case dict():
            return Shape("any", "map")
    return Shape("any")


def _collect(definition: Any, named: dict[str, Any]) -> None:
    if isinstance(definition, list):
        for branch in definition:
            _collect(branch, named)
    elif isinstance(definition, dict):
        if "name" in definition:
            named[definition["name"]] = definition
            if "namespace" in definition:
                named[f"{definition['namespace']}.{definition['name']}"] = definition
        for key in ("type", "items", "values"):
            if isinstance(definition.get(key), (dict, list)):
                _collect(definition[key], named)
        for inner in definition.get("fields", ()):
            _collect(inner["type"], named)


def _paths(
    definition: Any, named: dict[str, Any], path: str, container: Container, depth: int
) -> Iterator[tuple[str, Container]]:
    if isinstance(definition, str):
        definition = named.get(definition)
    if isinstance(definition, list):
        for branch in definition:
            yield from _paths(branch, named, path, container, depth)
    if not isinstance(definition, dict):
        return
    match definition.get("type"):
        case "record" if depth < _MAX_PATH:
            for inner in definition["fields"]:
                below = f"{path}.{inner['name']}" if path else inner["name"]
                yield below, container
                yield from _paths(inner["type"], named, below, container, depth + 1)
        case "array":
            yield path, "list"
            yield from _paths(definition["items"], named, path, "list", depth)
        case "map":
            deeper: Container = "list" if container == "list" else "map"
            yield path, deeper
            yield from _paths(definition["values"], named, path, deeper, depth)
        case dict() | list() as inner:
            yield from _paths(inner, named, path, container, depth)
