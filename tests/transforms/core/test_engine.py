"""The engine: what it returns follows from what it is given, and nothing is lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.decision import Decision, Outcome, Reason
from schemas.store import Commit, Head
from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US
from schemas.workspace import Workspace
from schemas.workspace.condition import Op, Subject, Test
from schemas.workspace.entries import EventEntry, Reentry
from schemas.workspace.model import Aggregate, Attribute
from schemas.workspace.steps import AttributeSource, DataSource, FieldSource
from tests.fold_events import PERSON, START_US, at, fold_event
from tests.journeys import EMPTY, JOURNEY, SEND, Person, after, by_person, exits, reasons, with_journeys
from transforms.core.attribute_values import read_attributes
from transforms.core.decide import next_deadline
from transforms.core.engine import Engine
from transforms.core.fold import FoldOutcome
from transforms.core.fold_event import FoldEvent
from transforms.core.profile import MAX_IMAGE_BYTES, decode_image, facts
from transforms.core.refold import refold

PERSONS = ["0" * 31 + digit for digit in "123"]
DATA: dict[str, DataSource] = {
    "name": AttributeSource("name"),
    "cart": AttributeSource("items_in_cart"),
    "sku": FieldSource("sku"),
}
JOURNEYS = (
    replace(JOURNEY, name="at_once", cooldown_us=2 * HOUR_US, steps=(replace(SEND, data=DATA),)),
    replace(
        JOURNEY,
        name="kept",
        steps=after(HOUR_US, replace(SEND, channels=("email",))),
        exits=exits("purchase"),
    ),
    replace(JOURNEY, name="restarted", steps=after(30 * MINUTE_US), reentry=Reentry.RESTART),
    replace(
        JOURNEY,
        name="welcome",
        entry=EventEntry(("login", "customer_registered")),
        condition=Test(Subject("attribute", "activity"), Op.GE, 2),
    ),
)


@pytest.fixture(scope="module")
def workspace(shop: Workspace) -> Workspace:
    return with_journeys(shop, *JOURNEYS)


@pytest.fixture(scope="module")
def engine(workspace: Workspace) -> Engine:
    return Engine(workspace)


TYPES: list[tuple[str, dict[str, Any]]] = [
    ("cart_added", {"sku": "A", "price": 1.0}),
    ("cart_added", {"sku": "B", "price": 30.0}),
    ("login", {}),
    ("purchase", {"total": "9.99", "currency": "EUR"}),
    ("customer_registered", {"name": "Ann"}),
]
RAW = st.lists(
    st.tuples(
        st.sampled_from(TYPES),
        st.integers(0, 24).map(lambda tens: START_US + tens * 10 * MINUTE_US),
        st.sampled_from(PERSONS),
        st.sampled_from([("cookie:c",), ("email:a@b.de",), ("cookie:c", "email:z@b.de")]),
    ),
    max_size=14,
)
END_US = START_US + DAY_US


def events_of(engine: Engine, raws: Sequence[Any]) -> list[FoldEvent]:
    return [
        fold_event(
            engine.plan,
            event_type,
            data,
            time_us,
            event_id=f"e{number:02d}",
            person_id=person_id,
            identities=identities,
        )
        for number, ((event_type, data), time_us, person_id, identities) in enumerate(raws)
    ]


def advance(engine: Engine, events: Sequence[FoldEvent], as_of_us: int = END_US) -> Commit:
    return engine.advance(0, EMPTY, {}, by_person(events), as_of_us).commit


def told(decisions: Sequence[Decision]) -> list[bytes]:
    """Decisions without the sequence of the commit that they were made in."""
    return [msgspec.json.encode(msgspec.structs.replace(decision, sequence=0)) for decision in decisions]


def sent(commits: Sequence[Commit]) -> list[dict[str, Any]]:
    """Actions without that sequence."""
    actions = [json.loads(action.body) for commit in commits for action in commit.outbox.actions]
    return sorted(
        ({**action, "sequence": 0} for action in actions), key=lambda action: str(action["action_id"])
    )


@settings(max_examples=50, deadline=None)
@given(RAW, st.randoms(use_true_random=False))
def test_the_same_batch_in_any_order_is_the_same_commit(engine: Engine, raws: Any, random: Any) -> None:
    events = events_of(engine, raws)
    copies = [*events, *events[:3]]
    expected = advance(engine, copies)
    random.shuffle(copies)
    batch = dict(reversed(list(by_person(copies).items())))
    again = engine.advance(0, EMPTY, {}, batch, END_US)
    assert again.commit == expected
    assert msgspec.json.encode(again.commit) == msgspec.json.encode(expected)
    assert sum(again.outcomes.values()) + again.overflown == len(copies)


@settings(max_examples=50, deadline=None)
@given(RAW, st.data())
def test_persons_in_other_batches_get_the_same_actions(
    engine: Engine, raws: Any, data: st.DataObject
) -> None:
    events = events_of(engine, raws)
    whole = advance(engine, events)
    batch_of = {person_id: data.draw(st.integers(0, 2)) for person_id in PERSONS}
    commits = [
        advance(engine, [event for event in events if batch_of[event.person_id] == number])
        for number in range(3)
    ]
    assert sent(commits) == sent([whole])
    images = {person_id: image for commit in commits for person_id, image in commit.images.items()}
    assert images == whole.images
    split = [decision for commit in commits for decision in commit.outbox.decisions]
    assert sorted(told(split)) == sorted(told(whole.outbox.decisions))


@settings(max_examples=50, deadline=None)
@given(RAW, st.lists(st.integers(0, 24), max_size=3))
def test_batches_cut_by_time_decide_the_same(
    workspace: Workspace, engine: Engine, raws: Any, cuts: Any
) -> None:
    """A clock that stands between two batches ends the waits that would have ended between their events."""
    events = [msgspec.structs.replace(event, person_id=PERSON) for event in events_of(engine, raws)]
    someone, together = Person(workspace), Person(workspace)
    decisions: list[Decision] = []
    start_us = 0
    for cut in [*sorted(cuts), 24 * 60]:
        end_us = START_US + cut * 10 * MINUTE_US
        part = [event for event in events if start_us <= event.time_us < end_us]
        decisions += someone.decide(*part, as_of_us=end_us - 1)
        start_us = end_us
    expected = together.decide(*events, as_of_us=END_US)
    assert told(decisions) == told(expected)
    rows = [person.image() for person in (someone, together)]
    for row in rows:
        del row["sequence"]
    assert rows[0] == rows[1]


@settings(max_examples=30, deadline=None)
@given(RAW)
def test_images_decode_to_the_profile_that_the_events_make(engine: Engine, raws: Any) -> None:
    events = events_of(engine, raws)
    commit = advance(engine, events)
    assert commit.images.keys() == commit.deadlines.keys() == by_person(events).keys()
    for person_id, own in by_person(events).items():
        profile = decode_image(commit.images[person_id])
        assert facts(profile) == facts(refold(person_id, own, engine.plan))
        row = json.loads(commit.images[person_id])
        expected = read_attributes(profile, engine.plan.folds, profile.time_us)
        assert row["values"] == {name: _json(value) for name, value in expected.items()}
        assert row["sequence"] == commit.sequence
        assert commit.deadlines[person_id] == next_deadline(profile) is None


def _json(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value)) if not hasattr(value, "adjusted") else float(value)


def test_serial_execution_again_gives_the_same_decisions(workspace: Workspace, engine: Engine) -> None:
    raws = [
        (TYPES[number % 5], START_US + number * 20 * MINUTE_US, PERSON, ("cookie:c",)) for number in range(12)
    ]
    events = events_of(engine, raws)
    runs = []
    for _ in range(2):
        someone = Person(workspace)
        runs.append(
            [someone.advance(events[at : at + 4], events[at + 3].time_us).commit for at in range(0, 12, 4)]
        )
    assert runs[0] == runs[1]
    assert {decision.outcome for commit in runs[0] for decision in commit.outbox.decisions} == {
        Outcome.SENT,
        Outcome.SUPPRESSED,
    }


def test_sequence_is_the_clock_in_milliseconds_and_always_rises(engine: Engine) -> None:
    assert advance(engine, [], 5_000_999).sequence == 5_000
    ahead = engine.advance(0, Head(7_000, "t", None), {}, {}, 5_000_999).commit
    assert (ahead.sequence, ahead.expected_token) == (7_001, "t")


def test_token_names_the_batch_and_what_it_stands_on(engine: Engine) -> None:
    login = fold_event(engine.plan, "login", {}, event_id="a")
    other = fold_event(engine.plan, "login", {}, event_id="b")
    tokens = [
        engine.advance(0, head, {}, by_person(events), as_of_us).commit.token
        for head, events, as_of_us in (
            (EMPTY, [login], END_US),
            (EMPTY, [other], END_US),
            (EMPTY, [login, other], END_US),
            (EMPTY, [], END_US),
            (EMPTY, [login], END_US + 1),
            (Head(0, "t", None), [login], END_US),
            (Head(10**15, "t", None), [login], END_US),
            (EMPTY, [msgspec.structs.replace(login, publish_us=login.publish_us + 1)], END_US),
            (EMPTY, [msgspec.structs.replace(login, content32=login.content32 ^ 1)], END_US),
        )
    ]
    assert len(set(tokens)) == len(tokens)
    assert all(tokens)


def test_outcomes_are_counted(workspace: Workspace) -> None:
    someone = Person(workspace)
    lateness_us = workspace.allowed_lateness_us
    plan = someone.plan
    someone.decide(fold_event(plan, "login", {}, START_US + 3 * lateness_us, event_id="newest"))
    advanced = someone.advance(
        [
            fold_event(plan, "login", {}, START_US, event_id="below"),
            fold_event(plan, "login", {}, START_US, event_id="late", publish_us=START_US + lateness_us + 1),
            fold_event(plan, "login", {}, START_US + 3 * lateness_us, event_id="newest"),
            fold_event(plan, "login", {"device": "x"}, START_US + 3 * lateness_us, event_id="newest"),
            fold_event(plan, "login", {}, START_US + 2 * lateness_us, event_id="new"),
        ],
        END_US,
    )
    assert advanced.outcomes == {
        FoldOutcome.FOLDED: 1,
        FoldOutcome.DUPLICATE: 1,
        FoldOutcome.CONFLICT: 1,
        FoldOutcome.BELOW_FLOOR: 1,
        FoldOutcome.LATE: 1,
    }


def test_next_deadline_is_that_of_the_earliest_wait(workspace: Workspace) -> None:
    someone = Person(workspace)
    event = fold_event(someone.plan, "cart_added", {"sku": "A", "price": 1.0})
    advanced = someone.advance([event], START_US)
    assert advanced.commit.deadlines == {PERSON: at(30)}
    assert next_deadline(decode_image(someone.images[PERSON])) == at(30)
    advanced = someone.advance([], at(30))
    assert advanced.commit.deadlines == {PERSON: START_US + HOUR_US}


def large(workspace: Workspace) -> Workspace:
    """A workspace whose profiles keep whatever text they are given."""
    everything = Attribute("labels", ("probe",), "label", Aggregate.VALUE, 10_000, None, None)
    return replace(workspace, attributes=(*workspace.attributes, everything))


def probes(person: Person, numbers: range, size: int = 1_000) -> list[FoldEvent]:
    return [
        fold_event(person.plan, "probe", {"label": "x" * size}, START_US + number, event_id=f"p{number:05d}")
        for number in numbers
    ]


def test_events_over_the_limit_are_refused_one_by_one(workspace: Workspace) -> None:
    someone = Person(large(workspace))
    someone.advance(probes(someone, range(70)), END_US)
    assert len(someone.images[PERSON]) > MAX_IMAGE_BYTES
    before = facts(decode_image(someone.images[PERSON]))
    cart = fold_event(someone.plan, "cart_added", {"sku": "A", "price": 1.0}, START_US + 99, event_id="cart")
    events = [*probes(someone, range(70, 80)), cart]
    advanced = someone.advance(events, END_US)
    assert (advanced.overflown, sum(advanced.outcomes.values())) == (11, 0)
    decisions = advanced.commit.outbox.decisions
    assert reasons(decisions) == [("suppressed", "profile_overflow", None)] * 11
    assert [decision.cause.event_id for decision in decisions] == [event.event_id for event in events]
    assert len({decision.decision_id for decision in decisions}) == 11
    assert decisions[0].evidence == {"event_type": "probe"}
    assert facts(decode_image(someone.images[PERSON])) == before


def test_a_full_profile_stays_full_within_a_batch(workspace: Workspace) -> None:
    someone = Person(large(workspace))
    someone.advance(probes(someone, range(66)), END_US)
    assert len(someone.images[PERSON]) > MAX_IMAGE_BYTES
    advanced = someone.advance(probes(someone, range(100, 700)), END_US)
    assert advanced.overflown == 600


def test_nothing_of_a_great_batch_is_dropped_silently(workspace: Workspace) -> None:
    someone = Person(large(workspace))
    events = probes(someone, range(1_000))
    advanced = someone.advance(events, END_US)
    folded = advanced.outcomes[FoldOutcome.FOLDED]
    assert folded + advanced.overflown == 1_000
    assert 0 < folded < 600
    refused = Counter(decision.reason for decision in advanced.commit.outbox.decisions)
    assert refused == {Reason.PROFILE_OVERFLOW: advanced.overflown}
    assert someone.image()["time_us"] == START_US + folded - 1


def test_waits_of_a_full_profile_still_end(workspace: Workspace) -> None:
    someone = Person(large(workspace))
    cart = fold_event(
        someone.plan, "cart_added", {"sku": "A", "price": 1.0}, START_US - MINUTE_US, event_id="cart"
    )
    someone.advance([cart, *probes(someone, range(70))], START_US)
    assert len(someone.images[PERSON]) > MAX_IMAGE_BYTES
    decisions = someone.decide(as_of_us=END_US)
    assert [decision.journey for decision in decisions] == ["restarted", "kept"]
