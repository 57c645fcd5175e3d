"""Typed decoding of event data: msgspec checks the plain parts of a record in C while it decodes them.

What it takes, it reads as the exact reader does, and nothing in it is unknown to the schema. All else it
refuses without a reason, and the exact reader judges. Each record becomes a Struct; what msgspec's types
cannot say (logical types, bytes) is decoded untyped and read by the leaf's own function.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, DecimalException
from typing import Annotated, Any, Final, Literal, NoReturn, Union

import msgspec

from schemas.avro.logical import from_json
from schemas.avro.model import INT_MAX, INT_MIN, LONG_MAX, LONG_MIN, NO_DEFAULT
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

REFUSED: Final = (ValueError, RecursionError, DecimalException)
"""What the two functions of `compile_typed` raise on data that they do not take."""

Decode = Callable[[bytes | msgspec.Raw], Any]
Finish = Callable[[Any], dict[str, Any]]

_TYPES: Final[dict[str, Any]] = {
    "null": None,
    "boolean": bool,
    "int": Annotated[int, msgspec.Meta(ge=INT_MIN, le=INT_MAX)],
    "long": Annotated[int, msgspec.Meta(ge=LONG_MIN, le=LONG_MAX)],
    "float": float,
    "double": float,
    "string": str,
}

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


def compile_typed(plan: RecordPlan, *, decimals: bool) -> tuple[Decode, Finish] | None:
    """What decodes JSON to a Struct, and what makes canonical data of that in the reader's shape.

    None: the plan has a part that cannot be read so. `decimals`: numbers are decoded as Decimal where
    their type is not a float.
    """
    writer = _Writer()
    try:
        part = writer.record(plan)
    except _Unfit:
        return None
    namespace: dict[str, Any] = dict(writer.constants)
    exec(compile("\n".join(writer.lines), f"<{plan.name}>", "exec"), namespace)  # noqa: S102 - see _Writer
    finish: Finish = namespace[part.finish]
    return msgspec.json.Decoder(part.type, float_hook=Decimal if decimals else None).decode, finish


class _Unfit(Exception):  # noqa: N818 - no error: it ends the attempt
    """A part of a plan has no type."""


@dataclass(frozen=True, slots=True)
class _Part:
    """How a part of a plan is read.

    Attributes:
        type: what msgspec decodes it as.
        finish: the name of the function from that to the canonical value; "" where they are the same.
    """

    type: Any
    finish: str = ""


def _refuse() -> NoReturn:
    raise ValueError


class _Writer:
    """Writes a function for each part that needs one.

    Everything that comes from a definition enters the source as `repr` of a text, or as a constant by a
    name made here: no definition can add code.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.constants: dict[str, Any] = {"asdict": msgspec.structs.asdict, "refuse": _refuse}
        self._around: list[RecordPlan] = []
        self._records: dict[int, _Part] = {}
        self._count = 0

    def _constant(self, prefix: str, value: Any) -> str:
        self._count += 1
        name = f"{prefix}{self._count}"
        self.constants[name] = value
        return name

    def _function(self, prefix: str, expression: str) -> str:
        """The name of a new function of `v`."""
        self._count += 1
        name = f"{prefix}{self._count}"
        self.lines += [f"def {name}(v):", f"    return {expression}"]
        return name

    def part(self, plan: Plan) -> _Part:
        match plan:
            case LeafPlan(type=leaf, promotion=promotion):
                promote = PROMOTE[promotion]
                kind = getattr(leaf, "kind", "")
                if leaf.logical is None and kind in _TYPES:
                    changed = promotion is not Promotion.NONE
                    return _Part(_TYPES[kind], self._constant("promote", promote) if changed else "")
                read = from_json(leaf)
                made = read if promotion is Promotion.NONE else lambda value: promote(read(value))
                return _Part(Any, self._constant("leaf", made))
            case EnumPlan(symbols=symbols, renamed=renamed):
                if not symbols:
                    raise _Unfit
                given = {symbol: renamed.get(symbol, symbol) for symbol in symbols}
                return _Part(
                    Literal[symbols], self._constant("symbols", given.__getitem__) if renamed else ""
                )
            case ArrayPlan():
                item = self.part(plan.items)
                finish = self._function("array", f"[*map({item.finish}, v)]") if item.finish else ""
                return _Part(list[item.type], finish)  # type: ignore[name-defined]
            case MapPlan():
                item = self.part(plan.values)
                made_items = f"{{key: {item.finish}(item) for key, item in v.items()}}"
                finish = self._function("map", made_items) if item.finish else ""
                return _Part(dict[str, item.type], finish)  # type: ignore[name-defined]
            case UnionPlan():
                return self._union(plan)
            case RecordPlan():
                return self.record(plan)

    def _union(self, plan: UnionPlan) -> _Part:
        parts = [self.part(branch.plan) for branch in plan.branches]
        real = [
            (branch.plan, part)
            for branch, part in zip(plan.branches, parts, strict=True)
            if part.type is not None
        ]
        if len(real) != 1:
            shapes = [_shape(branch.plan) for branch in plan.branches]
            if "" in shapes or len({*shapes}) < len(shapes) or any(part.finish for part in parts):
                raise _Unfit
            return _Part(Union[tuple(part.type for part in parts)])  # noqa: UP007 - of a tuple
        ((branch, part),) = real
        tags = {tag for item in plan.branches for tag in item.tags}
        finished = f"{part.finish}(v)" if part.finish else "v"
        if isinstance(branch, RecordPlan) and any(item.name in tags for item in branch.fields):
            raise _Unfit  # a tagged value could pass for a plain one
        if isinstance(branch, MapPlan):
            tagged = f"len(v) == 1 and not {tags!r}.isdisjoint(v)"
            finished = f"refuse() if {tagged} else {finished}"
        if len(parts) == 1:
            return _Part(part.type, part.finish if finished != "v" else "")
        type_ = Any if part.type is Any else part.type | None
        if finished == "v":
            return _Part(type_)
        return _Part(type_, self._function("union", f"None if v is None else {finished}"))

    def record(self, plan: RecordPlan) -> _Part:
        """The part of a record; its `finish` is never empty."""
        if id(plan) in self._records:
            return self._records[id(plan)]
        if plan in self._around:
            raise _Unfit  # it holds itself
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
        made = self._records[id(plan)] = _Part(struct, self._finish(plan, names, parts, plain))
        return made

    def _finish(self, plan: RecordPlan, names: list[str], parts: list[_Part], plain: bool) -> str:
        whole = plan.order == tuple(field.target for field in plan.fields) == tuple(names)
        if plain and whole and not any(part.finish for part in parts):
            return "asdict"
        values: dict[str, str] = {}
        for name, field, part in zip(names, plan.fields, parts, strict=True):
            value = f"{part.finish}(v.{name})" if part.finish else f"v.{name}"
            if field.target is not None:
                values[field.target] = value
            elif part.finish:
                raise _Unfit  # it is to be checked, too
        for target, value in plan.added.items():
            made = self._constant("added", fresh(value))
            values[target] = f"{made}()"
        items = ", ".join(f"{target!r}: {values[target]}" for target in plan.order)
        return self._function("record", f"{{{items}}}")

    def _default(self, field: FieldPlan, part: _Part) -> tuple[Any, ...]:
        """The field's default as msgspec takes it; none where the exact reader has to give it."""
        value = field.default
        if value is NO_DEFAULT:
            return (None,) if _takes_null(field.plan) else ()
        if part.finish and value is not None and not self._is_fixed_point(field.plan, part, value):
            return ()
        return (msgspec.field(default_factory=fresh(value)) if isinstance(value, list | dict) else value,)

    def _is_fixed_point(self, plan: Plan, part: _Part, value: Any) -> bool:
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
