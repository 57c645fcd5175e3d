"""Windows of attributes: buckets and their edges, limits, reading as of a time."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from schemas.duration import parse_duration
from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US, format_rfc3339
from schemas.workspace import Workspace
from schemas.workspace.model import Aggregate, Attribute
from tests.fold_events import PERSON, START_US, fold_event
from transforms.core.accumulators import to_key
from transforms.core.attribute_values import read_attribute
from transforms.core.attributes import Source, attribute_fold, bucket_width_us
from transforms.core.fold import fold, prune
from transforms.core.fold_event import FoldEvent
from transforms.core.plan import Plan
from transforms.core.profile import Profile


class Window:
    """One attribute of a profile that probes are folded into."""

    def __init__(self, workspace: Workspace, aggregate: Aggregate, **keys: Any) -> None:
        lookback = keys.get("lookback")
        attribute = Attribute(
            "it",
            ("probe",),
            keys.get("field"),
            aggregate,
            keys.get("limit"),
            parse_duration(lookback) if lookback else None,
            None,
        )
        self._plan = Plan(
            replace(workspace, attributes=(attribute,), journeys=(), allowed_lateness_us=400 * DAY_US)
        )
        self.profile = Profile(PERSON)
        self._number = 0

    def add(self, time_us: int, event_id: str | None = None, **data: Any) -> int:
        self._number += 1
        event = fold_event(self._plan, "probe", data, time_us, event_id=event_id or f"e{self._number}")
        return fold(self.profile, event, self._plan)[1]

    def at(self, as_of_us: int) -> Any:
        return read_attribute(self.profile, "it", self._plan.folds, as_of_us)

    def prune(self) -> None:
        prune(self.profile, self._plan)

    def state(self) -> Any:
        return self.profile.attributes.get("it")


@pytest.mark.parametrize(
    ("lookback", "width_us"),
    [
        ("1m", MINUTE_US),
        ("1h", MINUTE_US),
        ("1h1s", HOUR_US),
        ("7d", HOUR_US),
        ("7d1s", DAY_US),
        ("3650d", DAY_US),
    ],
)
def test_width_of_a_bucket_follows_the_lookback(lookback: str, width_us: int) -> None:
    assert bucket_width_us(parse_duration(lookback)) == width_us
    assert bucket_width_us(None) == 0


@pytest.mark.parametrize(("lookback", "width_us"), [("30m", MINUTE_US), ("2d", HOUR_US), ("10d", DAY_US)])
def test_a_bucket_counts_while_any_part_of_it_lies_within(
    workspace: Workspace, lookback: str, width_us: int
) -> None:
    window = Window(workspace, Aggregate.COUNT, lookback=lookback)
    edge_us = START_US - START_US % DAY_US
    window.add(edge_us)
    last_us = edge_us + width_us + parse_duration(lookback) - 1
    assert window.at(edge_us) == 1
    assert window.at(last_us) == 1
    assert window.at(last_us + 1) is None


def test_day_buckets_are_utc(workspace: Workspace) -> None:
    window = Window(workspace, Aggregate.COUNT, lookback="10d")
    midnight_us = START_US - START_US % DAY_US
    window.add(midnight_us - 1)
    window.add(midnight_us)
    assert window.state() == {midnight_us // DAY_US - 1: 1, midnight_us // DAY_US: 1}


def test_what_comes_after_the_time_of_reading_does_not_count(workspace: Workspace) -> None:
    for keys in ({"lookback": "1d"}, {"limit": 5}, {"limit": 5, "lookback": "1d"}):
        window = Window(workspace, Aggregate.COUNT, **keys)
        window.add(START_US)
        window.add(START_US + 2 * HOUR_US)
        assert (window.at(START_US), window.at(START_US + 2 * HOUR_US)) == (1, 2)
        assert window.at(START_US - HOUR_US) is None


def test_pruned_state_is_what_can_still_count(workspace: Workspace) -> None:
    window = Window(workspace, Aggregate.COUNT, lookback="30m")
    for minute in range(0, 120, 10):
        window.add(START_US + minute * MINUTE_US)
    before = window.at(START_US + 110 * MINUTE_US)
    window.prune()
    assert len(window.state()) == 4
    assert window.at(START_US + 110 * MINUTE_US) == before == 4


def test_entries_of_a_limit_count_to_the_microsecond(workspace: Workspace) -> None:
    window = Window(workspace, Aggregate.COUNT, limit=5, lookback="30m")
    window.add(START_US)
    window.add(START_US + 1)
    window.add(START_US + 30 * MINUTE_US)
    assert window.at(START_US + 30 * MINUTE_US - 1) == 2
    assert window.at(START_US + 30 * MINUTE_US) == 2
    window.prune()
    assert [entry[0] for entry in window.state()] == [START_US + 30 * MINUTE_US, START_US + 1]


def test_state_of_nothing_is_gone(workspace: Workspace) -> None:
    window = Window(workspace, Aggregate.VALUE, field="label", lookback="30m")
    window.add(START_US, label="a")
    window.add(START_US + HOUR_US)
    assert window.at(START_US + HOUR_US) is None
    window.prune()
    assert window.state() is None


def test_limit_keeps_the_newest_by_time_then_id(workspace: Workspace) -> None:
    window = Window(workspace, Aggregate.VALUE, field="label", limit=3)
    for event_id, label in (("b", "second"), ("a", "first"), ("c", "third")):
        window.add(START_US, event_id, label=label)
    window.add(START_US - 1, "z", label="older")
    assert window.at(START_US) == ["third", "second", "first"]
    window.add(START_US + 1, "a0", label="newest")
    assert window.at(START_US + 1) == ["newest", "third", "second"]


@pytest.mark.parametrize(
    ("aggregate", "value"),
    [
        (Aggregate.VALUE, ["c", "b", "a"]),
        (Aggregate.COUNT, {"a": 1, "b": 1, "c": 1}),
        (Aggregate.DISTINCT, 3),
        (Aggregate.FIRST, "a"),
        (Aggregate.LAST, "c"),
        (Aggregate.MIN, "a"),
        (Aggregate.MAX, "c"),
    ],
)
def test_elements_of_an_array_are_entries_in_its_order(
    workspace: Workspace, aggregate: Aggregate, value: Any
) -> None:
    window = Window(workspace, aggregate, field="tags", limit=3)
    window.add(START_US, tags=["0", "a", "b", "c"])
    assert window.at(START_US) == value


def test_average_is_rounded_half_even_to_nine_places(workspace: Workspace) -> None:
    for keys in ({}, {"limit": 5}, {"lookback": "1d"}):
        window = Window(workspace, Aggregate.AVERAGE, field="number", **keys)
        for number in (1, 0, 0):
            window.add(START_US, number=number)
        assert window.at(START_US) == Decimal("0.333333333")
        window.add(START_US, number=0.999999999)
        assert window.at(START_US) == Decimal("0.5")


def test_counts_by_number_have_one_key_for_a_number(workspace: Workspace) -> None:
    window = Window(workspace, Aggregate.COUNT, field="number")
    for number in (1, 1.0, 100, 0.5, -0.0):
        window.add(START_US, number=number)
    assert window.at(START_US) == {"0": 1, "0.5": 1, "1": 2, "100": 1}


def test_counts_by_time_have_its_text(workspace: Workspace) -> None:
    for limit in (None, 5):
        window = Window(workspace, Aggregate.COUNT, field="$time", limit=limit)
        window.add(START_US)
        window.add(START_US)
        assert window.at(START_US) == {format_rfc3339(START_US): 2}


@pytest.mark.parametrize("limit", [None, 2])
@pytest.mark.parametrize("aggregate", [Aggregate.SUM, Aggregate.AVERAGE, Aggregate.MIN, Aggregate.MAX])
def test_numbers_out_of_range_are_refused_and_counted(
    workspace: Workspace, aggregate: Aggregate, limit: int | None
) -> None:
    window = Window(workspace, aggregate, field="number", limit=limit)
    assert [window.add(START_US, number=number) for number in (1e29, -1e300, 2.0, None)] == [1, 1, 0, 0]
    assert window.at(START_US) == 2


def test_sum_without_a_field_counts_each_event_as_one(workspace: Workspace) -> None:
    for keys in ({}, {"limit": 2}, {"lookback": "1h"}):
        window = Window(workspace, Aggregate.SUM, **keys)
        for _ in range(3):
            window.add(START_US)
        assert window.at(START_US) == (2 if "limit" in keys else 3)


@pytest.mark.parametrize(
    ("value", "numeric", "key"),
    [
        (True, False, "true"),
        (False, False, "false"),
        ("a", False, "a"),
        (1, False, "1"),
        ("1.50", True, "1.5"),
    ],
)
def test_keys_are_texts(value: Any, numeric: bool, key: str) -> None:
    assert to_key(value, numeric) == key


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize(
    "aggregate",
    [
        Aggregate.VALUE,
        Aggregate.FIRST,
        Aggregate.LAST,
        Aggregate.DISTINCT,
        Aggregate.COUNT,
        Aggregate.SUM,
        Aggregate.MIN,
    ],
)
def test_what_is_not_finite_is_refused(aggregate: Aggregate, value: float) -> None:
    for limit in (None, 3):
        attribute = Attribute("a", ("probe",), "number", aggregate, limit, None, None)
        held: dict[str, Any] = {}
        add = attribute_fold(attribute, numeric=True).bind(Source(lambda event: event.values[0], 0))
        event = FoldEvent("p", 0, "e", 1, 0, "probe", "/s", 1, (), (value,))
        assert add(held, event) == 1
        assert held == {}
