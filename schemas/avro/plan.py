"""How data of one schema version becomes the shape of another: a plan that readers are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from schemas.avro.model import NO_DEFAULT, Fixed, Primitive


class Promotion(StrEnum):
    """A change of the canonical value between a writer's and a reader's primitive type."""

    NONE = "none"
    TO_DOUBLE = "to_double"
    TO_BYTES = "to_bytes"
    TO_STRING = "to_string"


def _to_bytes(text: str) -> str:
    return text.encode().decode("latin-1")


def _to_string(text: str) -> str:
    return text.encode("latin-1").decode()


def _unchanged(value: Any) -> Any:
    return value


PROMOTE: Final[dict[Promotion, Callable[[Any], Any]]] = {
    Promotion.NONE: _unchanged,
    Promotion.TO_DOUBLE: float,
    Promotion.TO_BYTES: _to_bytes,
    Promotion.TO_STRING: _to_string,
}


@dataclass(eq=False, slots=True)
class LeafPlan:
    """A value without parts."""

    type: Primitive | Fixed
    promotion: Promotion = Promotion.NONE


@dataclass(eq=False, slots=True)
class EnumPlan:
    """A symbol; `renamed` holds those that the reader does not know, with its default."""

    symbols: tuple[str, ...]
    expected: str
    renamed: dict[str, str] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class ArrayPlan:
    """A list."""

    items: Plan


@dataclass(eq=False, slots=True)
class MapPlan:
    """An object of any keys."""

    values: Plan


@dataclass(eq=False, slots=True)
class BranchPlan:
    """One branch of the writer's union; `tags` are the names that wrap it in Avro's JSON encoding."""

    tags: tuple[str, ...]
    plan: Plan


@dataclass(eq=False, slots=True)
class UnionPlan:
    """One of several branches of the writer."""

    branches: tuple[BranchPlan, ...]
    expected: str


@dataclass(eq=False, slots=True)
class FieldPlan:
    """A field of the writer.

    Attributes:
        target: the reader's name of it; None where the reader dropped it.
        default: the canonical value, in the reader's shape, of a field that is missing from JSON;
            NO_DEFAULT where there is none.
    """

    name: str
    plan: Plan
    target: str | None
    default: Any = NO_DEFAULT


@dataclass(eq=False, slots=True)
class RecordPlan:
    """A record of the writer; `added` are the reader's fields that the writer lacks, with their values.

    `order` is the reader's order of fields. Filled after it is made, because a record may hold itself.
    """

    name: str
    expected: str
    fields: list[FieldPlan] = field(default_factory=list)
    added: dict[str, Any] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    same: bool = True


Plan = LeafPlan | EnumPlan | ArrayPlan | MapPlan | UnionPlan | RecordPlan
