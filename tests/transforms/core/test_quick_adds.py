"""The functions that add events fast: they leave what the plain ones leave."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US
from schemas.workspace.model import Aggregate, Attribute
from tests.fold_events import PERSON, START_US
from transforms.core.attributes import TIME_FIELD, AttributeFold, Source, attribute_fold
from transforms.core.fold_event import FoldEvent

COUNTING = (Aggregate.COUNT, Aggregate.SUM)
FIELD = Source(lambda event: event.values[0], 0)
TIME = Source(lambda event: event.time_us)


def folds() -> Iterator[tuple[AttributeFold, Source]]:
    """Every aggregate x limit x window, over a field, the time and the event itself."""
    windows = (None, 30 * MINUTE_US, DAY_US, 30 * DAY_US)
    for aggregate, limit, lookback_us, numeric in product(Aggregate, (None, 1, 3), windows, (True, False)):
        for field in ("it", TIME_FIELD, None):
            attribute = Attribute("it", ("probe",), field, aggregate, limit, lookback_us, None)
            if (field is None and aggregate not in COUNTING) or (field == TIME_FIELD and numeric):
                continue
            yield attribute_fold(attribute, numeric), FIELD if field == "it" else TIME


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.sampled_from(["", "a", "b", "1", "1.50", "12.125", "nan"]),
)
EVENTS = st.lists(
    st.builds(
        FoldEvent,
        st.just(PERSON),
        st.sampled_from([0, 1, MINUTE_US, HOUR_US, DAY_US, -DAY_US]).map(lambda after: START_US + after),
        st.sampled_from("abc"),
        st.integers(1, 3),
        st.just(START_US),
        st.just("probe"),
        st.just("/test"),
        st.just(1),
        st.just(()),
        st.tuples(SCALARS | st.lists(SCALARS, max_size=3)),
    ),
    max_size=8,
)


def added(add: Any, events: list[FoldEvent]) -> tuple[str, list[int]]:
    states: dict[str, Any] = {}
    refused = [add(states, event) for event in events]
    # As text, because NaN is not itself, and 1 is True.
    return repr(states), refused


FOLDS = list(folds())


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_quick_ways_leave_what_the_plain_ones_leave(events: list[FoldEvent]) -> None:
    for fold, source in FOLDS:
        expected = added(fold.bind_any(source), events)
        assert added(fold.bind(source), events) == expected
