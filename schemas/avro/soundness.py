"""What a definition must hold as a whole: its records end, its defaults fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from schemas.avro.invalid_data import found
from schemas.avro.model import NO_DEFAULT, Record, Type, Union, records
from schemas.avro.positions import Place
from schemas.avro.resolution import resolve

Mistake = tuple[Place, str]
"""The place of a mistake in a definition, and the sentence about it."""


def endless_records(root: Type, places: Mapping[int, Place]) -> Iterator[Mistake]:
    """Records that hold themselves without a union, list or map between: no value of them is finite.

    `places` has each record's place by its `id`.
    """
    finite: set[int] = set()

    def ends(type_: Type) -> bool:
        match type_:
            case Record():
                return id(type_) in finite
            case Union():
                return any(ends(branch) for branch in type_.branches)
            case _:
                return True

    left = list(records(root))
    while ready := [record for record in left if all(ends(item.type) for item in record.fields)]:
        finite.update(id(record) for record in ready)
        left = [record for record in left if id(record) not in finite]
    for record in left:
        yield (*places[id(record)], "name"), f"expected a record that ends, found {record.name!r} in itself"


def unfit_defaults(root: Type) -> Iterator[Mistake]:
    """Defaults that their fields' types cannot hold; a union's default must fit its first branch."""
    for record in records(root):
        for item in record.fields:
            if item.default is NO_DEFAULT:
                continue
            holder = Record("default", (), [item])
            _, problems = resolve(holder, holder)
            if problems:
                expected = problems[0].partition("expected ")[2]
                first = " (a union's default fits its first branch)" if isinstance(item.type, Union) else ""
                message = f"expected {expected} as default{first}, found {found(item.default)}"
                yield item.at, f"field {item.name}: {message}"
