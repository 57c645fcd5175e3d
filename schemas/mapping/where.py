"""Conditions on the columns of a log: the condition language, with `column` as its subject."""

from __future__ import annotations

from schemas.workspace.condition import All, Any, Condition, Not, Op, Subject, Test

_OPS = frozenset(Op) - {Op.WITHIN}


def parse_where(value: object) -> Condition:
    """The condition that a mapping's `where` says.

    Raises:
        ValueError: it is none; the message names the part.
    """
    if not isinstance(value, dict):
        raise ValueError(f"expected a condition such as {{column: NAME, op: eq, value: V}}, found {value!r}")
    keys = set(value)
    if keys == {"all"} or keys == {"any"}:
        key = keys.pop()
        parts = value[key]
        if not isinstance(parts, list) or not parts:
            raise ValueError(f"{key}: expected a list of conditions, found {parts!r}")
        parsed = tuple(parse_where(part) for part in parts)
        return All(parsed) if key == "all" else Any(parsed)
    if keys == {"not"}:
        return Not(parse_where(value["not"]))
    return _test(value)


def _test(value: dict[object, object]) -> Test:
    unknown = [str(key) for key in value if key not in {"column", "op", "value"}]
    if unknown or "column" not in value or "op" not in value:
        raise ValueError(
            f"expected all, any, not, or the keys column, op and value, found {', '.join(map(str, value))}"
        )
    if value["op"] not in _OPS:
        names = ", ".join(sorted(_OPS))
        raise ValueError(f"op: expected one of {names}, found {value['op']!r}")
    op = Op(str(value["op"]))
    subject = Subject("field", str(value["column"]))
    operand = value.get("value")
    if op is Op.EXISTS:
        if operand not in (None, True, False):
            raise ValueError(f"exists takes true, false or no value, found {operand!r}")
        return Test(subject, op, operand is not False)
    if "value" not in value:
        raise ValueError(f"{op}: the value to compare with is missing")
    if op is Op.IN:
        if not isinstance(operand, list) or not operand:
            raise ValueError(f"in: expected a list of values, found {operand!r}")
        return Test(subject, op, tuple(_scalar(item) for item in operand))
    return Test(subject, op, _scalar(operand))


def _scalar(value: object) -> bool | int | float | str:
    if isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"expected a text, a number or a truth value, found {value!r}; quote dates")
