"""Conditions: a tree of tests, compiled once into closures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.timestamps import parse_rfc3339
from schemas.workspace.condition import Condition, Op, Subject, Test, leaves
from schemas.workspace import condition as tree
from transforms.core.numbers import to_billionths

Read = Callable[[Any], list[Any]]
"""From what a condition is asked about to the values of one subject; none where it has none."""

Predicate = Callable[[Any, int], bool]
"""From what a condition is asked about, and the as-of time, to whether it holds."""


def compile_condition(condition: Condition | None, subject: Callable[[Subject], Read]) -> Predicate:
    """A predicate for a condition; without a condition it always holds.

    A subject without a value fails every test but `exists: false`. A subject of several values passes
    if one of them does; `ne` and `exists: false` if none of them equals, or is there.
    """
    if condition is None:
        return lambda scope, as_of_us: True
    match condition:
        case tree.All(parts):
            predicates = [compile_condition(part, subject) for part in parts]
            return lambda scope, as_of_us: all(holds(scope, as_of_us) for holds in predicates)
        case tree.Any(parts):
            predicates = [compile_condition(part, subject) for part in parts]
            return lambda scope, as_of_us: any(holds(scope, as_of_us) for holds in predicates)
        case tree.Not(part):
            inner = compile_condition(part, subject)
            return lambda scope, as_of_us: not inner(scope, as_of_us)
        case Test():
            return _compile_test(condition, subject(condition.subject))


def explain_condition(
    condition: Condition | None, subject: Callable[[Subject], Read], scope: Any, as_of_us: int
) -> list[dict[str, Any]]:
    """For each test of a condition: what was tested, against what, what was found, and the verdict."""
    evidence = []
    for test in leaves(condition):
        read = subject(test.subject)
        found = read(scope)
        evidence.append(
            {
                test.subject.kind: test.subject.name,
                "op": test.op.value,
                "value": list(test.value) if isinstance(test.value, tuple) else test.value,
                "found": (found[0] if len(found) == 1 else found) if found else None,
                "holds": _compile_test(test, read)(scope, as_of_us),
            }
        )
    return evidence


def _compile_test(test: Test, read: Read) -> Predicate:
    if test.op is Op.EXISTS:
        wanted = test.value is not False
        return lambda scope, as_of_us: bool(read(scope)) is wanted
    if test.op is Op.WITHIN:
        assert isinstance(test.value, int)
        return _within(read, test.value)
    if test.op is Op.IN:
        assert isinstance(test.value, tuple)
        tests = [_equals(value) for value in test.value]
        return lambda scope, as_of_us: any(equal(found) for found in read(scope) for equal in tests)
    if test.op is Op.CONTAINS:
        return _contains(read, test.value)
    if test.op is Op.NE:
        equal = _equals(test.value)

        def differs(scope: Any, as_of_us: int) -> bool:
            found = read(scope)
            return bool(found) and not any(equal(value) for value in found)

        return differs
    compare = _equals(test.value) if test.op is Op.EQ else _compares(test.op, test.value)
    return lambda scope, as_of_us: any(compare(value) for value in read(scope))


def _equals(wanted: Any) -> Callable[[Any], bool]:
    if isinstance(wanted, bool) or wanted is None:
        return lambda found: found is wanted
    if isinstance(wanted, int | float):
        scaled = to_billionths(wanted)
        return lambda found: not isinstance(found, bool) and to_billionths(found) == scaled
    return lambda found: bool(found == wanted)


def _compares(op: Op, wanted: Any) -> Callable[[Any], bool]:
    numeric = isinstance(wanted, int | float)
    bound: Any = to_billionths(wanted) if numeric else wanted

    def compare(found: Any) -> bool:
        value = to_billionths(found) if numeric else found
        if value is None or isinstance(value, bool) or isinstance(value, str) is numeric:
            return False
        if op is Op.GT:
            return bool(value > bound)
        if op is Op.GE:
            return bool(value >= bound)
        if op is Op.LT:
            return bool(value < bound)
        return bool(value <= bound)

    return compare


def _contains(read: Read, wanted: Any) -> Predicate:
    equal = _equals(wanted)

    def contains(scope: Any, as_of_us: int) -> bool:
        for found in read(scope):
            if isinstance(found, dict):
                if str(wanted) in found:
                    return True
            elif equal(found) or (isinstance(found, str) and isinstance(wanted, str) and wanted in found):
                return True
        return False

    return contains


def _within(read: Read, duration_us: int) -> Predicate:
    def within(scope: Any, as_of_us: int) -> bool:
        return any(as_of_us - duration_us <= _instant(found) <= as_of_us for found in read(scope))

    return within


def _instant(text: str) -> int:
    """The microseconds of a canonical timestamp or date; a date and a local time count as UTC."""
    if len(text) == 10:
        return parse_rfc3339(f"{text}T00:00:00Z")
    return parse_rfc3339(text if text.endswith("Z") else f"{text}Z")
