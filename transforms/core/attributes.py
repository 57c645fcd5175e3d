"""Attributes: how entries are kept in windows, and what is read from them as of a time.

Without a limit, a state is a dict from bucket to accumulator; buckets are 1 minute wide for lookbacks up
to 1 h, 1 hour up to 7 d, 1 day beyond, and one bucket without a lookback. With a limit, a state is a list
of the newest entries `[time_us, event_id, print64, position, value]`, newest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US
from schemas.workspace.model import Aggregate, Attribute
from transforms.core.fold_event import FoldEvent
from transforms.core.numbers import from_billionths, mean, number_text, to_billionths

Entry = list[Any]
_FOREVER = 0


def bucket_width_us(lookback_us: int | None) -> int:
    """The width of an attribute's buckets in microseconds; 0 for a single bucket."""
    if lookback_us is None:
        return _FOREVER
    if lookback_us <= HOUR_US:
        return MINUTE_US
    return HOUR_US if lookback_us <= 7 * DAY_US else DAY_US


def text_of(value: Any, numeric: bool) -> str:
    """The text that stands for a value as a key: equal numbers have equal texts."""
    if numeric:
        return number_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class AttributeFold:
    """One attribute of the workspace: adds entries to a state and reads the value from it."""

    def __init__(self, attribute: Attribute, numeric: bool) -> None:
        self.name = attribute.name
        self.lookback_us = attribute.lookback_us
        self.aggregate = attribute.aggregate
        self.by_value = attribute.aggregate is Aggregate.COUNT and attribute.field is not None
        self.numeric = numeric
        self._counts_events = attribute.field is None
        newest = attribute.aggregate in (Aggregate.VALUE, Aggregate.LAST) and attribute.limit is None
        self.limit = 1 if newest else attribute.limit
        self._width = bucket_width_us(attribute.lookback_us)
        self._accumulate = _ACCUMULATORS.get(
            Aggregate.DISTINCT if self.by_value else attribute.aggregate, _add_sum
        )
        # Entries that aggregate as numbers are kept as billionths, all others as they are.
        self._scaled = attribute.aggregate in (Aggregate.SUM, Aggregate.AVERAGE) or (
            numeric and attribute.aggregate in (Aggregate.MIN, Aggregate.MAX)
        )
        self._keyed = self.by_value or attribute.aggregate is Aggregate.DISTINCT
        self._whole = attribute.field is None and attribute.aggregate is Aggregate.COUNT

    def add(self, state: Any, event: FoldEvent, values: list[Any]) -> tuple[Any, int]:
        """Adds the event's values to a state, in place where it can.

        Args:
            state: what this attribute holds so far, None for nothing.
            values: the values of the attribute's field; ignored where each event counts as itself.

        Returns:
            The state, and how many values were refused: no number, NaN, infinite, or |x| >= 1e29.
        """
        if self._whole and self.limit is None:
            bucket = event.time_us // self._width if self._width else 0
            if state is None:
                return {bucket: 1}, 0
            state[bucket] = state.get(bucket, 0) + 1
            return state, 0
        if self._counts_events:
            values = _ONE
        refused = 0
        time_us = event.time_us
        for position, value in enumerate(values):
            if self._scaled:
                value = to_billionths(value)
                if value is None:
                    refused += 1
                    continue
            elif self._keyed:
                value = text_of(value, self.numeric)
            if self.limit is not None:
                entry = [time_us, event.event_id, event.print64, position, value]
                state = _keep_newest(state, entry, self.limit)
                continue
            if state is None:
                state = {}
            bucket = time_us // self._width if self._width else 0
            if self.aggregate is Aggregate.FIRST:
                value = [time_us, event.event_id, event.print64, position, value]
            state[bucket] = self._accumulate(state.get(bucket), value)
        return state, refused

    def prune(self, state: Any, newest_us: int) -> Any:
        """The state without what no as-of time from `newest_us` on can count, keys sorted; None if empty."""
        if self.limit is not None:
            if self.lookback_us is None:
                return state
            start = newest_us - self.lookback_us
            # Newest first: if the oldest still counts, all do.
            return state if state[-1][0] > start else [entry for entry in state if entry[0] > start] or None
        first = (newest_us - self.lookback_us) // self._width if self.lookback_us is not None else _FOREVER
        if self._keyed:
            return {
                bucket: dict(sorted(state[bucket].items())) for bucket in sorted(state) if bucket >= first
            } or None
        return {bucket: state[bucket] for bucket in sorted(state) if bucket >= first} or None

    def read(self, state: Any, as_of_us: int) -> Any:
        """The attribute's value as of a time: a JSON value (numbers int or Decimal), None for none."""
        if state is None:
            return None
        if self.limit is not None:
            entries = state
            if self.lookback_us is not None or (entries and entries[0][0] > as_of_us):
                start = as_of_us - self.lookback_us if self.lookback_us is not None else None
                entries = [
                    entry for entry in state if entry[0] <= as_of_us and (start is None or entry[0] > start)
                ]
            return self._read_entries(entries) if entries else None
        if self._width:
            assert self.lookback_us is not None
            first = (as_of_us - self.lookback_us) // self._width
            last = as_of_us // self._width
            held = [state[bucket] for bucket in sorted(state) if first <= bucket <= last]
        else:
            held = list(state.values())
        return self._combine(held) if held else None

    def _read_entries(self, entries: list[Entry]) -> Any:
        if self.aggregate is Aggregate.VALUE:
            return entries[0][4] if self.limit == 1 else [entry[4] for entry in entries]
        if self.aggregate is Aggregate.LAST:
            return entries[0][4]
        if self.aggregate is Aggregate.FIRST:
            return entries[-1][4]
        if self._whole:
            return len(entries)
        held: Any = None
        for entry in entries:
            held = self._accumulate(held, entry[4])
        return self._combine([held])

    def _combine(self, held: list[Any]) -> Any:
        aggregate = self.aggregate
        if self._whole:
            return sum(held)
        if self._keyed:
            return _counts(held) if self.by_value else len(set().union(*held))
        if aggregate is Aggregate.SUM:
            return from_billionths(sum(held))
        if aggregate is Aggregate.AVERAGE:
            return from_billionths(mean(sum(part[0] for part in held), sum(part[1] for part in held)))
        if aggregate is Aggregate.FIRST:
            return min(held)[4]
        value = min(held) if aggregate is Aggregate.MIN else max(held)
        return from_billionths(value) if self._scaled else value


_ONE: list[Any] = [1]


def _keep_newest(entries: list[Entry] | None, entry: Entry, limit: int) -> list[Entry]:
    if entries is None:
        return [entry]
    key = entry[:4]
    if len(entries) >= limit:
        if key <= entries[-1][:4]:
            return entries
        if limit == 1:
            entries[0] = entry
            return entries
        entries.pop()
    at = 0
    while at < len(entries) and entries[at][:4] > key:
        at += 1
    entries.insert(at, entry)
    return entries


def _counts(held: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in held:
        for key, count in part.items():
            total[key] = total.get(key, 0) + count
    return dict(sorted(total.items()))


def _add_sum(held: Any, value: Any) -> Any:
    return value if held is None else held + value


def _add_average(held: Any, value: Any) -> Any:
    return [value, 1] if held is None else [held[0] + value, held[1] + 1]


def _add_min(held: Any, value: Any) -> Any:
    return value if held is None or value < held else held


def _add_max(held: Any, value: Any) -> Any:
    return value if held is None or value > held else held


def _add_first(held: Any, entry: Any) -> Any:
    return entry if held is None or entry[:4] < held[:4] else held


def _add_key(held: Any, key: Any) -> Any:
    if held is None:
        return {key: 1}
    held[key] = held.get(key, 0) + 1
    return held


_ACCUMULATORS: dict[Aggregate, Callable[[Any, Any], Any]] = {
    Aggregate.COUNT: _add_sum,
    Aggregate.SUM: _add_sum,
    Aggregate.MIN: _add_min,
    Aggregate.MAX: _add_max,
    Aggregate.AVERAGE: _add_average,
    Aggregate.DISTINCT: _add_key,
    Aggregate.FIRST: _add_first,
}
