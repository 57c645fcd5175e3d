"""Avro schemas of models.

Text is a string, a datetime `timestamp-micros`, an enum an enum, an optional value a union with null
whose default is null, a list an array; an object of free form is JSON text, since Avro has no such type.
"""

from __future__ import annotations

import inspect
import re
import types
from datetime import datetime
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec
from pydantic import BaseModel

NAMESPACE = "cjaas"
_PLAIN: dict[Any, Any] = {
    str: "string",
    int: "long",
    bool: "boolean",
    float: "double",
    datetime: {"type": "long", "logicalType": "timestamp-micros"},
}


def avro_schema(model: type[BaseModel] | type[msgspec.Struct]) -> dict[str, Any]:
    """The Avro record of a pydantic model or a msgspec struct.

    Raises:
        TypeError: a field has a type that is not mapped.
    """
    return {"type": "record", "namespace": NAMESPACE, **_record(model, set())}


def _record(model: type[Any], named: set[str]) -> dict[str, Any]:
    named.add(model.__name__)
    docs = field_docs(model)
    fields = []
    for name, annotation in get_type_hints(model).items():
        if name not in docs:
            continue
        field: dict[str, Any] = {"name": name, "type": _type(annotation, named)}
        if isinstance(field["type"], list):
            field["default"] = None
        doc = docs[name]
        if _is_object(annotation):
            doc = f"{doc} An object as JSON text.".strip()
        fields.append({**field, "doc": doc} if doc else field)
    return {"type": "record", "name": model.__name__, "doc": summary(model), "fields": fields}


def _type(annotation: Any, named: set[str]) -> Any:
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    if _is_object(annotation):
        return "string"
    if get_origin(annotation) in (Union, types.UnionType):
        (inner,) = (branch for branch in get_args(annotation) if branch is not type(None))
        return ["null", _type(inner, named)]
    if get_origin(annotation) is list:
        (items,) = get_args(annotation)
        return {"type": "array", "items": _type(items, named)}
    if isinstance(annotation, type):
        if annotation.__name__ in named:
            return annotation.__name__
        if issubclass(annotation, StrEnum):
            named.add(annotation.__name__)
            symbols = [member.value for member in annotation]
            return {
                "type": "enum",
                "name": annotation.__name__,
                "doc": summary(annotation),
                "symbols": symbols,
            }
        if issubclass(annotation, (BaseModel, msgspec.Struct)):
            return _record(annotation, named)
    raise TypeError(f"expected a type that Avro is known for, found {annotation!r}; map it in {__name__}")


def _is_object(annotation: Any) -> bool:
    return get_origin(annotation) is dict


def summary(model: type[Any]) -> str:
    """The first line of a docstring."""
    return (inspect.getdoc(model) or "").partition("\n")[0]


def field_docs(model: type[Any]) -> dict[str, str]:
    """What each field means: pydantic's description, or the struct docstring's `Attributes:`."""
    if issubclass(model, BaseModel):
        return {name: field.description or "" for name, field in model.model_fields.items()}
    text = (inspect.getdoc(model) or "").partition("Attributes:\n")[2]
    described = {
        name: " ".join(words.split())
        for name, words in re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", text, re.MULTILINE)
    }
    return {name: _sentence(described.get(name, "")) for name in model.__struct_fields__}


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
