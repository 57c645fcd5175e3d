"""What msgspec decodes each part of a plan as, and the functions that check it and make it canonical.

Times, dates and UUIDs are decoded natively, in C. What msgspec's types cannot say (decimals, bytes, local
times) is decoded untyped and judged by the leaf's own function. Records become Structs.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final, Literal, Union

import msgspec

from schemas.avro.logical import canonical_decimal, from_json
from schemas.avro.model import NO_DEFAULT
from schemas.avro.natives import NATIVES, TYPES
from schemas.avro.plan import (
    PROMOTE,
    ArrayPlan,
    EnumPlan,
    FieldPlan,
    LeafPlan,
    MapPlan,
    Plan,
    Promotion,
    RecordPlan,
    UnionPlan,
)
from schemas.avro.read_value import fresh

# Branches of different shapes can be told apart by the JSON value alone.
_SHAPES: Final = {
    "null": "null",
    "boolean": "boolean",
    "int": "number",
    "long": "number",
    "float": "number",
    "double": "number",
    "string": "text",
}


class Unfit(Exception):  # noqa: N818 - no error: it ends the attempt
    """A part of a plan has no type."""


@dataclass(frozen=True, slots=True)
class Part:
    """How a part of a plan is read.

    Attributes:
        type: what msgspec decodes it as.
        finish: the name of the function from that to the canonical value; "" where they are the same.
        check: the expression, with `{0}` for a decoded value, that raises ValueError where msgspec took
            what does not fit; "" where it takes nothing else. What `finish` makes needs no check.
        native: from a canonical value to the decoded one, for defaults.
    """

    type: Any
    finish: str = ""
    check: str = ""
    native: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A field of a record's Struct: its name there, what it is read by, and its part."""

    name: str
    plan: Plan
    part: Part


def _refuse() -> None:
    raise ValueError


class TypedParts:
    """Writes the functions of a plan's parts.

    Everything that comes from a definition enters the source as `repr` of a text, or as a constant by a
    name made here: no definition can add code.

    Attributes:
        lines: the source.
        constants: what it names.
        members: of each record by its plan's `id`, the members by the names that its reader has for them.
        dropped: of each record the expressions, of `v`, that check those which its reader has not.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {
            "asdict": msgspec.structs.asdict,
            "refuse": _refuse,
            "UTC": UTC,
        }
        self.members: dict[int, dict[str, Member]] = {}
        self.dropped: dict[int, list[str]] = {}
        self._around: list[RecordPlan] = []
        self._records: dict[int, Part] = {}
        self._count = 0

    def constant(self, prefix: str, value: Any) -> str:
        """The name of a value."""
        self._count += 1
        name = f"{prefix}{self._count}"
        self.constants[name] = value
        return name

    def function(self, prefix: str, *body: str) -> str:
        """The name of a new function of `v`."""
        self._count += 1
        name = f"{prefix}{self._count}"
        self.lines += [f"def {name}(v):", *(f"    {line}" for line in body)]
        return name

    def part(self, plan: Plan) -> Part:
        """How a plan's values are read.

        Raises:
            Unfit: they cannot be, by a type.
        """
        match plan:
            case LeafPlan():
                return self._leaf(plan)
            case EnumPlan(symbols=symbols, renamed=renamed):
                if not symbols:
                    raise Unfit
                given = {symbol: renamed.get(symbol, symbol) for symbol in symbols}
                return Part(Literal[symbols], self.constant("symbols", given.__getitem__) if renamed else "")
            case ArrayPlan():
                item = self.part(plan.items)
                finish = self.function("array", f"return [*map({item.finish}, v)]") if item.finish else ""
                check = self._each(item, "v")
                return Part(list[item.type], finish, check)  # type: ignore[name-defined]
            case MapPlan():
                item = self.part(plan.values)
                made = f"return {{key: {item.finish}(item) for key, item in v.items()}}"
                finish = self.function("map", made) if item.finish else ""
                check = self._each(item, "v.values()")
                return Part(dict[str, item.type], finish, check)  # type: ignore[name-defined]
            case UnionPlan():
                return self._union(plan)
            case RecordPlan():
                return self.record(plan)

    def _each(self, item: Part, items: str) -> str:
        return (
            self.function("each", f"for x in {items}: {item.check.format('x')}") + "({0})"
            if item.check
            else ""
        )

    def _leaf(self, plan: LeafPlan) -> Part:
        leaf, promotion = plan.type, plan.promotion
        kind, logical = getattr(leaf, "kind", ""), leaf.logical
        changed = promotion is not Promotion.NONE
        promote = PROMOTE[promotion]
        if logical is None and kind in TYPES:
            return Part(TYPES[kind], self.constant("promote", promote) if changed else "")
        if logical is not None and kind and logical.name in NATIVES and not changed:
            native = NATIVES[logical.name]
            check = native.check
            if check:
                check = check.replace("judge", self.constant("judge", native.judge))
            return Part(native.type, self.constant("native", native.canonical), check, native.of_canonical)
        read = from_json(leaf)
        judge = self.constant("leaf", (lambda value: promote(read(value))) if changed else read)
        check = f"{judge}({{0}})"
        if logical is not None and logical.name == "decimal" and not changed:
            canonical = self.constant("canonical", canonical_decimal(logical).fullmatch)
            check = f"type(t := {{0}}) is str and {canonical}(t) or {judge}(t)"
        return Part(Any, judge, check)

    def _union(self, plan: UnionPlan) -> Part:
        parts = [self.part(branch.plan) for branch in plan.branches]
        real = [
            (branch.plan, part)
            for branch, part in zip(plan.branches, parts, strict=True)
            if part.type is not None
        ]
        if len(real) != 1:
            shapes = [_shape(branch.plan) for branch in plan.branches]
            if "" in shapes or len({*shapes}) < len(shapes) or any(part.finish for part in parts):
                raise Unfit
            return Part(Union[tuple(part.type for part in parts)])  # noqa: UP007 - of a tuple
        ((branch, part),) = real
        tags = {tag for item in plan.branches for tag in item.tags}
        if isinstance(branch, RecordPlan) and any(item.name in tags for item in branch.fields):
            raise Unfit  # a tagged value could pass for a plain one
        if isinstance(branch, MapPlan):
            part = self._untagged(part, tags)
        if len(parts) == 1:
            return part
        finish, check = part.finish, part.check
        return Part(
            Any if part.type is Any else part.type | None,
            self.function("union", f"return None if v is None else {finish}(v)") if finish else "",
            f"(o := {{0}}) is None or ({check.format('o')})" if check else "",
            part.native,
        )

    def _untagged(self, part: Part, tags: set[str]) -> Part:
        """A map in a union, which may not look like a tagged value."""
        guard = f"if len(v) == 1 and not {tags!r}.isdisjoint(v): refuse()"
        made = f"return {part.finish}(v)" if part.finish else "return v"
        checked = [guard, part.check.format("v")] if part.check else [guard]
        return Part(part.type, self.function("map", guard, made), self.function("check", *checked) + "({0})")

    def record(self, plan: RecordPlan) -> Part:
        """The part of a record; its `finish` is never empty."""
        if id(plan) in self._records:
            return self._records[id(plan)]
        if plan in self._around:
            raise Unfit  # it holds itself
        self._around.append(plan)
        parts = [self.part(field.plan) for field in plan.fields]
        self._around.pop()
        plain = all(_is_plain(field.name) for field in plan.fields)
        names = [field.name if plain else f"f{index}" for index, field in enumerate(plan.fields)]
        struct = msgspec.defstruct(
            "Data",
            [
                (name, part.type, *self._default(field, part))
                for name, field, part in zip(names, plan.fields, parts, strict=True)
            ],
            forbid_unknown_fields=True,
            kw_only=True,
            gc=False,
            rename={name: field.name for name, field in zip(names, plan.fields, strict=True)},
        )
        self.members[id(plan)] = {
            field.target: Member(name, field.plan, part)
            for name, field, part in zip(names, plan.fields, parts, strict=True)
            if field.target is not None
        }
        self.dropped[id(plan)] = [
            part.check.format(f"v.{name}")
            for name, field, part in zip(names, plan.fields, parts, strict=True)
            if field.target is None and part.check
        ]
        checks = [
            part.check.format(f"v.{name}") for name, part in zip(names, parts, strict=True) if part.check
        ]
        check = self.function("check", *checks) + "({0})" if checks else ""
        made = self._records[id(plan)] = Part(struct, self._finish(plan, names, parts, plain), check)
        return made

    def _finish(self, plan: RecordPlan, names: list[str], parts: list[Part], plain: bool) -> str:
        whole = plan.order == tuple(field.target for field in plan.fields) == tuple(names)
        if plain and whole and not any(part.finish for part in parts):
            return "asdict"
        values: dict[str, str] = {}
        for name, field, part in zip(names, plan.fields, parts, strict=True):
            if field.target is not None:
                values[field.target] = f"{part.finish}(v.{name})" if part.finish else f"v.{name}"
        for target, value in plan.added.items():
            values[target] = f"{self.constant('added', fresh(value))}()"
        items = ", ".join(f"{target!r}: {values[target]}" for target in plan.order)
        return self.function("record", *self.dropped[id(plan)], f"return {{{items}}}")

    def _default(self, field: FieldPlan, part: Part) -> tuple[Any, ...]:
        """The field's default as msgspec takes it; none where the exact reader has to give it."""
        value = field.default
        if value is NO_DEFAULT:
            return (None,) if _takes_null(field.plan) else ()
        if value is not None and part.native is not None:
            try:
                return (part.native(value),)
            except ValueError:
                return ()
        if part.finish and value is not None and not self._is_fixed_point(field.plan, part, value):
            return ()
        return (msgspec.field(default_factory=fresh(value)) if isinstance(value, list | dict) else value,)

    def _is_fixed_point(self, plan: Plan, part: Part, value: Any) -> bool:
        """Whether a leaf's canonical value is read as itself."""
        if not isinstance(plan, LeafPlan) or plan.promotion is not Promotion.NONE:
            return False
        try:
            return bool(self.constants[part.finish](value) == value)
        except ValueError:
            return False


def _shape(plan: Plan) -> str:
    """What values of a branch look like in JSON; empty where no other branch may stand beside it."""
    match plan:
        case LeafPlan(type=leaf) if leaf.logical is None:
            return _SHAPES.get(getattr(leaf, "kind", ""), "")
        case EnumPlan():
            return "text"
        case ArrayPlan():
            return "list"
        case _:
            return ""


def _takes_null(plan: Plan) -> bool:
    match plan:
        case LeafPlan(type=leaf):
            return getattr(leaf, "kind", "") == "null"
        case UnionPlan(branches=branches):
            return any(_takes_null(branch.plan) for branch in branches)
        case _:
            return False


def _is_plain(name: str) -> bool:
    """Whether a Struct may have an attribute of this name."""
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
