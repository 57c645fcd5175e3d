"""Typed decoding of event data: msgspec checks a record in C while it decodes it.

What it takes, it reads as the exact reader does, and nothing in it is unknown to the schema. All else it
refuses without a reason, and the exact reader judges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, DecimalException
from typing import Any, Final

import msgspec

from schemas.avro.paths import follow
from schemas.avro.plan import ArrayPlan, LeafPlan, Plan, RecordPlan, UnionPlan
from schemas.avro.read_value import fresh
from schemas.avro.typed_parts import Part, TypedParts, Unfit

REFUSED: Final = (ValueError, RecursionError, DecimalException)
"""What typed decoding raises on data that it does not take."""

Raw = bytes | msgspec.Raw
Otherwise = Callable[[Raw], tuple[Any, int]]

_READER: Final = """
def make_reader(decode, otherwise, REFUSED):
    def read(raw):
        try:
            v = decode(raw)
            {checks}
            return {made}, 0
        except REFUSED:
            pass
        return otherwise(raw)
    return read
"""


class Typed:
    """The typed reading of one plan.

    Attributes:
        decode: JSON to a Struct, not yet checked where its types take too much.
    """

    def __init__(self, plan: RecordPlan, *, decimals: bool) -> None:
        """`decimals`: numbers are decoded as Decimal where their type is not a float.

        Raises:
            Unfit: the plan has a part that cannot be read so.
        """
        self._plan = plan
        self._parts = TypedParts()
        self._whole = self._parts.record(plan)
        self.decode = msgspec.json.Decoder(self._whole.type, float_hook=Decimal if decimals else None).decode

    def data(self, otherwise: Otherwise) -> Callable[[Raw], tuple[dict[str, Any], int]]:
        """The function from JSON to canonical data in the reader's shape and the number of unknown fields.

        Args:
            otherwise: reads what typed decoding refuses.
        """
        return self._reader([], f"{self._whole.finish}(v)", otherwise)

    def values(
        self, paths: Sequence[str], otherwise: Otherwise
    ) -> Callable[[Raw], tuple[tuple[Any, ...], int]]:
        """The function from JSON, which it checks whole, to the canonical values at these paths.

        They are those that `compile_projection` finds in the canonical data.
        """
        plan, parts = self._plan, self._parts
        read_whole = {path for path in paths if "." not in path}
        expressions = [_expression(parts, plan, path.split("."), "v") for path in paths]
        checks = [
            member.part.check.format(f"v.{member.name}")
            for target, member in parts.members[id(plan)].items()
            if member.part.check and target not in read_whole
        ]
        made = f"({''.join(f'{item}, ' for item in expressions)})"
        return self._reader([*checks, *parts.dropped[id(plan)]], made, otherwise)

    def _reader(self, checks: list[str], made: str, otherwise: Otherwise) -> Callable[[Raw], tuple[Any, int]]:
        reader = _READER.format(checks="\n            ".join(checks) or "pass", made=made)
        namespace: dict[str, Any] = dict(self._parts.constants)
        source = "\n".join([*self._parts.lines, reader])
        exec(compile(source, f"<{self._plan.name}>", "exec"), namespace)  # noqa: S102 - see TypedParts
        read: Callable[[Raw], tuple[Any, int]] = namespace["make_reader"](self.decode, otherwise, REFUSED)
        return read


def compile_typed(plan: RecordPlan, *, decimals: bool) -> Typed | None:
    """The typed reading of a plan; None: it has a part that cannot be read so."""
    try:
        return Typed(plan, decimals=decimals)
    except Unfit:
        return None


def _expression(parts: TypedParts, plan: RecordPlan, names: Sequence[str], record: str) -> str:
    """What is at a path from a record, which is an expression too."""
    name, *rest = names
    if name in plan.added:
        return f"{parts.constant('added', fresh(follow(plan.added[name], rest)))}()"
    member = parts.members[id(plan)].get(name)
    if member is None:
        return "None"
    return _within(parts, member.plan, member.part, rest, f"{record}.{member.name}")


def _within(parts: TypedParts, plan: Plan, part: Part, names: Sequence[str], value: str) -> str:
    """What is at a path from a part's value, which is an expression."""
    if not names:
        return f"{part.finish}({value})" if part.finish else value
    match plan:
        case RecordPlan():
            return _expression(parts, plan, names, value)
        case UnionPlan() if (branch := _nullable_record(plan)) is not None:
            inner = _expression(parts, branch, names, "v")
            return f"{parts.function('path', f'return None if v is None else {inner}')}({value})"
        case ArrayPlan(items=RecordPlan() as item):
            return f"{_of_each(parts, item, names)}({value})"
        case _:
            found = f"{part.finish}({value})" if part.finish else value
            return f"{parts.constant('follow', follow)}({found}, {list(names)!r})"


def _of_each(parts: TypedParts, item: RecordPlan, names: Sequence[str]) -> str:
    """The function from a list of records to what is at a path from each, lists joined, without nulls."""
    inner = _expression(parts, item, names, "x")
    if len(names) == 1 and (member := parts.members[id(item)].get(names[0])) is not None:
        match member.plan:
            case LeafPlan(type=leaf) if getattr(leaf, "kind", "") != "null":
                return parts.function("path", f"return [{inner} for x in v]")
            case _:
                pass
    return parts.function(
        "path",
        "found = []",
        "for x in v:",
        f"    y = {inner}",
        "    if type(y) is list: found += y",
        "    elif y is not None: found.append(y)",
        "return found",
    )


def _nullable_record(plan: UnionPlan) -> RecordPlan | None:
    """The record of a union of it and null, None for any other union."""
    branches = [branch.plan for branch in plan.branches]
    records = [branch for branch in branches if isinstance(branch, RecordPlan)]
    return records[0] if len(records) == 1 and len(branches) == 2 else None
