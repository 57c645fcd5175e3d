"""A document against its model: the model, or every mistake as a plain sentence with its line."""

from __future__ import annotations

from collections.abc import Iterator
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from schemas.errors import Problem
from schemas.workspace.document import Document, Location
from schemas.workspace.phrases import found, listed, nearest, remedy

Model = TypeVar("Model", bound=BaseModel)

_EXPECTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}
_ADVICE = {
    "string_type": "put it in quotes if it is meant as text",
    "int_type": "write it without quotes and without a fraction",
    "bool_type": "write true or false",
    "list_type": "begin each entry with a dash",
}
_PATTERNS = {
    "^[a-z][a-z0-9-]{1,29}$": "2 to 30 lower-case letters, digits and hyphens, a letter first",
    "^[a-z][a-z0-9_-]{0,62}$": "lower-case letters, digits, _ and -, a letter first, 63 at most",
    "^[a-z][a-z0-9_]{0,62}$": "lower-case letters, digits and _, a letter first, 63 at most",
}


def validate(document: Document, model: type[Model]) -> tuple[Model | None, list[Problem]]:
    """The document as a model, None if it has mistakes; and all of them."""
    empty = list(_nothings(document.value, ()))
    problems = [
        document.problem(location, "expected a value, found nothing; write one or remove the key")
        for location in empty
    ]
    if document.value is None:
        required = [key for key, field in _fields(model).items() if field[1]]
        return None, [document.problem((), f"the file is empty; it needs {_row(required)}")]
    try:
        valid = model.model_validate(document.value)
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            location = _location(detail["loc"])
            if location not in empty and not _misspelt(detail, model):
                problems.append(document.problem(location, _sentence(detail, model)))
        return None, problems
    return (None if problems else valid), problems


def part(document: Document, location: Location, model: type[Model]) -> Model | None:
    """The part of a document at a location as a model, None if it has mistakes of its own.

    The mistakes are told by `validate` of the whole document; what is sound can be checked further.
    """
    try:
        return model.model_validate(document.get(*location))
    except ValidationError:
        return None


def _nothings(value: Any, location: Location) -> Iterator[Location]:
    """Where a key or a list entry has no value; what stands below a key `value` may be null."""
    items: Iterator[tuple[str | int, Any]]
    if isinstance(value, dict):
        items = iter(value.items())
    elif isinstance(value, list):
        items = iter(enumerate(value))
    else:
        return
    for key, inner in items:
        if key == "value" and location:
            continue
        if inner is None:
            yield (*location, key)
        else:
            yield from _nothings(inner, (*location, key))


def _location(loc: Location) -> Location:
    """Pydantic's location without the tags of unions."""
    return tuple(key for key in loc if not _is_tag(key))


def _is_tag(key: str | int) -> bool:
    return isinstance(key, str) and key.startswith("<") and key.endswith(">")


def _sentence(detail: ErrorDetails, model: type[BaseModel]) -> str:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])
    if kind == "expected":
        return f"{detail['msg']}, found {found(value)}"
    if kind == "missing":
        return _missing(detail, model)
    if kind == "extra_forbidden":
        return _unknown_key(detail, model)
    if kind in _EXPECTED:
        advice = f"; {_ADVICE[kind]}" if kind in _ADVICE else ""
        return f"expected {_EXPECTED[kind]}, found {found(value)}{advice}"
    if kind in ("enum", "literal_error"):
        names = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        advice = (
            remedy(value, names, "write one of these") if isinstance(value, str) else "write one of these"
        )
        return f"expected {listed(names)}, found {found(value)}; {advice}"
    if kind == "string_pattern_mismatch":
        return f"expected {_PATTERNS[context['pattern']]}, found {found(value)}; choose another name"
    if kind == "string_too_short":
        return "expected text, found empty text; write a name"
    if kind == "string_too_long":
        return f"expected at most {context['max_length']} characters, found {len(str(value))}; shorten it"
    if kind == "too_short":
        return "expected at least one entry, found an empty list; add one"
    if kind == "greater_than_equal":
        return f"expected a number of at least {context['ge']}, found {value}; raise it"
    if kind == "less_than_equal":
        return f"expected a number of at most {context['le']}, found {value}; lower it"
    if kind == "recursion_loop":
        return "nested too deeply; flatten it"
    return f"{detail['msg'][0].lower()}{detail['msg'][1:]}, found {found(value)}"


def _misspelt(detail: ErrorDetails, model: type[BaseModel]) -> bool:
    """Whether a key is missing only because an unknown key is its misspelling, which is told instead."""
    if detail["type"] != "missing" or not isinstance(detail["input"], dict):
        return False
    known = _fields(_model_at(model, detail["loc"][:-1]))
    strangers = (str(key) for key in detail["input"] if key not in known)
    return any(nearest(stranger, known) == detail["loc"][-1] for stranger in strangers)


def _missing(detail: ErrorDetails, model: type[BaseModel]) -> str:
    key = str(detail["loc"][-1])
    description = _fields(_model_at(model, detail["loc"][:-1])).get(key, ("", True))[0]
    return f"the key is missing; add it: {description[:1].lower()}{description[1:].rstrip('.')}"


def _unknown_key(detail: ErrorDetails, model: type[BaseModel]) -> str:
    key = str(detail["loc"][-1])
    known = _fields(_model_at(model, detail["loc"][:-1]))
    if "all" in known or "any" in known or "not" in known:
        return f"a condition has one form; nest {key!r} inside or remove it"
    return f"unknown key; {remedy(key, known, f'expected {listed(known)}: remove it')}"


def _row(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _fields(model: type[BaseModel] | None) -> dict[str, tuple[str, bool]]:
    """A model's keys as the file has them, each with its description and whether it is required."""
    if model is None:
        return {}
    return {
        field.alias or name: (field.description or "", field.is_required())
        for name, field in model.model_fields.items()
    }


def _model_at(annotation: Any, loc: Location) -> type[BaseModel] | None:
    """The model that pydantic's location leads to."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _model_at(get_args(annotation)[0], loc)
    if origin in (Union, UnionType):
        tagged = bool(loc) and _is_tag(loc[0])
        for member in get_args(annotation):
            if Tag(str(loc[0])) in get_args(member)[1:] if tagged else member is not type(None):
                return _model_at(member, loc[1:] if tagged else loc)
        # an optional tagged union: the tags are one level down
        for member in get_args(annotation):
            if get_origin(member) is Annotated and get_origin(get_args(member)[0]) is Union:
                return _model_at(member, loc)
        return None
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if not loc:
            return annotation
        for name, field in annotation.model_fields.items():
            if loc[0] == (field.alias or name):
                return _model_at(field.annotation, loc[1:])
        return None
    arguments = get_args(annotation)
    return _model_at(arguments[-1], loc[1:]) if arguments and loc else None
