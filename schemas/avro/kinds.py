"""What a dot path names in a schema: the kind of its values, and which paths name a person."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.avro.model import Array, Enum, Field, Fixed, Logical, Map, Primitive, Record, Type, Union

_KINDS = {
    "null": "any",
    "boolean": "boolean",
    "int": "number",
    "long": "number",
    "float": "number",
    "double": "number",
    "bytes": "bytes",
    "string": "text",
}


def field_kind(root: Type, path: str) -> str | None:
    """The kind of the values at a dot path, through lists and maps their elements'; None: no such field.

    One of number, text, boolean, timestamp, date, bytes, object, any. A key of a map is any one step.
    Where a union leaves several kinds it is `any`.
    """
    here = [root]
    for step in path.split("."):
        here = [inner for type_ in here for inner in _step(type_, step)]
    kinds = {kind for type_ in here for kind in _kinds(type_)}
    if not kinds:
        return None
    real = kinds - {"null"}
    return real.pop() if len(real) == 1 else "any"


def fields_named(type_: Type, step: str) -> Iterator[Field]:
    """The fields of that name in a type, behind unions, lists and maps."""
    for whole in _flat(type_):
        match whole:
            case Record():
                yield from (item for item in whole.fields if item.name == step)
            case Map():
                yield from fields_named(whole.values, step)
            case _:
                pass


def _step(type_: Type, step: str) -> Iterator[Type]:
    for whole in _flat(type_):
        match whole:
            case Record():
                yield from (item.type for item in whole.fields if item.name == step)
            case Map():
                yield whole.values
            case _:
                pass


def _flat(type_: Type) -> Iterator[Type]:
    """The types behind unions and lists."""
    match type_:
        case Union():
            for branch in type_.branches:
                yield from _flat(branch)
        case Array():
            yield from _flat(type_.items)
        case _:
            yield type_


def _kinds(type_: Type) -> Iterator[str]:
    for whole in _flat(type_):
        yield _kind(whole)


def _kind(type_: Type) -> str:
    match type_:
        case Record() | Map():
            return "object"
        case Enum() | Fixed(logical=Logical(name="uuid")):
            return "text"
        case Fixed(logical=Logical(name="decimal")) | Primitive(logical=Logical(name="decimal")):
            return "number"
        case Fixed():
            return "bytes"
        case Primitive(logical=Logical(name=name)):
            if name.startswith("timestamp-"):
                return "timestamp"
            return "date" if name == "date" else "text"
        case Primitive(kind="null"):
            return "null"
        case Primitive(kind=kind):
            return _KINDS[kind]
        case _:
            return "any"


def identity_fields(root: Type) -> Iterator[tuple[str, Field]]:
    """The fields that hold an identity, with their dot paths, through nested records and unions of them.

    A list, a map, and a record inside itself are not entered: there a path would not name one value.
    """
    yield from _identities(root, "", ())


def _identities(type_: Type, path: str, entered: tuple[int, ...]) -> Iterator[tuple[str, Field]]:
    match type_:
        case Record() if id(type_) not in entered:
            for item in type_.fields:
                place = f"{path}.{item.name}" if path else item.name
                if item.identity is not None:
                    yield place, item
                yield from _identities(item.type, place, (*entered, id(type_)))
        case Union():
            for branch in type_.branches:
                yield from _identities(branch, path, entered)
        case _:
            pass


def holds_text(type_: Type) -> bool:
    """Whether the values are text (a string or UUID), or text or null."""
    branches = type_.branches if isinstance(type_, Union) else (type_,)
    texts = [branch for branch in branches if not (isinstance(branch, Primitive) and branch.kind == "null")]
    return bool(texts) and all(isinstance(text, Primitive) and text.kind == "string" for text in texts)


def is_recursive(record: Record) -> bool:
    """Whether a record holds itself."""
    waiting: list[Type] = [item.type for item in record.fields]
    seen: set[int] = set()
    while waiting:
        type_ = waiting.pop()
        if type_ is record:
            return True
        if id(type_) in seen:
            continue
        seen.add(id(type_))
        match type_:
            case Record():
                waiting += [item.type for item in type_.fields]
            case Union():
                waiting += type_.branches
            case Array():
                waiting.append(type_.items)
            case Map():
                waiting.append(type_.values)
            case _:
                pass
    return False
