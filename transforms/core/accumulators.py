"""Accumulators: what a window holds for each aggregate, and how two of them are one.

`combine` is commutative and associative, so that the order of events cannot show.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from typing import Any

from schemas.workspace.model import Aggregate, Attribute
from transforms.core.fold_event import FoldEvent
from transforms.core.numbers import SCALE, from_billionths, mean, number_text, to_billionths

Convert = Callable[[Any, FoldEvent, int], Any]


def to_key(value: Any, numeric: bool) -> str:
    """The text that stands for a value as a key: equal numbers have equal texts."""
    if numeric:
        return number_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Accumulator:
    """One aggregate.

    Attributes:
        one: what an event counts as by itself, in an attribute without a field.
        keyed: whether what is held is a dict by value.
        sums: whether what is held is the sum of numbers in billionths.
        oldest: whether what is held is an entry, of two the one that comes first.
        keeps_values: whether what is read is one of the values that were added.
    """

    one: int = 1
    keyed: bool = False
    sums: bool = False
    oldest: bool = False
    keeps_values: bool = False

    def __init__(self, numeric: bool) -> None:
        self.numeric = numeric
        self.refuses: Callable[[Any], bool] | None = None

    def convert(self, value: Any, event: FoldEvent, position: int) -> Any:
        """What a value alone makes; None if it is refused."""
        raise NotImplementedError

    def combine(self, one: Any, other: Any) -> Any:
        """Two as one; may change and give back the first."""
        raise NotImplementedError

    def read(self, held: list[Any]) -> Any:
        """The value of several, at least one."""
        raise NotImplementedError

    def of_entry(self, entry: list[Any]) -> Any:
        """What an entry `[time_us, event_id, print64, position, value]` alone makes."""
        return self.convert(entry[4], _NO_EVENT, entry[3])


class _Count(Accumulator):
    def convert(self, value: Any, event: FoldEvent, position: int) -> Any:
        return 1

    def combine(self, one: Any, other: Any) -> Any:
        return one + other

    def read(self, held: list[Any]) -> Any:
        return sum(held)


class _Sum(Accumulator):
    one = SCALE
    sums = True

    def __init__(self, numeric: bool) -> None:
        super().__init__(numeric)
        self.refuses = _is_no_number

    def convert(self, value: Any, event: FoldEvent, position: int) -> Any:
        return to_billionths(value)

    def combine(self, one: Any, other: Any) -> Any:
        return one + other

    def read(self, held: list[Any]) -> Any:
        return from_billionths(sum(held))


class _Average(_Sum):
    sums = False

    def convert(self, value: Any, event: FoldEvent, position: int) -> Any:
        number = to_billionths(value)
        return None if number is None else [number, 1]

    def combine(self, one: Any, other: Any) -> Any:
        return [one[0] + other[0], one[1] + other[1]]

    def read(self, held: list[Any]) -> Any:
        return from_billionths(mean(sum(part[0] for part in held), sum(part[1] for part in held)))


class _Extreme(Accumulator):
    """The least or the greatest value: of numbers by value, of texts by code point, numbers before texts."""

    keeps_values = True

    def __init__(self, numeric: bool, least: bool) -> None:
        super().__init__(numeric)
        self._least = least
        self.refuses = _is_no_number if numeric else _has_no_rank

    def convert(self, value: Any, event: FoldEvent, position: int) -> Any:
        if self.numeric:
            return to_billionths(value)
        return None if _has_no_rank(value) else value

    def combine(self, one: Any, other: Any) -> Any:
        if type(one) is type(other) is not float:
            return other if (other < one) is self._least else one
        return other if (_rank(other) < _rank(one)) is self._least else one

    def read(self, held: list[Any]) -> Any:
        value = held[0]
        for other in held[1:]:
            value = self.combine(value, other)
        return from_billionths(value) if self.numeric else value


class _ByValue(Accumulator):
    keyed = True

    def __init__(self, numeric: bool) -> None:
        super().__init__(numeric)
        if numeric:
            self.refuses = is_not_finite

    def convert(self, value: Any, event: FoldEvent, position: int) -> Any:
        return None if value is None else {to_key(value, self.numeric): 1}

    def combine(self, one: Any, other: Any) -> Any:
        for key, count in other.items():
            one[key] = one.get(key, 0) + count
        return one

    def read(self, held: list[Any]) -> Any:
        total = dict(held[0])
        for part in held[1:]:
            for key, count in part.items():
                total[key] = total.get(key, 0) + count
        return dict(sorted(total.items())) if len(total) > 1 else total


class _Distinct(_ByValue):
    def read(self, held: list[Any]) -> Any:
        return len(set().union(*held)) if len(held) > 1 else len(held[0])


class _First(Accumulator):
    """The oldest entry; also stands for the newest, which only limits keep."""

    oldest = True
    keeps_values = True

    def __init__(self, numeric: bool) -> None:
        super().__init__(numeric)
        if numeric:
            self.refuses = is_not_finite

    def convert(self, value: Any, event: FoldEvent, position: int) -> Any:
        if value is None or (self.refuses is not None and self.refuses(value)):
            return None
        return [event.time_us, event.event_id, event.print64, position, value]

    def combine(self, one: Any, other: Any) -> Any:
        return other if other[:4] < one[:4] else one

    def read(self, held: list[Any]) -> Any:
        return (min(held, key=lambda entry: entry[:4]) if len(held) > 1 else held[0])[4]


def accumulator(attribute: Attribute, numeric: bool) -> Accumulator:
    """The accumulator of an attribute; `count` over a field counts by the field's value."""
    match attribute.aggregate:
        case Aggregate.COUNT:
            return _Count(numeric) if attribute.field is None else _ByValue(numeric)
        case Aggregate.SUM:
            return _Sum(numeric)
        case Aggregate.AVERAGE:
            return _Average(numeric)
        case Aggregate.MIN:
            return _Extreme(numeric, least=True)
        case Aggregate.MAX:
            return _Extreme(numeric, least=False)
        case Aggregate.DISTINCT:
            return _Distinct(numeric)
        case _:
            return _First(numeric)


def is_not_finite(value: Any) -> bool:
    """Whether a value is NaN or infinite, which no profile can hold."""
    return type(value) is float and not isfinite(value)


def _is_no_number(value: Any) -> bool:
    return to_billionths(value) is None


def _has_no_rank(value: Any) -> bool:
    return type(value) not in (int, str) and not (type(value) is float and isfinite(value))


def _rank(value: Any) -> tuple[bool, Any, str]:
    """Equal numbers are told apart by their text, so that the order of events cannot show."""
    return type(value) is str, value, repr(value)


_NO_EVENT = FoldEvent("", 0, "", 0, 0, "", "", 0, (), ())
