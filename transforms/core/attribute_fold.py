"""What every attribute does: it adds events to a state, prunes the state, and reads a value from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from schemas.timestamps import format_rfc3339
from schemas.workspace.model import Attribute
from transforms.core.accumulators import accumulator
from transforms.core.fold_event import FoldEvent

TIME_FIELD = "$time"

Add = Callable[[dict[str, Any], FoldEvent], int]
"""Adds an event to the states by name, in place; gives how many of its values were refused."""


class Source(NamedTuple):
    """Where events of one type have an attribute's field.

    Attributes:
        read: from an event to what it has: a value, a list of values, or None.
        place: where that is in `FoldEvent.values`; None for what the envelope holds.
    """

    read: Callable[[FoldEvent], Any]
    place: int | None = None


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

    def bind(self, source: Source) -> Add:
        """The function that adds events of one type: `bind_any`, or one that is faster at the same."""
        return self.bind_any(source)

    def bind_any(self, source: Source) -> Add:
        """The function that adds events of one type, whatever their field holds.

        Args:
            source: the attribute's field; for `$time`, the microseconds if it keeps times.
        """
        raise NotImplementedError

    def merge(self, one: Any, other: Any) -> Any:
        """The state of the events of two states that have none in common; may change and give back either."""
        raise NotImplementedError

    def prune(self, state: Any, newest_us: int) -> Any:
        """The state without what no as-of time from `newest_us` on can count, keys sorted; None if empty.

        May change and give back the state.
        """
        raise NotImplementedError

    def read(self, state: Any, as_of_us: int) -> Any:
        """The attribute's value as of a time: a JSON value (numbers int or Decimal), None for none."""
        raise NotImplementedError

    def next_change_us(self, state: Any, as_of_us: int) -> int | None:
        """The next as-of time at which the value may change although no event comes; None for never."""
        raise NotImplementedError


def shown_times(value: Any) -> Any:
    """A time in microseconds, or a list of them, as text."""
    return [format_rfc3339(item) for item in value] if isinstance(value, list) else format_rfc3339(value)
