"""Conditions: data that says which events, entries and persons are meant.

A condition is a frozen tree of `All`, `Any`, `Not` and, at its leaves, `Test`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Scalar = bool | int | float | str | None
Value = Scalar | tuple[Scalar, ...]


class Op(StrEnum):
    """How a test compares its subject with its value."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"
    IN = "in"
    CONTAINS = "contains"
    EXISTS = "exists"
    WITHIN = "within"


@dataclass(frozen=True, slots=True)
class Lookup:
    """A column of a table of reference data, in the row that a value is the key of."""

    table: str
    column: str


@dataclass(frozen=True, slots=True)
class Subject:
    """What a test looks at: an attribute of the profile, or a field of the event by its dot path.

    Attributes:
        lookup: what is looked at in its place, found by it; None for the value itself.
    """

    kind: Literal["attribute", "field"]
    name: str
    lookup: Lookup | None = None

    def __str__(self) -> str:
        found_by = f"{self.kind} {self.name}"
        return f"{found_by} in {self.lookup.table}.{self.lookup.column}" if self.lookup else found_by


@dataclass(frozen=True, slots=True)
class Test:
    """One comparison.

    Attributes:
        value: by `op`: `exists` has a bool (False asks for absence), `in` a tuple, `within` the
            duration in microseconds, all others one plain value. A value that is compared with a
            timestamp is canonical RFC 3339 UTC text with six digits, with a date `YYYY-MM-DD`; a
            value that is compared with a number (a decimal too, which data holds as text) is an
            int or a float.
    """

    __test__ = False  # no test case, whatever pytest makes of the name

    subject: Subject
    op: Op
    value: Value


@dataclass(frozen=True, slots=True)
class All:
    """Holds if every part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Holds if one part holds."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Holds if its part does not."""

    part: Condition


Condition = All | Any | Not | Test


def leaves(condition: Condition | None) -> Iterator[Test]:
    """The tests of a condition, from left to right."""
    if condition is None:
        return
    match condition:
        case Test():
            yield condition
        case Not(part):
            yield from leaves(part)
        case All(parts) | Any(parts):
            for part in parts:
                yield from leaves(part)
