"""Merge: an algebra whose facts are the fold's, and caps that hold from the merge on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.action import Category
from schemas.timestamps import DAY_US
from schemas.workspace import Workspace
from schemas.workspace.entries import Reentry
from schemas.workspace.model import Aggregate, Attribute
from schemas.workspace.policy import Cap, ConsentRule, Policy
from tests.fold_events import START_US, at, fold_event
from tests.journeys import JOURNEY, SENT, Person, event, reasons, with_journeys
from transforms.core.attribute_values import read_attributes
from transforms.core.fold import fold, prune
from transforms.core.fold_event import FoldEvent
from transforms.core.merge import merge
from transforms.core.plan import Plan
from transforms.core.profile import (
    NEVER_US,
    Contact,
    Profile,
    Run,
    Watch,
    Written,
    decode_image,
    encode_image,
    facts,
)

PEOPLE = ("1" * 32, "2" * 32, "3" * 32)
KINDS = ("consent.given", "consent.withdrawn", "action.opened", "action.clicked", "purchase", "cart_added")
DATA: dict[str, list[dict[str, Any]]] = {
    "consent.given": [{"category": "commercial"}, {"category": "advisory"}],
    "consent.withdrawn": [{"category": "commercial"}],
    "action.opened": [{"action_id": "x"}, {"action_id": "y"}],
    "action.clicked": [{"action_id": "x"}],
    "purchase": [
        {"total": "1.00", "currency": "EUR", "lines": [{"sku": sku, "price": price}]}
        for sku, price in (("A", 0.1), ("B", 0.2), ("A", 3))
    ],
    "cart_added": [{"sku": "A", "price": 25.5}, {"sku": "B", "price": 0.1}],
}
IDENTITIES = ("customer:7", "email:a@b.de", "cookie:a", "cookie:b")


def attributes() -> tuple[Attribute, ...]:
    """Every aggregate, with and without a limit, over two lookbacks."""
    return (
        Attribute("events", ("*",), None, Aggregate.COUNT, None, 7 * DAY_US, None),
        *(
            Attribute(f"{how}{limit}{lookback}", ("purchase",), "lines.price", how, limit, lookback, None)
            for how in Aggregate
            for limit in (None, 2)
            for lookback in (None, 2 * DAY_US)
        ),
    )


@pytest.fixture(scope="module")
def plan(workspace: Workspace) -> Plan:
    return Plan(replace(workspace, attributes=attributes(), journeys=(), allowed_lateness_us=100 * DAY_US))


MINUTES = st.integers(0, 6 * 24 * 60)
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from(KINDS), st.integers(0, 5), MINUTES, st.sampled_from(IDENTITIES)
    ),
    max_size=12,
)
TIMES = st.integers(0, 3)
NAMES = st.sampled_from("ab")
RUNS = st.builds(
    Run,
    st.integers(1, 2),
    NAMES,
    TIMES,
    st.tuples(NAMES, NAMES, NAMES, TIMES),
    st.dictionaries(NAMES, st.lists(st.integers(0, 1), max_size=1), max_size=1),
    st.none() | TIMES,
    st.booleans(),
    st.none() | NAMES,
)
JOURNEYS = st.fixed_dictionaries(
    {
        "conversions": st.dictionaries(NAMES, TIMES),
        "runs": st.dictionaries(NAMES, RUNS),
        "written": st.dictionaries(NAMES, st.builds(Written, TIMES, st.none() | st.integers(0, 2) | NAMES)),
        "entered": st.dictionaries(NAMES, TIMES),
        "watches": st.dictionaries(NAMES, st.builds(Watch, st.booleans(), st.none() | TIMES)),
        "overflown": st.booleans(),
    }
)
CONTACTS = st.lists(st.tuples(TIMES, st.booleans()), max_size=3)


def events_of(plan: Plan, raws: list[Any]) -> list[list[FoldEvent]]:
    """What each of three people did."""
    each: list[list[FoldEvent]] = [[], [], []]
    for number, (person, kind, which, minute, identity) in enumerate(raws):
        each[person].append(
            fold_event(
                plan,
                kind,
                DATA[kind][which % len(DATA[kind])],
                at(minute),
                event_id=f"e{number}",
                person_id=PEOPLE[person],
                identities=(identity,),
            )
        )
    return each


def folded(plan: Plan, person_id: str, events: list[FoldEvent]) -> Profile:
    profile = Profile(person_id)
    for happened in events:
        fold(profile, happened, plan)
    prune(profile, plan)
    return profile


def image(profile: Profile, plan: Plan) -> bytes:
    return encode_image(profile, 1, read_attributes(profile, plan.folds, profile.time_us))


def own(profile: Profile, plan: Plan) -> Profile:
    """A copy, since a merge may change what it is given."""
    copy = decode_image(image(profile, plan))
    copy.overflown = profile.overflown
    return copy


def merged(one: Profile, other: Profile, plan: Plan) -> Profile:
    return merge(own(one, plan), own(other, plan), plan)


@settings(max_examples=150, deadline=None)
@given(EVENTS, st.lists(st.tuples(JOURNEYS, CONTACTS), min_size=3, max_size=3))
def test_merging_is_commutative_and_associative(plan: Plan, raws: list[Any], more: list[Any]) -> None:
    people = []
    for person_id, events, (state, contacts) in zip(PEOPLE, events_of(plan, raws), more, strict=True):
        profile = folded(plan, person_id, events)
        for name, value in state.items():
            setattr(profile, name, value)
        profile.contacts = [
            Contact(time_us, f"{person_id[0]}{number}", "j", "s", "web", "commercial", held)
            for number, (time_us, held) in enumerate(sorted(contacts))
        ]
        prune(profile, plan)
        people.append(profile)
    one, two, three = people
    expected = merged(merged(one, two, plan), three, plan)
    for other in (
        merged(one, merged(two, three, plan), plan),
        merged(three, merged(two, one, plan), plan),
        merged(merged(three, one, plan), two, plan),
    ):
        assert image(other, plan) == image(expected, plan)
        assert other.overflown == expected.overflown
    assert [contact.action_id for contact in expected.contacts] == [
        contact.action_id
        for contact in sorted(
            one.contacts + two.contacts + three.contacts, key=lambda item: (item.time_us, item.action_id)
        )
    ]


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_the_facts_of_a_merge_are_those_of_all_events_folded_into_one(plan: Plan, raws: list[Any]) -> None:
    each = events_of(plan, raws)
    one, two, three = (
        folded(plan, person_id, events) for person_id, events in zip(PEOPLE, each, strict=True)
    )
    both = merged(merged(one, two, plan), three, plan)
    whole = folded(plan, both.person_id, [happened for events in each for happened in events])
    assert facts(both) == facts(whole)
    assert (both.prints, both.time_us, both.publish_us) == (whole.prints, whole.time_us, whole.publish_us)


def test_the_person_of_the_better_namespace_survives_then_the_lesser_id(plan: Plan) -> None:
    cookie = Profile(PEOPLE[0], identities={"cookie:a": 1})
    customer = Profile(PEOPLE[2], identities={"cookie:b": 1, "customer:7": 2})
    other = Profile(PEOPLE[1], identities={"customer:8": 2})
    nobody = Profile("0" * 32)
    assert merged(cookie, customer, plan).person_id == customer.person_id
    assert merged(customer, other, plan).person_id == other.person_id
    assert merged(nobody, cookie, plan).person_id == cookie.person_id


def test_the_run_that_has_sent_something_goes_on(plan: Plan) -> None:
    early = Run(1, "0", 9, ("e1", "s", "t", 1), {})
    late = Run(1, "1", 7, ("e2", "s", "t", 2), {}, sent=True)
    later = Run(1, "1", 5, ("e3", "s", "t", 3), {})
    for one, other, expected in ((early, late, late), (early, later, early), (late, later, late)):
        people = Profile(PEOPLE[0], runs={"j": one}), Profile(PEOPLE[1], runs={"j": other})
        assert merged(*people, plan).runs == {"j": expected}


def test_what_is_below_the_merged_floor_and_out_of_the_lookback_goes(workspace: Workspace) -> None:
    plan = Plan(replace(workspace, attributes=attributes(), journeys=()))
    old = folded(plan, PEOPLE[0], [fold_event(plan, "purchase", DATA["purchase"][0])])
    new_us = START_US + 30 * DAY_US
    new = folded(plan, PEOPLE[1], [fold_event(plan, "purchase", DATA["purchase"][1], new_us, event_id="e2")])
    both = merged(old, new, plan)
    assert (len(old.prints), len(both.prints), both.time_us) == (1, 1, new_us)
    assert read_attributes(both, plan.folds, new_us)["events"] == 1
    assert merged(old, Profile(PEOPLE[1]), plan).time_us > NEVER_US


def test_what_a_journey_took_away_does_not_come_back(plan: Plan) -> None:
    one, other = Profile(PEOPLE[0]), Profile(PEOPLE[1])
    one.written = {"stage": Written(2, None), "tier": Written(1, None)}
    other.written = {"stage": Written(1, "gold"), "tier": Written(2, "gold")}
    assert read_attributes(merged(one, other, plan), plan.folds, 0) == {"tier": "gold"}


@pytest.mark.parametrize(
    ("rules", "caps", "reason"),
    [
        ({"cooldown_us": None}, (Cap("weekly", 2, 7 * DAY_US),), "cap"),
        ({"cooldown_us": DAY_US}, (), "cooldown"),
        ({"reentry": Reentry.ONCE}, (), "entered_before"),
    ],
)
def test_what_was_sent_to_either_counts_from_the_merge_on(
    workspace: Workspace, rules: dict[str, Any], caps: tuple[Cap, ...], reason: str
) -> None:
    journey = replace(JOURNEY, **rules)
    given = with_journeys(workspace, journey)
    policy = Policy(consents=dict.fromkeys(Category, ConsentRule.NOT_NEEDED), caps=caps)
    given = replace(given, policy=policy)

    def person(number: int) -> Person:
        someone = Person(given, PEOPLE[number])
        assert reasons(someone.decide(event(someone, "cart_added", number))) == [SENT]
        return someone

    one, two = person(0), person(1)
    both = merge(decode_image(one.images[one.person_id]), decode_image(two.images[two.person_id]), one.plan)
    one.images = {both.person_id: image(both, one.plan)}
    one.person_id = both.person_id
    [decision] = one.decide(event(one, "cart_added", 2))
    assert decision.reason.value == reason
