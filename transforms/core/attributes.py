"""Attributes: how entries are kept in windows, and what is read from them as of a time.

Without a limit, a state is a dict from bucket to accumulator; buckets are 1 minute wide for lookbacks up
to 1 h, 1 hour up to 7 d, 1 day beyond, and one bucket without a lookback. With a limit, a state is a list
of the newest entries `[time_us, event_id, print64, position, value]`, newest first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US, format_rfc3339
from schemas.workspace.model import Aggregate, Attribute
from transforms.core.accumulators import accumulator, is_not_finite, to_key
from transforms.core.fold_event import FoldEvent

TIME_FIELD = "$time"
_FOREVER = 0

Entry = list[Any]
Found = Callable[[FoldEvent], Any]
"""From an event to what it has for an attribute: a value, a list of values, or None."""

Add = Callable[[dict[str, Any], FoldEvent], int]
"""Adds an event to the states by name, in place; gives how many of its values were refused."""


def bucket_width_us(lookback_us: int | None) -> int:
    """The width of an attribute's buckets in microseconds; 0 for a single bucket."""
    if lookback_us is None:
        return _FOREVER
    if lookback_us <= HOUR_US:
        return MINUTE_US
    return HOUR_US if lookback_us <= 7 * DAY_US else DAY_US


class AttributeFold:
    """One attribute of the workspace: adds entries to a state and reads the value from it.

    Attributes:
        counts_events: whether each event counts as itself.
        keeps_time: whether what is kept are times of events, in microseconds.
    """

    def __init__(self, attribute: Attribute, numeric: bool) -> None:
        self.name = attribute.name
        self.lookback_us = attribute.lookback_us
        self.counts_events = attribute.field is None
        self._accumulator = accumulator(attribute, numeric)
        # Times are kept as microseconds, and written out when they are read.
        self.keeps_time = attribute.field == TIME_FIELD and self._accumulator.keeps_values

    def bind(self, found: Found) -> Add:
        """The function that adds events of one type.

        Args:
            found: reads the attribute's field; for `$time`, the microseconds if it keeps times.
        """
        raise NotImplementedError

    def prune(self, state: Any, newest_us: int) -> Any:
        """The state without what no as-of time from `newest_us` on can count, keys sorted; None if empty."""
        raise NotImplementedError

    def read(self, state: Any, as_of_us: int) -> Any:
        """The attribute's value as of a time: a JSON value (numbers int or Decimal), None for none."""
        raise NotImplementedError

    def _shown(self, value: Any) -> Any:
        if not self.keeps_time:
            return value
        return [format_rfc3339(item) for item in value] if isinstance(value, list) else format_rfc3339(value)


class BucketFold(AttributeFold):
    """An attribute without a limit: a sum of buckets."""

    def __init__(self, attribute: Attribute, numeric: bool) -> None:
        super().__init__(attribute, numeric)
        self._width = bucket_width_us(attribute.lookback_us)

    def bind(self, found: Found) -> Add:
        """The function that adds events of one type."""
        if self.counts_events:
            return self._bind_count()
        if self._accumulator.keyed:
            return self._bind_keys(found)
        name, width = self.name, self._width
        convert, combine = self._accumulator.convert, self._accumulator.combine

        def add(held: dict[str, Any], event: FoldEvent) -> int:
            values = found(event)
            if values is None:
                return 0
            if type(values) is not list:
                values = (values,)
            refused = 0
            bucket = event.time_us // width if width else 0
            for position, value in enumerate(values):
                entry = convert(value, event, position)
                if entry is None:
                    refused += value is not None
                    continue
                state = held.get(name)
                if state is None:
                    state = held[name] = {}
                before = state.get(bucket)
                state[bucket] = entry if before is None else combine(before, entry)
            return refused

        return add

    def _bind_keys(self, found: Found) -> Add:
        name, width, numeric = self.name, self._width, self._accumulator.numeric

        def add(held: dict[str, Any], event: FoldEvent) -> int:
            values = found(event)
            if values is None:
                return 0
            if type(values) is not list:
                values = (values,)
            bucket = event.time_us // width if width else 0
            refused = 0
            for value in values:
                if numeric and is_not_finite(value):
                    refused += 1
                elif value is not None:
                    state: dict[int, dict[str, int]] | None = held.get(name)
                    if state is None:
                        state = held[name] = {}
                    counts = state.get(bucket)
                    if counts is None:
                        counts = state[bucket] = {}
                    key = value if type(value) is str and not numeric else to_key(value, numeric)
                    counts[key] = counts.get(key, 0) + 1
            return refused

        return add

    def _bind_count(self) -> Add:
        name, width, one = self.name, self._width, self._accumulator.one

        def add(held: dict[str, Any], event: FoldEvent) -> int:
            bucket = event.time_us // width if width else 0
            state = held.get(name)
            if state is None:
                held[name] = {bucket: one}
            else:
                state[bucket] = state.get(bucket, 0) + one
            return 0

        return add

    def prune(self, state: Any, newest_us: int) -> Any:
        """The state without buckets that lie before every lookback, keys sorted; None if empty."""
        first = (newest_us - self.lookback_us) // self._width if self.lookback_us is not None else 0
        if self._accumulator.keyed:
            return {
                bucket: dict(sorted(state[bucket].items())) for bucket in sorted(state) if bucket >= first
            } or None
        if len(state) == 1:
            return state if next(iter(state)) >= first else None
        return {bucket: state[bucket] for bucket in sorted(state) if bucket >= first} or None

    def read(self, state: Any, as_of_us: int) -> Any:
        """The value over the buckets of which any part lies within the lookback."""
        if self.lookback_us is None:
            held = list(state.values())
        else:
            first = (as_of_us - self.lookback_us) // self._width
            last = as_of_us // self._width
            held = [part for bucket, part in state.items() if first <= bucket <= last]
            if not held:
                return None
        value = self._accumulator.read(held)
        return self._shown(value)


class NewestFold(AttributeFold):
    """An attribute with a limit: its newest entries, by time, then event id."""

    def __init__(self, attribute: Attribute, numeric: bool, limit: int) -> None:
        super().__init__(attribute, numeric)
        self._limit = limit
        self._aggregate = attribute.aggregate
        self._first_of_one = limit == 1

    def bind(self, found: Found) -> Add:
        """The function that adds events of one type."""
        name, limit, only_newest = self.name, self._limit, self._first_of_one
        refuses = self._accumulator.refuses
        one = [1]

        def add(held: dict[str, Any], event: FoldEvent) -> int:
            values = one if self.counts_events else found(event)
            if values is None:
                return 0
            time_us = event.time_us
            if type(values) is not list:
                if refuses is not None and refuses(values):
                    return 1
                entries = held.get(name)
                entry = [time_us, event.event_id, event.print64, 0, values]
                if entries is None:
                    held[name] = [entry]
                elif only_newest and time_us > entries[0][0]:
                    entries[0] = entry
                else:
                    _keep_newest(entries, entry, limit)
                return 0
            refused = 0
            for position, value in enumerate(values):
                if value is None:
                    continue
                if refuses is not None and refuses(value):
                    refused += 1
                    continue
                entry = [time_us, event.event_id, event.print64, position, value]
                _keep_newest(held.setdefault(name, []), entry, limit)
            return refused

        return add

    def prune(self, state: Any, newest_us: int) -> Any:
        """The entries that some lookback still counts; None if there are none."""
        if self.lookback_us is None:
            return state
        start = newest_us - self.lookback_us
        # Newest first: if the oldest still counts, all do.
        return state if state[-1][0] > start else [entry for entry in state if entry[0] > start] or None

    def read(self, state: Any, as_of_us: int) -> Any:
        """The value over the entries within the lookback."""
        start = None if self.lookback_us is None else as_of_us - self.lookback_us
        entries = state
        if state[0][0] > as_of_us or (start is not None and state[-1][0] <= start):
            entries = [
                entry for entry in state if entry[0] <= as_of_us and (start is None or entry[0] > start)
            ]
            if not entries:
                return None
        if self._aggregate is Aggregate.VALUE and self._limit > 1:
            return self._shown([entry[4] for entry in entries])
        if self._aggregate in (Aggregate.VALUE, Aggregate.LAST):
            return self._shown(entries[0][4])
        if self._aggregate is Aggregate.FIRST:
            return self._shown(entries[-1][4])
        if self._aggregate is Aggregate.COUNT and self.counts_events:
            return len(entries)
        return self._shown(self._accumulator.read([self._accumulator.of_entry(entry) for entry in entries]))


def attribute_fold(attribute: Attribute, numeric: bool) -> AttributeFold:
    """The fold of an attribute.

    Args:
        numeric: whether its field holds numbers.
    """
    limit = attribute.limit
    if limit is None and attribute.aggregate in (Aggregate.VALUE, Aggregate.LAST):
        limit = 1
    if limit is None:
        return BucketFold(attribute, numeric)
    return NewestFold(attribute, numeric, limit)


def _keep_newest(entries: list[Entry], entry: Entry, limit: int) -> None:
    key = entry[:4]
    if len(entries) >= limit:
        if key <= entries[-1][:4]:
            return
        entries.pop()
    at = 0
    while at < len(entries) and entries[at][:4] > key:
        at += 1
    entries.insert(at, entry)
