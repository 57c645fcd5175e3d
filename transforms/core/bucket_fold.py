"""Attributes without a limit: a dict from bucket to accumulator.

Buckets are 1 minute wide for lookbacks up to 1 h, 1 hour up to 7 d, 1 day beyond, and there is one bucket
without a lookback.
"""

from __future__ import annotations

from typing import Any

from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US
from schemas.workspace.model import Attribute
from transforms.core.accumulators import is_not_finite, to_key
from transforms.core.attribute_fold import Add, AttributeFold, Source, shown_times
from transforms.core.fold_event import FoldEvent
from transforms.core.numbers import to_billionths

_FOREVER = 0


def bucket_width_us(lookback_us: int | None) -> int:
    """The width of an attribute's buckets in microseconds; 0 for a single bucket."""
    if lookback_us is None:
        return _FOREVER
    if lookback_us <= HOUR_US:
        return MINUTE_US
    return HOUR_US if lookback_us <= 7 * DAY_US else DAY_US


class BucketFold(AttributeFold):
    """An attribute without a limit: a sum of buckets."""

    def __init__(self, attribute: Attribute, numeric: bool) -> None:
        super().__init__(attribute, numeric)
        self._width = bucket_width_us(attribute.lookback_us)

    def bind(self, source: Source) -> Add:
        """The function that adds events of one type."""
        place, kind = source.place, self._accumulator
        if self.counts_events:
            return self._bind_count()
        if place is not None and kind.keyed and not kind.numeric:
            return self._bind_text(place, self.bind_any(source))
        if place is not None and kind.sums:
            return self._bind_sum(place, self.bind_any(source))
        if kind.oldest and kind.refuses is None:
            return self._bind_oldest(self.bind_any(source))
        return self.bind_any(source)

    def bind_any(self, source: Source) -> Add:
        """The function that adds events of one type, whatever their field holds."""
        if self.counts_events:
            return self._bind_count()
        if self._accumulator.keyed:
            return self._bind_keys(source)
        name, width, found = self.name, self._width, source.read
        convert, combine = self._accumulator.convert, self._accumulator.combine

        def add(states: dict[str, Any], event: FoldEvent) -> int:
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
                state = states.get(name)
                if state is None:
                    state = states[name] = {}
                before = state.get(bucket)
                state[bucket] = entry if before is None else combine(before, entry)
            return refused

        return add

    def _bind_keys(self, source: Source) -> Add:
        name, width, numeric, found = self.name, self._width, self._accumulator.numeric, source.read

        def add(states: dict[str, Any], event: FoldEvent) -> int:
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
                    state: dict[int, dict[str, int]] | None = states.get(name)
                    if state is None:
                        state = states[name] = {}
                    counts = state.get(bucket)
                    if counts is None:
                        counts = state[bucket] = {}
                    key = value if type(value) is str and not numeric else to_key(value, numeric)
                    counts[key] = counts.get(key, 0) + 1
            return refused

        return add

    def _bind_count(self) -> Add:
        name, width, one = self.name, self._width, self._accumulator.one

        def add(states: dict[str, Any], event: FoldEvent) -> int:
            bucket = event.time_us // width if width else 0
            state = states.get(name)
            if state is None:
                states[name] = {bucket: one}
            else:
                state[bucket] = state.get(bucket, 0) + one
            return 0

        return add

    def _bind_text(self, place: int, add_any: Add) -> Add:
        name, width = self.name, self._width

        def add(states: dict[str, Any], event: FoldEvent) -> int:
            value = event.values[place]
            if type(value) is not str:
                return 0 if value is None else add_any(states, event)
            bucket = event.time_us // width if width else 0
            state = states.get(name)
            if state is None:
                states[name] = {bucket: {value: 1}}
                return 0
            counts = state.get(bucket)
            if counts is None:
                state[bucket] = {value: 1}
            else:
                counts[value] = counts.get(value, 0) + 1
            return 0

        return add

    def _bind_sum(self, place: int, add_any: Add) -> Add:
        name, width = self.name, self._width

        def add(states: dict[str, Any], event: FoldEvent) -> int:
            value = event.values[place]
            if type(value) is list:
                return add_any(states, event)
            number = to_billionths(value)
            if number is None:
                return value is not None
            bucket = event.time_us // width if width else 0
            state = states.get(name)
            if state is None:
                states[name] = {bucket: number}
            else:
                state[bucket] = state.get(bucket, 0) + number
            return 0

        return add

    def _bind_oldest(self, add_any: Add) -> Add:
        name, width = self.name, self._width

        def add(states: dict[str, Any], event: FoldEvent) -> int:
            state = states.get(name)
            if state is not None:
                time_us = event.time_us
                oldest = state.get(time_us // width if width else 0)
                if oldest is not None and oldest[0] < time_us:
                    return 0
            return add_any(states, event)

        return add

    def merge(self, one: Any, other: Any) -> Any:
        """The buckets of both, those that are in both combined."""
        combine = self._accumulator.combine
        for bucket, held in other.items():
            before = one.get(bucket)
            one[bucket] = held if before is None else combine(before, held)
        return one

    def prune(self, state: Any, newest_us: int) -> Any:
        """The state without buckets that lie before every lookback, keys sorted; None if empty."""
        if self.lookback_us is not None:
            first = (newest_us - self.lookback_us) // self._width
            buckets = sorted(state) if len(state) > 1 else list(state)
            if buckets[0] < first:
                buckets = [bucket for bucket in buckets if bucket >= first]
            if buckets != list(state):
                state = {bucket: state[bucket] for bucket in buckets}
        if self._accumulator.keyed:
            for bucket, counts in state.items():
                if len(counts) > 1:
                    state[bucket] = dict(sorted(counts.items()))
        return state or None

    def read(self, state: Any, as_of_us: int) -> Any:
        """The value over the buckets of which any part lies within the lookback."""
        if self.lookback_us is None:
            held = list(state.values())
        else:
            first = (as_of_us - self.lookback_us) // self._width
            last = as_of_us // self._width
            if first <= min(state) and max(state) <= last:
                held = list(state.values())
            else:
                held = [part for bucket, part in state.items() if first <= bucket <= last]
                if not held:
                    return None
        value = self._accumulator.read(held)
        return shown_times(value) if self.keeps_time else value

    def next_change_us(self, state: Any, as_of_us: int) -> int | None:
        """When the oldest bucket that counts leaves the lookback, or one that is still to come begins."""
        lookback_us, width = self.lookback_us, self._width
        if lookback_us is None:
            return None
        first, last = (as_of_us - lookback_us) // width, as_of_us // width
        times = [
            (bucket + 1) * width + lookback_us if bucket <= last else bucket * width
            for bucket in state
            if bucket >= first
        ]
        return min(times, default=None)
