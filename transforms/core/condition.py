"""Conditions: a tree of tests, compiled once into closures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from operator import itemgetter
from typing import Any

from schemas.timestamps import parse_rfc3339
from schemas.workspace import condition as tree
from schemas.workspace.condition import Condition, Op, Subject, Test
from transforms.core.accumulators import to_key
from transforms.core.numbers import to_billionths

Read = Callable[[Any], list[Any]]
"""From what a condition is asked about to the values of one subject; none where it has none."""

Predicate = Callable[[Any, int], bool]
"""From what a condition is asked about, and the as-of time, to whether it holds."""


def compile_condition(condition: Condition, subject: Callable[[Subject], Read]) -> Predicate:
    """A predicate for a condition.

    A subject without a value fails every test but `exists: false`. A subject of several values passes
    if one of them does; `ne` and `exists: false` if none of them equals, or is there.
    """

    def predicate(test: Test) -> Predicate:
        read, holds = subject(test.subject), _holds(test)
        return lambda scope, as_of_us: holds(read(scope), as_of_us)

    return _combine(condition, predicate)


def _combine(condition: Condition, leaf: Callable[[Test], Callable[..., bool]]) -> Callable[..., bool]:
    """What a condition comes to, as a function of what its tests, from left to right, are functions of."""
    match condition:
        case tree.All(parts):
            all_of = [_combine(part, leaf) for part in parts]
            return lambda *asked: all(part(*asked) for part in all_of)
        case tree.Any(parts):
            any_of = [_combine(part, leaf) for part in parts]
            return lambda *asked: any(part(*asked) for part in any_of)
        case tree.Not(part):
            inner = _combine(part, leaf)
            return lambda *asked: not inner(*asked)
        case Test():
            return leaf(condition)


class Explained:
    """A condition that says why it held or not. Without a condition it holds, and says nothing."""

    def __init__(self, condition: Condition | None, subject: Callable[[Subject], Read]) -> None:
        self._tests = [
            (
                test.subject.kind,
                test.subject.name,
                test.op.value,
                list(test.value) if isinstance(test.value, tuple) else test.value,
                subject(test.subject),
                _holds(test),
                negated,
            )
            for test, negated in _signed(condition)
        ]
        numbers = count()
        self._verdict = (
            None if condition is None else _combine(condition, lambda test: itemgetter(next(numbers)))
        )

    def evaluate(self, scope: Any, as_of_us: int) -> tuple[bool, list[dict[str, Any]]]:
        """Whether it holds; and what each test compared with what, and came to."""
        evidence = []
        results = []
        for kind, name, op, value, read, holds, negated in self._tests:
            found = read(scope)
            held = holds(found, as_of_us)
            shown = (found[0] if len(found) == 1 else found) if found else None
            results.append(held)
            tested = {kind: name, "op": op, "value": value, "found": shown, "holds": held is not negated}
            if negated:
                tested["not"] = True
            evidence.append(tested)
        return self._verdict is None or self._verdict(results), evidence


def _signed(condition: Condition | None, negated: bool = False) -> Iterator[tuple[Test, bool]]:
    """The tests of a condition from left to right, each with whether the condition wants it to fail."""
    match condition:
        case Test():
            yield condition, negated
        case tree.Not(part):
            yield from _signed(part, not negated)
        case tree.All(parts) | tree.Any(parts):
            for part in parts:
                yield from _signed(part, negated)


Holds = Callable[[list[Any], int], bool]
"""From the values of a test's subject, and the as-of time, to whether the test holds."""


def _holds(test: Test) -> Holds:
    if test.op is Op.EXISTS:
        wanted = test.value is not False
        return lambda found, as_of_us: bool(found) is wanted
    if test.op is Op.WITHIN:
        assert isinstance(test.value, int)
        return _within(test.value)
    if test.op is Op.IN:
        assert isinstance(test.value, tuple)
        tests = [_equals(value) for value in test.value]
        return lambda found, as_of_us: any(equal(value) for value in found for equal in tests)
    if test.op is Op.CONTAINS:
        return _contains(test.value)
    if test.op is Op.NE:
        equal = _equals(test.value)
        return lambda found, as_of_us: bool(found) and not any(equal(value) for value in found)
    compare = _equals(test.value) if test.op is Op.EQ else _compares(test.op, test.value)
    return lambda found, as_of_us: any(compare(value) for value in found)


def _equals(wanted: Any) -> Callable[[Any], bool]:
    if isinstance(wanted, bool) or wanted is None:
        return lambda found: found is wanted
    if isinstance(wanted, int | float):
        scaled = to_billionths(wanted)
        if scaled is None:
            return lambda found: False
        return lambda found: not isinstance(found, bool) and to_billionths(found) == scaled
    return lambda found: bool(found == wanted)


def _compares(op: Op, wanted: Any) -> Callable[[Any], bool]:
    numeric = isinstance(wanted, int | float)
    bound: Any = to_billionths(wanted) if numeric else wanted

    def compare(found: Any) -> bool:
        value = to_billionths(found) if numeric else found
        if value is None or bound is None or isinstance(value, bool) or isinstance(value, str) is numeric:
            return False
        if op is Op.GT:
            return bool(value > bound)
        if op is Op.GE:
            return bool(value >= bound)
        if op is Op.LT:
            return bool(value < bound)
        return bool(value <= bound)

    return compare


def _contains(wanted: Any) -> Holds:
    equal = _equals(wanted)
    keys = {to_key(wanted, False), to_key(wanted, isinstance(wanted, int | float))}

    def contains(found: list[Any], as_of_us: int) -> bool:
        for value in found:
            if isinstance(value, dict):
                if not keys.isdisjoint(value):
                    return True
            elif equal(value) or (isinstance(value, str) and isinstance(wanted, str) and wanted in value):
                return True
        return False

    return contains


def _within(duration_us: int) -> Holds:
    return lambda found, as_of_us: any(
        instant is not None and as_of_us - duration_us <= instant <= as_of_us
        for instant in map(_instant, found)
    )


def _instant(value: Any) -> int | None:
    """The microseconds of a canonical timestamp or date, None for what is neither.

    A date and a local time count as UTC.
    """
    if not isinstance(value, str):
        return None
    text = f"{value}T00:00:00" if len(value) == 10 else value
    try:
        return parse_rfc3339(text if text.endswith("Z") else f"{text}Z")
    except ValueError:
        return None
