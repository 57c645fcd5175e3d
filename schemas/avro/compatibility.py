"""Whether a schema can take over from an older one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.avro.definition import define
from schemas.avro.model import Array, Field, Map, Record, Type, Union
from schemas.avro.plan import ArrayPlan, MapPlan, Plan, RecordPlan, UnionPlan
from schemas.avro.resolution import resolve


def compatibility(reader: Any, writer: Any) -> list[str]:
    """What keeps the reader's schema from reading all data of the writer's; empty: nothing.

    Both are parsed definitions. Each sentence names the field, by its path in the writer's data.

    Raises:
        ValueError: one of the definitions is not valid Avro.
    """
    types: list[Type] = []
    for definition in (reader, writer):
        type_, mistakes = define(definition)
        if type_ is None:
            raise ValueError("; ".join(message for _, message in mistakes))
        types.append(type_)
    return resolve(types[0], types[1])[1]


def forgotten_renames(newest: Record, middle: Record, oldest: Record) -> list[str]:
    """Fields that the newest schema would lose of the oldest, though it has them by way of the middle one."""
    first = _renames(resolve(middle, oldest)[0])
    second = _renames(resolve(newest, middle)[0])
    direct = _renames(resolve(newest, oldest)[0])
    out = []
    for old, between in first.items():
        new = second.get(between)
        if new is not None and direct.get(old) != new:
            name = old.rpartition(".")[2]
            out.append(f"field {new} was {old} before it was {between}: add {name!r} to its aliases")
    return out


def lost_marks(newer: Record, older: Record) -> list[str]:
    """Fields whose identity or pii mark the newer schema takes back; it may add marks."""
    renames = _renames(resolve(newer, older)[0])
    kept = dict(_fields(newer))
    out = []
    for path, item in _fields(older):
        heir = kept.get(renames.get(path, ""))
        if item.identity is not None and (heir is None or heir.identity != item.identity):
            out.append(
                f"field {path} loses its identity {item.identity!r}: persons would no longer be found by it"
            )
        if item.pii and heir is not None and not heir.pii:
            out.append(f"field {path} loses its 'pii': what was sent must stay erasable")
    return out


def _fields(root: Type) -> Iterator[tuple[str, Field]]:
    """Every field with its path, as far as records do not hold themselves."""

    def walk(type_: Type, path: str, entered: tuple[int, ...]) -> Iterator[tuple[str, Field]]:
        match type_:
            case Record() if id(type_) not in entered:
                for item in type_.fields:
                    here = f"{path}.{item.name}".lstrip(".")
                    yield here, item
                    yield from walk(item.type, here, (*entered, id(type_)))
            case Array():
                yield from walk(type_.items, f"{path}[]", entered)
            case Map():
                yield from walk(type_.values, f"{path}{{}}", entered)
            case Union():
                for branch in type_.branches:
                    yield from walk(branch, path, entered)
            case _:
                pass

    yield from walk(root, "", ())


def _renames(plan: Plan) -> dict[str, str]:
    """The reader's path of each path of the writer, as far as records do not hold themselves."""
    out: dict[str, str] = {}

    def walk(plan: Plan, old: str, new: str, entered: tuple[int, ...]) -> None:
        match plan:
            case RecordPlan() if id(plan) not in entered:
                for field in plan.fields:
                    if field.target is not None:
                        here, there = f"{old}.{field.name}".lstrip("."), f"{new}.{field.target}".lstrip(".")
                        out[here] = there
                        walk(field.plan, here, there, (*entered, id(plan)))
            case ArrayPlan():
                walk(plan.items, f"{old}[]", f"{new}[]", entered)
            case MapPlan():
                walk(plan.values, f"{old}{{}}", f"{new}{{}}", entered)
            case UnionPlan():
                for branch in plan.branches:
                    walk(branch.plan, old, new, entered)
            case _:
                pass

    walk(plan, "", "", ())
    return out
