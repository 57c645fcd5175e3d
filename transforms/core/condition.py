"""Conditions: a tree of tests, compiled once into closures."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import Any

from schemas.timestamps import parse_rfc3339
from schemas.workspace import condition as tree
from schemas.workspace.condition import Condition, Op, Subject, Test
from transforms.core.accumulators import to_key
from transforms.core.numbers import SCALE, to_billionths

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


def _combine(condition: Condition, leaf: Callable[[Test], Predicate]) -> Predicate:
    """What a condition comes to, where its tests, from left to right, come to what `leaf` gives."""
    match condition:
        case tree.All(parts):
            return _all_of([_combine(part, leaf) for part in parts])
        case tree.Any(parts):
            return _any_of([_combine(part, leaf) for part in parts])
        case tree.Not(part):
            inner = _combine(part, leaf)
            return lambda scope, as_of_us: not inner(scope, as_of_us)
        case Test():
            return leaf(condition)


def _all_of(parts: Sequence[Predicate]) -> Predicate:
    def holds(scope: Any, as_of_us: int) -> bool:
        for part in parts:  # noqa: SIM110 (a generator costs more than most tests do)
            if not part(scope, as_of_us):
                return False
        return True

    return holds


def _any_of(parts: Sequence[Predicate]) -> Predicate:
    def holds(scope: Any, as_of_us: int) -> bool:
        for part in parts:  # noqa: SIM110 (a generator costs more than most tests do)
            if part(scope, as_of_us):
                return True
        return False

    return holds


class Explained:
    """A condition that says why it held or not. Without a condition it holds, and says nothing.

    Attributes:
        asks_fields: whether it looks at fields of the entry event.
    """

    def __init__(self, condition: Condition | None, subject: Callable[[Subject], Read]) -> None:
        self._tests = [
            (_asked(test), subject(test.subject), _holds(test), wanted) for test, wanted in _signed(condition)
        ]
        self.asks_fields = any(test.subject.kind == "field" for test in tree.leaves(condition))
        self._verdict: Predicate | None = None
        if condition is not None and not _is_conjunction(condition):
            numbers = count()

            def result(test: Test) -> Predicate:
                number = next(numbers)
                return lambda results, as_of_us: bool(results[number])

            self._verdict = _combine(condition, result)

    def evaluate(self, scope: Any, as_of_us: int) -> tuple[bool, list[dict[str, Any]]]:
        """Whether it holds; and what each test compared with what, and came to."""
        evidence = []
        results = []
        all_hold = True
        for asked, read, holds, wanted in self._tests:
            found = read(scope)
            held = holds(found, as_of_us)
            results.append(held)
            holds_as_wanted = held is wanted
            if not holds_as_wanted:
                all_hold = False
            shown = (found[0] if len(found) == 1 else found) if found else None
            tested = {**asked, "found": shown, "holds": holds_as_wanted}
            if not wanted:
                tested["not"] = True
            evidence.append(tested)
        return all_hold if self._verdict is None else self._verdict(results, as_of_us), evidence


def _asked(test: Test) -> dict[str, Any]:
    """What evidence says of a test before it was made."""
    subject = test.subject
    asked: dict[str, Any] = {subject.kind: subject.name}
    if subject.lookup is not None:
        asked |= {"table": subject.lookup.table, "column": subject.lookup.column}
    value = list(test.value) if isinstance(test.value, tuple) else test.value
    return asked | {"op": test.op.value, "value": value}


def _signed(condition: Condition | None, wanted: bool = True) -> Iterator[tuple[Test, bool]]:
    """The tests of a condition from left to right, each with whether the condition wants it to hold."""
    match condition:
        case Test():
            yield condition, wanted
        case tree.Not(part):
            yield from _signed(part, not wanted)
        case tree.All(parts) | tree.Any(parts):
            for part in parts:
                yield from _signed(part, wanted)


def _is_conjunction(condition: Condition) -> bool:
    """Whether a condition holds exactly if all its tests come out as it wants them."""
    match condition:
        case tree.All(parts):
            return all(map(_is_conjunction, parts))
        case tree.Not(Test()) | Test():
            return True
    return False


Holds = Callable[[list[Any], int], bool]
"""From the values of a test's subject, and the as-of time, to whether the test holds."""


def _holds(test: Test) -> Holds:
    match test.op:
        case Op.EXISTS:
            wanted = test.value is not False
            return lambda found, as_of_us: bool(found) is wanted
        case Op.WITHIN:
            assert isinstance(test.value, int)
            return _within(test.value)
        case Op.IN:
            assert isinstance(test.value, tuple)
            return _any_of([_equals(value) for value in test.value])
        case Op.CONTAINS:
            return _contains(test.value)
        case Op.EQ:
            return _equals(test.value)
        case Op.NE:
            equals = _equals(test.value)
            return lambda found, as_of_us: bool(found) and not equals(found, as_of_us)
    return _compares(test.op, test.value)


def _never(found: list[Any], as_of_us: int) -> bool:
    return False


def _equals(wanted: Any) -> Holds:
    if isinstance(wanted, bool) or wanted is None:
        return lambda found, as_of_us: any(value is wanted for value in found)
    if isinstance(wanted, int | float):
        scaled = to_billionths(wanted)
        return _never if scaled is None else _lies_between(scaled, scaled)
    return lambda found, as_of_us: wanted in found


_GREATEST = 10**29 * SCALE - 1
"""Above it nothing counts as a number: see `to_billionths`."""


def _compares(op: Op, wanted: Any) -> Holds:
    if isinstance(wanted, int | float):
        bound = to_billionths(wanted)
        if bound is None:
            return _never
        if op in (Op.GT, Op.GE):
            return _lies_between(bound + (op is Op.GT), _GREATEST)
        return _lies_between(-_GREATEST, bound - (op is Op.LT))
    if wanted is None:
        return _never
    compare = {Op.GT: operator.gt, Op.GE: operator.ge, Op.LT: operator.lt, Op.LE: operator.le}[op]
    return lambda found, as_of_us: any(isinstance(value, str) and compare(value, wanted) for value in found)


def _lies_between(least: int, greatest: int) -> Holds:
    """Whether one of the values is a number from `least` to `greatest`, both in billionths."""
    least_whole, greatest_whole = -(-least // SCALE), greatest // SCALE

    def holds(found: list[Any], as_of_us: int) -> bool:
        for value in found:
            if type(value) is int:
                if least_whole <= value <= greatest_whole:
                    return True
            else:
                scaled = to_billionths(value)
                if scaled is not None and least <= scaled <= greatest:
                    return True
        return False

    return holds


def _contains(wanted: Any) -> Holds:
    equals = _equals(wanted)
    keys = {to_key(wanted, False), to_key(wanted, isinstance(wanted, int | float))}

    def contains(found: list[Any], as_of_us: int) -> bool:
        for value in found:
            if isinstance(value, dict):
                if not keys.isdisjoint(value):
                    return True
            elif isinstance(value, str) and isinstance(wanted, str) and wanted in value:
                return True
        return equals(found, as_of_us)

    return contains


def _within(duration_us: int) -> Holds:
    def within(found: list[Any], as_of_us: int) -> bool:
        for value in found:
            instant = instant_us(value) if isinstance(value, str) else None
            if instant is not None and as_of_us - duration_us <= instant <= as_of_us:
                return True
        return False

    return within


# A person's last purchase, say, is asked for again and again.
@lru_cache(maxsize=1 << 12)
def instant_us(value: str) -> int | None:
    """The microseconds of a canonical timestamp or date, None for what is neither.

    A date and a local time count as UTC.
    """
    text = f"{value}T00:00:00" if len(value) == 10 else value
    try:
        return parse_rfc3339(text if text.endswith("Z") else f"{text}Z")
    except ValueError:
        return None
