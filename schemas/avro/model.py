"""Avro types as a tree: what a checked definition means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final


class _NoDefault:
    """Stands for a field without a default, where None would be one."""

    def __repr__(self) -> str:
        return "NO_DEFAULT"


NO_DEFAULT: Final = _NoDefault()

PRIMITIVES: Final = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})

INT_MIN: Final = -(1 << 31)
INT_MAX: Final = (1 << 31) - 1
LONG_MIN: Final = -(1 << 63)
LONG_MAX: Final = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Logical:
    """A logical type on a base type that it is defined for.

    Attributes:
        name: as the definition has it, such as `timestamp-micros`.
        precision: a decimal's digits, 0 for other types.
        scale: a decimal's digits after the point, 0 for other types.
    """

    name: str
    precision: int = 0
    scale: int = 0


@dataclass(eq=False, slots=True)
class Primitive:
    """One of the eight types without a name of their own."""

    kind: str
    logical: Logical | None = None


@dataclass(eq=False, slots=True)
class Fixed:
    """`size` bytes under a name."""

    name: str
    aliases: tuple[str, ...]
    size: int
    logical: Logical | None = None


@dataclass(eq=False, slots=True)
class Enum:
    """One of a list of symbols."""

    name: str
    aliases: tuple[str, ...]
    symbols: tuple[str, ...]
    default: str | None = None


@dataclass(eq=False, slots=True)
class Array:
    """A list of items of one type."""

    items: Type


@dataclass(eq=False, slots=True)
class Map:
    """Values of one type under text keys."""

    values: Type


@dataclass(eq=False, slots=True)
class Union:
    """One of several types."""

    branches: tuple[Type, ...]


@dataclass(eq=False, slots=True)
class Field:
    """One field of a record.

    Attributes:
        default: the JSON value of the definition, or NO_DEFAULT.
        identity: the namespace of the identity that the field holds.
        pii: whether the field must be erasable.
        at: the place of the field's name in the definition.
    """

    name: str
    type: Type
    aliases: tuple[str, ...] = ()
    default: Any = NO_DEFAULT
    identity: str | None = None
    pii: bool = False
    at: tuple[str | int, ...] = ()


@dataclass(eq=False, slots=True)
class Record:
    """Named fields; `fields` is filled after the record is named, because a record may hold itself."""

    name: str
    aliases: tuple[str, ...]
    fields: list[Field] = field(default_factory=list)


Type = Primitive | Fixed | Enum | Array | Map | Union | Record
Named = Fixed | Enum | Record


def unqualified(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition(".")[2]


def tag(branch: Type) -> str:
    """The name under which Avro's JSON encoding wraps a value of this union branch."""
    match branch:
        case Primitive(kind=kind):
            return kind
        case Array():
            return "array"
        case Map():
            return "map"
        case Union():
            return "union"
        case _:
            return branch.name


def describe(type_: Type) -> str:
    """The type in words, with its article: `a long`, `a timestamp-millis`, `an object (Address)`."""
    match type_:
        case Primitive(kind="null"):
            return "null"
        case (
            Primitive(logical=Logical(name="decimal") as decimal)
            | Fixed(logical=Logical(name="decimal") as decimal)
        ):
            return f"a decimal of {decimal.precision} digits, {decimal.scale} after the point"
        case Primitive(kind=kind, logical=logical):
            name = logical.name if logical else kind
            return f"an {name}" if name == "int" else name if name == "bytes" else f"a {name}"
        case Fixed(logical=Logical(name=name)):
            return f"a {name}"
        case Fixed():
            return f"{type_.size} bytes"
        case Enum():
            shown = ", ".join(type_.symbols[:5]) + (", ..." if len(type_.symbols) > 5 else "")
            return f"one of {shown}"
        case Array():
            return "a list"
        case Map():
            return "an object"
        case Record():
            return f"an object ({unqualified(type_.name)})"
        case Union():
            return " or ".join(describe(branch) for branch in type_.branches)


def records(root: Type) -> Iterator[Record]:
    """Every record in a type, each once, outer before inner."""
    seen: set[int] = set()
    waiting: list[Type] = [root]
    while waiting:
        type_ = waiting.pop()
        match type_:
            case Record() if id(type_) not in seen:
                seen.add(id(type_))
                yield type_
                waiting += [item.type for item in reversed(type_.fields)]
            case Array():
                waiting.append(type_.items)
            case Map():
                waiting.append(type_.values)
            case Union():
                waiting += reversed(type_.branches)
            case _:
                pass
