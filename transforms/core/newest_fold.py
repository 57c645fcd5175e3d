"""Attributes with a limit: a list of the newest entries `[time_us, event_id, print64, position, value]`,
newest first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from schemas.workspace.model import Aggregate, Attribute
from transforms.core.attribute_fold import Add, AttributeFold, Source, shown_times
from transforms.core.fold_event import FoldEvent

Entry = list[Any]


class NewestFold(AttributeFold):
    """An attribute with a limit: its newest entries, by time, then event id."""

    def __init__(self, attribute: Attribute, numeric: bool, limit: int) -> None:
        super().__init__(attribute, numeric)
        self._limit = limit
        self._aggregate = attribute.aggregate

    def bind(self, source: Source) -> Add:
        """The function that adds events of one type."""
        name, limit, keeps_time, refuses = self.name, self._limit, self.keeps_time, self._accumulator.refuses
        add_any = self.bind_any(source)
        place, found = source.place, self._found(source)

        def add(states: dict[str, Any], event: FoldEvent) -> int:
            time_us = event.time_us
            if keeps_time:
                value = time_us
            else:
                value = found(event) if place is None else event.values[place]
                if value is None:
                    return 0
                if type(value) is list:
                    return add_any(states, event)
                if refuses is not None and refuses(value):
                    return 1
            entries = states.get(name)
            if entries is None:
                states[name] = [[time_us, event.event_id, event.print64, 0, value]]
            elif time_us > entries[0][0]:
                entry = [time_us, event.event_id, event.print64, 0, value]
                if limit == 1:
                    entries[0] = entry
                else:
                    entries.insert(0, entry)
                    del entries[limit:]
            elif time_us >= entries[-1][0] or len(entries) < limit:
                return add_any(states, event)
            return 0

        return add

    def bind_any(self, source: Source) -> Add:
        """The function that adds events of one type, whatever their field holds."""
        name, limit, refuses = self.name, self._limit, self._accumulator.refuses
        found = self._found(source)

        def add(states: dict[str, Any], event: FoldEvent) -> int:
            values = found(event)
            if values is None:
                return 0
            if type(values) is not list:
                values = (values,)
            refused = 0
            for position, value in enumerate(values):
                if value is None:
                    continue
                if refuses is not None and refuses(value):
                    refused += 1
                    continue
                entry = [event.time_us, event.event_id, event.print64, position, value]
                _keep_newest(states.setdefault(name, []), entry, limit)
            return refused

        return add

    def _found(self, source: Source) -> Callable[[FoldEvent], Any]:
        return (lambda event: 1) if self.counts_events else source.read

    def merge(self, one: Any, other: Any) -> Any:
        """The newest entries of both."""
        return sorted(one + other, key=_place, reverse=True)[: self._limit]

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
        value = self._value(entries)
        return shown_times(value) if self.keeps_time else value

    def next_change_us(self, state: Any, as_of_us: int) -> int | None:
        """When the oldest entry that counts leaves the lookback, or one that is still to come counts."""
        lookback_us = self.lookback_us
        times = [entry[0] for entry in state if entry[0] > as_of_us]
        if lookback_us is not None:
            times += [
                entry[0] + lookback_us for entry in state if as_of_us - lookback_us < entry[0] <= as_of_us
            ]
        return min(times, default=None)

    def _value(self, entries: list[Entry]) -> Any:
        match self._aggregate:
            case Aggregate.VALUE if self._limit > 1:
                return [entry[4] for entry in entries]
            case Aggregate.VALUE | Aggregate.LAST:
                return entries[0][4]
            case Aggregate.FIRST:
                return entries[-1][4]
            case Aggregate.COUNT if self.counts_events:
                return len(entries)
        return self._accumulator.read([self._accumulator.of_entry(entry) for entry in entries])


def _keep_newest(entries: list[Entry], entry: Entry, limit: int) -> None:
    key = _place(entry)
    if len(entries) >= limit:
        if key <= _place(entries[-1]):
            return
        entries.pop()
    at = 0
    while at < len(entries) and _place(entries[at]) > key:
        at += 1
    entries.insert(at, entry)


def _place(entry: Entry) -> Entry:
    """What entries are ordered by: all but the value."""
    return entry[:4]
