"""The fold: order-free, each event once, and what a naive reading of all events gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US, SECOND_US, format_rfc3339
from schemas.workspace import Workspace
from schemas.workspace.condition import Op, Subject, Test
from schemas.workspace.model import Aggregate, Attribute
from tests.fold_events import PERSON, START_US, at, fold_event
from tests.transforms.core.fold_oracle import Sample, oracle
from transforms.core.attribute_values import read_attribute, read_attributes
from transforms.core.fold import FoldOutcome, fold, is_late, prune
from transforms.core.fold_event import FoldEvent, order
from transforms.core.plan import Plan
from transforms.core.profile import Profile, decode_image, encode_image, facts
from transforms.core.refold import refold

LOOKBACKS = {"ever": None, "minutes": 30 * MINUTE_US, "hours": DAY_US, "days": 30 * DAY_US}
ONLY_LARGE = Test(Subject("field", "number"), Op.GE, 2)


def grid() -> Iterator[Attribute]:
    """Every aggregate x limit x lookback, over numbers, texts, arrays, the envelope and a condition."""
    for aggregate, (shown, lookback_us), limit in product(Aggregate, LOOKBACKS.items(), (None, 3)):
        for events, field, where in (
            (("*",), None, None),
            (("probe",), "number", None),
            (("probe",), "number", ONLY_LARGE),
            (("probe",), "tags", ONLY_LARGE),
            (("probe",), "label", None),
            (("purchase",), "lines.price", None),
            (("*",), "$time", None),
        ):
            counting = aggregate in (Aggregate.COUNT, Aggregate.SUM)
            summed = aggregate in (Aggregate.SUM, Aggregate.AVERAGE)
            if (field is None and not counting) or (summed and field in ("tags", "label", "$time")):
                continue
            name = "_".join(map(str, (aggregate, field, where is not None, limit, shown)))
            yield Attribute(name, events, field, aggregate, limit, lookback_us, where)
    for aggregate in (Aggregate.VALUE, Aggregate.FIRST):
        yield Attribute(f"{aggregate}_$id", ("probe", "login"), "$id", aggregate, 1, DAY_US, None)


@pytest.fixture(scope="module")
def plan(workspace: Workspace) -> Plan:
    """All attributes of the grid; lateness so great that no event of a test lies below the floor."""
    return Plan(replace(workspace, attributes=tuple(grid()), journeys=(), allowed_lateness_us=100 * DAY_US))


# Times that share buckets, and that lie on and beside the edges of buckets and lookbacks.
TIMES = st.builds(
    lambda base, jitter: START_US + base + jitter,
    st.sampled_from(
        [0, MINUTE_US, 30 * MINUTE_US, HOUR_US, DAY_US, 7 * DAY_US, 30 * DAY_US, 31 * DAY_US, -DAY_US]
    ),
    st.sampled_from([-1, 0, 1, SECOND_US, 59 * SECOND_US, MINUTE_US - 1, 5 * MINUTE_US]),
)
NUMBERS = st.sampled_from([0, -0.0, 0.1, 0.2, 1, 2, 2.5, 1e-10, 1.5e-9, -3.25, 1e15, 1e28, 1e29, -1e300])
PROBES = st.fixed_dictionaries(
    {
        "number": st.none() | NUMBERS,
        "label": st.none() | st.sampled_from(["", "a", "b", "ä", "1", "1.0"]),
        "tags": st.lists(st.sampled_from(["x", "y", "z"]), max_size=3),
    }
)
LINES = st.lists(
    st.fixed_dictionaries({"sku": st.sampled_from("AB"), "price": st.none() | NUMBERS}), max_size=3
)
PURCHASES = LINES.map(lambda lines: {"total": "1.00", "currency": "EUR", "lines": lines})
DATA = st.one_of(
    st.tuples(st.just("probe"), PROBES),
    st.tuples(st.just("purchase"), PURCHASES),
    st.tuples(st.just("login"), st.just({"device": None})),
)
IDENTITIES = st.lists(
    st.sampled_from(["cookie:a", "cookie:b", "email:a@b.de"]), min_size=1, max_size=2, unique=True
)
RAW = st.lists(
    st.tuples(DATA, TIMES, st.integers(0, 3), st.integers(0, 2 * HOUR_US), IDENTITIES), max_size=10
)
Raw = list[tuple[tuple[str, dict[str, Any]], int, int, int, list[str]]]


def samples_of(plan: Plan, raws: Raw) -> list[Sample]:
    return [Sample(plan, number, raw) for number, raw in enumerate(raws)]


def folded(plan: Plan, events: Iterable[FoldEvent]) -> Profile:
    profile = Profile(PERSON)
    for event in events:
        fold(profile, event, plan)
    prune(profile, plan)
    return profile


def reloaded(profile: Profile, plan: Plan) -> Profile:
    prune(profile, plan)
    return decode_image(encode_image(profile, 1, read_attributes(profile, plan.folds, profile.time_us)))


@settings(max_examples=120, deadline=None)
@given(RAW, st.randoms(use_true_random=False), st.data())
def test_any_order_and_any_copies_give_the_same_facts(
    plan: Plan, raws: Raw, random: Any, data: st.DataObject
) -> None:
    events = [sample.fold for sample in samples_of(plan, raws)]
    expected = facts(folded(plan, events))
    copies = data.draw(st.lists(st.sampled_from(events), max_size=5)) if events else []
    shuffled = [*events, *copies]
    random.shuffle(shuffled)
    assert facts(folded(plan, shuffled)) == expected
    # In batches, through the image, whose prunes come at other points.
    profile = Profile(PERSON)
    for event in shuffled:
        fold(profile, event, plan)
        if data.draw(st.booleans()):
            profile = reloaded(profile, plan)
    assert facts(reloaded(profile, plan)) == expected
    assert facts(refold(PERSON, shuffled, plan)) == expected


@settings(max_examples=120, deadline=None)
@given(RAW, st.sampled_from([0, 1, 29 * MINUTE_US, 30 * MINUTE_US, 31 * MINUTE_US, DAY_US, 30 * DAY_US]))
@example([(("probe", {"number": 1e28}), START_US, 0, 0, ["cookie:a"])] * 9, 0)
def test_values_are_those_of_a_naive_reading(plan: Plan, raws: Raw, ahead_us: int) -> None:
    samples = samples_of(plan, raws)
    profile = reloaded(folded(plan, [sample.fold for sample in samples]), plan)
    as_of_us = max((sample.time_us for sample in samples), default=START_US) + ahead_us
    found = read_attributes(profile, plan.folds, as_of_us)
    expected = {
        attribute.name: value
        for attribute in plan.workspace.attributes
        if (value := oracle(attribute, samples, as_of_us)) is not None
    }
    assert found == expected
    identities = {}
    for sample in sorted(samples, key=lambda sample: sample.time_us, reverse=True):
        for identity in sample.fold.identities:
            identities[identity] = sample.time_us
    assert profile.identities == identities


def test_the_grid_holds_every_aggregate_and_window(plan: Plan) -> None:
    names = " ".join(plan.folds)
    assert all(f"{aggregate}_" in names for aggregate in Aggregate)
    assert len(plan.folds) > 300


def test_progressive_profile(workspace: Workspace) -> None:
    """A profile grows row by row: the name, the items in the cart, the last calls, the activity."""
    plan = Plan(workspace)
    profile = Profile(PERSON)

    def happen(event_type: str, data: dict[str, Any], minute: int) -> dict[str, Any]:
        time_us = at(minute)
        event = fold_event(plan, event_type, data, time_us, event_id=f"{event_type}-{minute}")
        assert fold(profile, event, plan)[0] is FoldOutcome.FOLDED
        values = read_attributes(profile, plan.folds, time_us)
        assert values.pop("last_seen") == format_rfc3339(time_us)
        return values

    assert happen("login", {}, 0) == {"activity": 1}
    named = {"activity": 1, "name": "Ann"}
    assert happen("customer_registered", {"name": "Ann"}, 1) == named
    assert happen("cart_added", {"sku": "S1", "price": 1.0}, 2) == {**named, "items_in_cart": {"S1": 1}}
    assert happen("cart_added", {"sku": "S2", "price": 1.0}, 3)["items_in_cart"] == {"S1": 1, "S2": 1}
    assert happen("cart_added", {"sku": "S1", "price": 1.0}, 4)["items_in_cart"] == {"S1": 2, "S2": 1}
    for minute, reason in enumerate(("bill", "move", "bill", "move"), 5):
        happen("call_wrapped", {"reason": reason}, minute)
    assert happen("call_wrapped", {"reason": "fault"}, 9)["calls"] == ["fault", "move", "bill", "move"]
    assert happen("login", {}, 20)["activity"] == 2
    assert happen("customer_registered", {"name": "Anna"}, 21)["name"] == "Anna"
    week = read_attributes(profile, plan.folds, START_US + 7 * DAY_US + HOUR_US)
    assert "items_in_cart" not in week
    assert week["name"] == "Anna"


def test_sums_are_exact(workspace: Workspace) -> None:
    plan = Plan(workspace)
    profile = Profile(PERSON)
    for index in range(10):
        data = {"total": "0.10", "currency": "EUR" if index else "USD"}
        fold(profile, fold_event(plan, "purchase", data, event_id=f"e{index}"), plan)
    assert read_attributes(profile, plan.folds, START_US)["spend"] == Decimal("0.9")


def test_values_that_cannot_be_summed_are_counted(plan: Plan) -> None:
    profile = Profile(PERSON)
    outcome, refused = fold(profile, fold_event(plan, "probe", {"number": 1e29}), plan)
    summing = [
        attribute
        for attribute in plan.workspace.attributes
        if attribute.field == "number"
        and attribute.where is None
        and attribute.aggregate in (Aggregate.SUM, Aggregate.AVERAGE, Aggregate.MIN, Aggregate.MAX)
    ]
    assert (outcome, refused) == (FoldOutcome.FOLDED, len(summing))
    values = read_attributes(profile, plan.folds, START_US)
    assert not {attribute.name for attribute in summing} & values.keys()


def test_copy_is_a_duplicate_and_other_content_a_conflict(workspace: Workspace) -> None:
    plan = Plan(workspace)
    profile = Profile(PERSON)
    first = fold_event(plan, "customer_registered", {"name": "Ann"})
    later = fold_event(plan, "customer_registered", {"name": "Ann"}, publish_us=START_US + HOUR_US)
    other = fold_event(plan, "customer_registered", {"name": "Bob"})
    moved = fold_event(plan, "customer_registered", {"name": "Ann"}, START_US + 1)
    elsewhere = fold_event(plan, "customer_registered", {"name": "Cid"}, START_US + 1, source="/other")
    outcomes = [fold(profile, event, plan)[0] for event in (first, first, later, other, moved)]
    assert outcomes == [
        FoldOutcome.FOLDED,
        FoldOutcome.DUPLICATE,
        FoldOutcome.DUPLICATE,
        FoldOutcome.CONFLICT,
        FoldOutcome.CONFLICT,
    ]
    assert read_attributes(profile, plan.folds, START_US)["name"] == "Ann"
    assert fold(profile, elsewhere, plan)[0] is FoldOutcome.FOLDED


def test_fingerprints_outlive_the_image(workspace: Workspace) -> None:
    plan = Plan(workspace)
    event = fold_event(plan, "login", {}, START_US)
    profile = reloaded(folded(plan, [event]), plan)
    assert fold(profile, event, plan)[0] is FoldOutcome.DUPLICATE


def test_late_is_a_property_of_the_message(workspace: Workspace) -> None:
    plan = Plan(workspace)
    lateness_us = workspace.allowed_lateness_us
    assert not is_late(START_US, START_US + lateness_us, lateness_us)
    assert is_late(START_US, START_US + lateness_us + 1, lateness_us)
    for other in ([], [fold_event(plan, "login", {}, START_US + 5 * DAY_US, event_id="e2")]):
        profile = folded(plan, other)
        before = facts(profile)
        late = fold_event(plan, "login", {}, publish_us=START_US + lateness_us + 1)
        assert fold(profile, late, plan)[0] is FoldOutcome.LATE
        assert facts(profile) == before


def test_below_the_floor_nothing_is_folded(workspace: Workspace) -> None:
    plan = Plan(workspace)
    profile = Profile(PERSON)
    newest_us = START_US + 2 * workspace.allowed_lateness_us
    fold(profile, fold_event(plan, "login", {}, newest_us, event_id="newest"), plan)
    at_floor = fold_event(plan, "login", {}, START_US, event_id="at")
    below = fold_event(plan, "login", {}, START_US - 1, event_id="below")
    assert fold(profile, at_floor, plan)[0] is FoldOutcome.FOLDED
    prune(profile, plan)
    assert fold(profile, at_floor, plan)[0] is FoldOutcome.DUPLICATE
    before = facts(profile)
    assert fold(profile, below, plan)[0] is FoldOutcome.BELOW_FLOOR
    assert facts(profile) == before
    # A greater publish time raises the floor, and what lies below it is forgotten.
    fold(profile, fold_event(plan, "login", {}, newest_us, event_id="x", publish_us=newest_us + 1), plan)
    prune(profile, plan)
    assert at_floor.print64 not in profile.prints
    assert fold(profile, at_floor, plan)[0] is FoldOutcome.BELOW_FLOOR


def test_attribute_that_left_the_templates_leaves_the_profile(workspace: Workspace) -> None:
    plan = Plan(workspace)
    profile = folded(plan, [fold_event(plan, "login", {})])
    assert "activity" in profile.attributes
    fewer = Plan(replace(workspace, attributes=workspace.attributes[:1]))
    assert read_attributes(profile, fewer.folds, START_US) == {}
    prune(profile, fewer)
    assert profile.attributes == {}


def test_attribute_without_entries_has_no_value(workspace: Workspace) -> None:
    plan = Plan(workspace)
    assert read_attribute(Profile(PERSON), "activity", plan.folds, START_US) is None


@given(st.permutations(range(6)))
def test_events_are_ordered_by_time_then_id(plan: Plan, numbers: list[int]) -> None:
    events = [
        fold_event(plan, "login", {}, START_US + index // 2, event_id=f"e{index % 2}") for index in range(6)
    ]
    assert sorted((events[index] for index in numbers), key=order) == events


MIXED = (10, "10", 9, None)


@pytest.mark.parametrize("limit", [None, 3])
@given(numbers=st.permutations(range(len(MIXED))))
def test_numbers_and_texts_in_one_field_have_one_order(
    workspace: Workspace, limit: int | None, numbers: list[int]
) -> None:
    """Numbers by value, then texts; as keys they have one text."""
    aggregates = (Aggregate.MIN, Aggregate.MAX, Aggregate.DISTINCT, Aggregate.COUNT)
    attributes = tuple(
        Attribute(aggregate.value, ("probe",), "mixed", aggregate, limit, None, None)
        for aggregate in aggregates
    )
    plan = Plan(replace(workspace, attributes=attributes, journeys=()))
    events = [
        fold_event(plan, "probe", {"mixed": MIXED[index]}, START_US + index, event_id=f"e{index}")
        for index in numbers
    ]
    values = read_attributes(reloaded(folded(plan, events), plan), plan.folds, START_US + 9)
    assert values == {"min": 9, "max": "10", "distinct": 2, "count": {"10": 2, "9": 1}}
