"""Defaults of a definition, as canonical values."""

from __future__ import annotations

from typing import Any

from schemas.avro.logical import from_binary
from schemas.avro.model import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN, NO_DEFAULT, Fixed, Primitive, describe
from schemas.avro.plan import (
    PROMOTE,
    ArrayPlan,
    EnumPlan,
    FieldPlan,
    LeafPlan,
    MapPlan,
    Plan,
    RecordPlan,
    UnionPlan,
)


class BadDefault(ValueError):  # noqa: N818 - named by what it says
    """A default that its type cannot hold; the message says what was expected."""


class Defaults:
    """Computes defaults; knows the JSON of each field's default, because records nest.

    A default is written as Avro defines it: bytes and decimals as ISO-8859-1 text, times as numbers,
    a union's in the type of its first branch (Avro 1.11).
    """

    def __init__(self) -> None:
        self._json: dict[int, tuple[FieldPlan, Any]] = {}
        self._entered: set[int] = set()

    def declare(self, field: FieldPlan, default: Any) -> None:
        """Notes a field's default as the definition has it."""
        self._json[id(field)] = (field, default)

    def fill(self) -> None:
        """Computes the defaults of all declared fields.

        Raises:
            BadDefault: one of them does not fit its type.
        """
        for field, _ in list(self._json.values()):
            field.default = self._of_field(field)

    def value(self, plan: Plan, default: Any) -> Any:
        """A default's canonical value, in the shape of the plan's reader.

        Raises:
            BadDefault: it does not fit.
        """
        match plan:
            case LeafPlan():
                return _leaf(plan, default)
            case EnumPlan():
                if type(default) is not str or default not in plan.symbols:
                    raise BadDefault(plan.expected)
                return plan.renamed.get(default, default)
            case ArrayPlan():
                if type(default) is not list:
                    raise BadDefault("a list")
                return [self.value(plan.items, item) for item in default]
            case MapPlan():
                if type(default) is not dict:
                    raise BadDefault("an object")
                return {key: self.value(plan.values, item) for key, item in default.items()}
            case UnionPlan():
                return self.value(plan.branches[0].plan, default)
            case RecordPlan():
                return self._record(plan, default)

    def _record(self, plan: RecordPlan, default: Any) -> dict[str, Any]:
        if type(default) is not dict:
            raise BadDefault(plan.expected)
        unknown = default.keys() - {field.name for field in plan.fields}
        if unknown:
            raise BadDefault(f"{plan.expected} without {min(unknown)!r}")
        out: dict[str, Any] = {}
        for field in plan.fields:
            if field.name in default:
                value = self.value(field.plan, default[field.name])
            elif id(field) in self._json:
                value = self._of_field(field)
            else:
                raise BadDefault(f"{plan.expected} with {field.name!r}")
            if field.target is not None:
                out[field.target] = value
        return {name: out[name] if name in out else plan.added[name] for name in plan.order}

    def _of_field(self, field: FieldPlan) -> Any:
        if field.default is not NO_DEFAULT:
            return field.default
        if id(field) in self._entered:
            raise BadDefault(f"a default of {field.name!r} that ends (its record is its own default)")
        self._entered.add(id(field))
        try:
            return self.value(field.plan, self._json[id(field)][1])
        finally:
            self._entered.discard(id(field))


def _leaf(plan: LeafPlan, default: Any) -> Any:
    type_ = plan.type
    expected = describe(type_)
    physical: Any = None
    if isinstance(type_, Fixed) or type_.kind == "bytes":
        physical = _bytes(default, type_)
    elif not _fits(type_, default):
        raise BadDefault(_in_words(type_, expected))
    else:
        physical = float(default) if type_.kind in ("float", "double") else default
    read = from_binary(type_)
    try:
        value = read(physical) if read else physical
        return PROMOTE[plan.promotion](value)
    except ValueError as error:
        raise BadDefault(expected) from error


def _bytes(default: Any, type_: Primitive | Fixed) -> bytes:
    wanted = (
        f"text of {type_.size} code points up to U+00FF" if isinstance(type_, Fixed) else "text up to U+00FF"
    )
    try:
        data = default.encode("latin-1") if type(default) is str else None
    except UnicodeEncodeError:
        data = None
    if data is None or (isinstance(type_, Fixed) and len(data) != type_.size):
        raise BadDefault(f"{wanted} (bytes are ISO-8859-1 text)")
    return bytes(data)


def _in_words(type_: Primitive, expected: str) -> str:
    return f"{expected} as its {type_.kind}" if type_.logical else expected


def _fits(type_: Primitive, default: Any) -> bool:
    match type_.kind:
        case "null":
            return default is None
        case "boolean":
            return type(default) is bool
        case "string":
            return type(default) is str
        case "int":
            return type(default) is int and INT_MIN <= default <= INT_MAX
        case "long":
            return type(default) is int and LONG_MIN <= default <= LONG_MAX
        case _:
            return type(default) is float or (type(default) is int and default.bit_length() < 1024)
