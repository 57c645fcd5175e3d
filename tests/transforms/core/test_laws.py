"""The laws, over any history of a person in any batches: told from what was sent, by rules of their own."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.action import Category
from schemas.timestamps import DAY_US, EPOCH, HOUR_US, MINUTE_US
from schemas.workspace import Workspace
from schemas.workspace.entries import EventEntry, Reentry
from schemas.workspace.policy import SOLICITING, Arbitration, Cap, Policy, QuietHours
from schemas.workspace.steps import Wait
from tests.fold_events import START_US, at, fold_event
from tests.journeys import JOURNEY, SEND, Person, after, with_journeys
from transforms.core.engine import Advanced
from transforms.core.shares import share_of

WINDOW_US = 5 * HOUR_US
ARBITRATION_US = 3 * HOUR_US
POLICY = Policy(
    caps=(Cap("all", 3, WINDOW_US), Cap("commercial", 2, WINDOW_US, category=Category.COMMERCIAL)),
    quiet_hours=(QuietHours(21 * 60, 8 * 60, True, SOLICITING),),
    arbitration=Arbitration(ARBITRATION_US, HOUR_US),
    control_percent=20,
)
TWICE = (SEND, Wait("1", 2 * HOUR_US), replace(SEND, path="2", name="again"))
JOURNEYS = (
    replace(JOURNEY, name="at_once", priority=10),
    replace(JOURNEY, name="waits", priority=90, steps=after(3 * HOUR_US), reentry=Reentry.RESTART),
    replace(JOURNEY, name="twice", category=Category.ADVISORY, entry=EventEntry(("login",)), steps=TWICE),
    replace(JOURNEY, name="law", category=Category.LEGAL, entry=EventEntry(("purchase",))),
)
MINUTES = st.integers(0, 3 * 24 * 60)
EVENTS: st.SearchStrategy[tuple[str, int, dict[str, Any]]] = st.one_of(
    st.tuples(st.just("cart_added"), MINUTES, st.just({"sku": "A", "price": 25.5})),
    st.tuples(st.just("login"), MINUTES, st.just({})),
    st.tuples(st.just("purchase"), MINUTES, st.just({"total": "1.00", "currency": "EUR"})),
    st.tuples(
        st.sampled_from(["consent.given", "consent.withdrawn"]),
        MINUTES,
        st.just({"category": "commercial"}),
    ),
)
BATCHES = st.lists(st.tuples(st.lists(EVENTS, max_size=5), st.integers(-60, 600)), min_size=1, max_size=12)
PERSONS = st.integers(0, 40).map("{:032x}".format)


def history(workspace: Workspace, person_id: str, batches: Sequence[Any]) -> tuple[Person, list[Advanced]]:
    """A person's batches, each as of a clock that goes on; then all waits end."""
    given_workspace = replace(with_journeys(workspace, *JOURNEYS), policy=POLICY)
    person = Person(given_workspace, person_id)
    clock_us = START_US
    made: list[Advanced] = []
    for number, (events, minutes) in enumerate(batches):
        clock_us += max(0, minutes) * MINUTE_US
        made.append(
            person.advance(
                [
                    fold_event(
                        person.plan,
                        kind,
                        dict(data),
                        at(minute),
                        event_id=f"e{number}.{index}",
                        person_id=person_id,
                    )
                    for index, (kind, minute, data) in enumerate(events)
                ],
                clock_us,
            )
        )
    made.append(person.advance([], START_US + 30 * DAY_US))
    return person, made


@settings(deadline=None, max_examples=300)
@given(person_id=PERSONS, batches=BATCHES)
def test_the_laws_hold_over_any_history(workspace: Workspace, person_id: str, batches: Sequence[Any]) -> None:
    _, made = history(workspace, person_id, batches)
    actions = [json.loads(action.body) for each in made for action in each.commit.outbox.actions]
    decisions = [decision for each in made for decision in each.commit.outbox.decisions]
    soliciting = [action for action in actions if action["category"] in ("commercial", "advisory")]
    commercial = [action for action in actions if action["category"] == "commercial"]
    if share_of(person_id, "control", (20,)) is not None:
        assert soliciting == [], "a hold-out received something"
    for action in soliciting:
        local = _time(action).astimezone(ZoneInfo("Europe/Berlin"))
        assert 8 <= local.hour < 21, "sent in quiet hours"
    assert _most_within(soliciting, WINDOW_US) <= 3, "a cap is exceeded"
    assert _most_within(commercial, WINDOW_US) <= 2, "a cap is exceeded"
    assert _most_within(commercial, ARBITRATION_US) <= 1, "two commercial messages in one window"
    assert len({action["action_id"] for action in actions}) == len(actions)
    assert {action["action_id"] for action in actions} == {
        decision.action_id for decision in decisions if decision.action_id is not None
    }


@settings(deadline=None, max_examples=200)
@given(person_id=PERSONS, batches=st.lists(st.tuples(EVENTS, st.integers(-60, 600)), max_size=30))
def test_nothing_commercial_is_sent_without_consent(
    workspace: Workspace, person_id: str, batches: Sequence[Any]
) -> None:
    single = [([event], minutes) for event, minutes in batches]
    _, made = history(workspace, person_id, single)
    for each in made:
        for outbound in each.commit.outbox.actions:
            action = json.loads(outbound.body)
            if action["category"] == "commercial":
                assert _consented(action, made, single), "sent without consent"


@settings(deadline=None)
@given(person_id=PERSONS, batches=BATCHES)
def test_committed_batches_executed_again_decide_the_same(
    workspace: Workspace, person_id: str, batches: Sequence[Any]
) -> None:
    _, first = history(workspace, person_id, batches)
    _, second = history(workspace, person_id, batches)
    assert [each.commit for each in first] == [each.commit for each in second]


def _time(action: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(action["decided_at"])


def _most_within(actions: Sequence[dict[str, Any]], window_us: int) -> int:
    """The most actions that any window of that length holds; it begins with one of them."""
    times = sorted(map(_time, actions))
    length = timedelta(microseconds=window_us)
    return max((sum(start <= time < start + length for time in times) for start in times), default=0)


def _consented(action: dict[str, Any], made: Sequence[Advanced], batches: Sequence[Any]) -> bool:
    """Whether the last statement that was known when an action was decided was a consent."""
    commit = next(
        number
        for number, each in enumerate(made)
        for other in each.commit.outbox.actions
        if other.action_id == action["action_id"]
    )
    said: list[tuple[int, str, bool]] = []
    for number, (events, _) in enumerate(batches[: commit + 1]):
        for index, (kind, minute, _) in enumerate(events):
            said_at = EPOCH + timedelta(microseconds=at(minute))
            # Of a batch of one event an action comes before it, if its wait was over by then.
            if kind.startswith("consent.") and (number < commit or said_at <= _time(action)):
                said.append((minute, f"e{number}.{index}", kind == "consent.given"))
    return bool(said) and max(said)[2]
