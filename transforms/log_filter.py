"""Conditions on a log's rows, as closures over the row's values."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any as AnyValue

from schemas.workspace.condition import All, Any, Condition, Not, Op, Test
from transforms.log_values import number_text, text_of

Values = dict[str, AnyValue]
Lookup = Callable[[Values], AnyValue]


def compile_filter(
    condition: Condition | None, lookup: Callable[[str], Lookup]
) -> Callable[[Values], bool] | None:
    """A function that tells whether a row is meant; None where every row is.

    A number in the condition is compared with the column's text read as a number, a text with the
    text itself. A column without a value, or without a number, meets no test but `ne` and
    `exists: false`.

    Args:
        lookup: makes the function that finds a column in a row, None for a null.
    """
    match condition:
        case None:
            return None
        case All(parts):
            tests = [test for part in parts if (test := compile_filter(part, lookup))]
            return lambda values: all(test(values) for test in tests)
        case Any(parts):
            tests = [test for part in parts if (test := compile_filter(part, lookup))]
            return lambda values: any(test(values) for test in tests)
        case Not(part):
            inner = compile_filter(part, lookup)
            return lambda values: inner is not None and not inner(values)
        case Test(subject, op, operand):
            find = lookup(subject.name)
            compare = _comparison(op, operand)
            return lambda values: compare(find(values))


def _comparison(op: Op, operand: AnyValue) -> Callable[[AnyValue], bool]:
    if op is Op.EXISTS:
        return lambda value: (value is not None) is operand
    if op is Op.IN:
        parts = [_comparison(Op.EQ, item) for item in operand]
        return lambda value: any(part(value) for part in parts)
    if op is Op.NE:
        equal = _comparison(Op.EQ, operand)
        return lambda value: not equal(value)
    if op is Op.CONTAINS:
        return lambda value: _contains(value, operand)
    expected = _operand(operand)

    def compare(value: AnyValue) -> bool:
        if value is None:
            return False
        found = _found(value, expected)
        return found is not None and _ordered(op, found, expected)

    return compare


def _operand(operand: AnyValue) -> str | Decimal:
    if isinstance(operand, bool | str):
        return text_of(operand)
    return Decimal(text_of(operand))


def _found(value: AnyValue, expected: str | Decimal) -> str | Decimal | None:
    try:
        return Decimal(number_text(value)) if isinstance(expected, Decimal) else text_of(value)
    except ValueError:
        return None


def _ordered(op: Op, found: AnyValue, expected: AnyValue) -> bool:
    match op:
        case Op.EQ:
            return bool(found == expected)
        case Op.GT:
            return bool(found > expected)
        case Op.GE:
            return bool(found >= expected)
        case Op.LT:
            return bool(found < expected)
        case _:
            return bool(found <= expected)


def _contains(value: AnyValue, operand: AnyValue) -> bool:
    if isinstance(value, list):
        return any(_comparison(Op.EQ, operand)(item) for item in value)
    return isinstance(value, str) and text_of(operand) in value
