"""What a journey's conditions are asked about: a profile, the entry event's fields, and a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from schemas.workspace.condition import Subject
from transforms.core.attribute_values import read_attribute
from transforms.core.attributes import AttributeFold
from transforms.core.condition import Read
from transforms.core.profile import Profile
from transforms.core.reference import Tables, looking_up

ReadOf = Callable[[Subject], Read]
_NOTHING: list[Any] = []


class Scope(msgspec.Struct, gc=False):
    """What a journey's condition is asked about.

    Attributes:
        fields: the values that the journey reads from the entry event, by path.
    """

    profile: Profile
    fields: dict[str, list[Any]]
    as_of_us: int


def scope_subject(folds: dict[str, AttributeFold], tables: Tables) -> ReadOf:
    """How the subjects of a journey's conditions are read from a `Scope`."""

    def value(of: Subject) -> Read:
        name = of.name
        if of.kind == "field":
            # A run that began under another version of the journey does not know every field.
            return lambda scope: scope.fields.get(name, _NOTHING)

        def read(scope: Scope) -> list[Any]:
            found = read_attribute(scope.profile, name, folds, scope.as_of_us)
            if found is None:
                return _NOTHING
            return found if isinstance(found, list) else [found]

        return read

    return lambda of: looking_up(value(of), of.lookup, tables)
