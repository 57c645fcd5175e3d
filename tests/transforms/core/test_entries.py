"""What starts a run: events with keys, conditions that come to hold, schedules; and who may enter again."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from schemas.timestamps import DAY_US, HOUR_US
from schemas.workspace import Workspace
from schemas.workspace.condition import All, Not, Op, Subject, Test
from schemas.workspace.entries import (
    ConditionEntry,
    Entry,
    EventEntry,
    ExitEvent,
    Reentry,
    ScheduleEntry,
)
from schemas.workspace.steps import Step
from tests.fold_events import START_US, at, fold_event
from tests.journeys import JOURNEY, SEND, SENT, Person, actions_of, after, event, reasons, with_journeys
from transforms.core.run_keys import key_of

KEYED = EventEntry(("probe",), None, "label")
SPENT = Test(Subject("attribute", "spend"), Op.GE, 100)
SILENT = Not(Test(Subject("attribute", "last_seen"), Op.WITHIN, 30 * DAY_US))
BUSY = Test(Subject("attribute", "activity"), Op.GE, 2)
AT_ONCE = (SEND,)


def person(workspace: Workspace, entry: Entry, steps: tuple[Step, ...] = AT_ONCE, **keys: Any) -> Person:
    return Person(with_journeys(workspace, replace(JOURNEY, entry=entry, steps=steps, **keys)))


@pytest.mark.parametrize(
    ("values", "key"),
    [
        ([100], "100"),
        (["100"], "100"),
        ([" 100 "], "100"),
        ([100.0], "100"),
        ([Decimal("100.50")], "100.5"),
        ([1e22], "1" + 22 * "0"),
        ([-0.5], "-0.5"),
        (["A-7"], "A-7"),
        ([""], None),
        ([], None),
    ],
)
def test_keys_are_one_however_they_are_written(values: list[Any], key: str | None) -> None:
    assert key_of(values) == key


def test_each_key_has_a_run_of_its_own(workspace: Workspace) -> None:
    someone = person(workspace, KEYED, after(HOUR_US))
    assert someone.decide(event(someone, "probe", 0, label="a"), event(someone, "probe", 1, label="b")) == []
    assert sorted(someone.image()["journeys"]) == ["cart/a", "cart/b"]
    assert reasons(someone.decide(event(someone, "probe", 2, label="a"))) == [
        ("suppressed", "under_way", "reentry")
    ]
    ended = actions_of(someone.advance([], at(100)))
    assert len({action["action_id"] for action in ended}) == len(ended) == 2


def test_one_event_that_enters_with_another_key_has_another_action(workspace: Workspace) -> None:
    actions = []
    for label in "ab":
        someone = person(workspace, KEYED)
        actions += actions_of(someone.advance([event(someone, "probe", 0, label=label)], at(0)))
    assert actions[0]["action_id"] != actions[1]["action_id"]


def test_an_event_without_the_key_enters_nothing(workspace: Workspace) -> None:
    someone = person(workspace, KEYED)
    assert reasons(someone.decide(event(someone, "probe", 0))) == [("suppressed", "no_key", "reentry")]


def test_an_exit_ends_the_run_of_its_key_or_all(workspace: Workspace) -> None:
    left = Test(Subject("field", "flag"), Op.EQ, True)
    exits = (ExitEvent("probe", left, "label"), ExitEvent("login"))
    someone = person(workspace, EventEntry(("probe",), Not(left), "label"), after(HOUR_US), exits=exits)
    for number, label in enumerate("abc"):
        someone.decide(event(someone, "probe", number, label=label))
    ended = someone.decide(event(someone, "probe", 10, label="b", flag=True))
    assert reasons(ended) == [("suppressed", "exited", "reentry")]
    assert sorted(someone.image()["journeys"]) == ["cart/a", "cart/c"]
    assert len(someone.decide(event(someone, "login", 11))) == 2
    assert someone.image()["journeys"] == {}


def test_who_enters_once_enters_once_per_key(workspace: Workspace) -> None:
    someone = person(workspace, KEYED, reentry=Reentry.ONCE)
    decisions = someone.decide(
        event(someone, "probe", 0, label="a"),
        event(someone, "probe", 1, label="b"),
        event(someone, "probe", 2, label="a"),
    )
    assert reasons(decisions) == [SENT, SENT, ("suppressed", "entered_before", "reentry")]
    assert decisions[2].evidence == {"entered": "2026-03-01T12:00:00.000000Z"}
    assert reasons(someone.decide(event(someone, "probe", 60 * 24 * 200, label="b"))) == [
        ("suppressed", "entered_before", "reentry")
    ]


def test_who_was_not_let_in_may_still_enter_once(workspace: Workspace) -> None:
    someone = person(workspace, EventEntry(("login",)), condition=BUSY, reentry=Reentry.ONCE)
    found = [reasons(someone.decide(event(someone, "login", minute)))[0][1] for minute in range(4)]
    assert found == ["condition_not_met", "passed", "entered_before", "entered_before"]


def test_what_is_remembered_of_a_journey_goes_with_it(workspace: Workspace) -> None:
    someone = person(workspace, EventEntry(("login",)), reentry=Reentry.ONCE)
    someone.decide(event(someone, "login", 0))
    assert someone.image()["entered"] == {"cart": START_US}
    other = person(workspace, ConditionEntry(SPENT), name="other")
    other.images, other.head = someone.images, someone.head
    other.decide(event(other, "login", 1))
    assert "entered" not in other.image()


def test_always_gives_each_entry_a_run(workspace: Workspace) -> None:
    someone = person(workspace, EventEntry(("login",)), after(HOUR_US), reentry=Reentry.ALWAYS)
    assert someone.decide(event(someone, "login", 0), event(someone, "login", 1)) == []
    assert len(someone.image()["journeys"]) == 2
    ended = actions_of(someone.advance([], at(100)))
    assert [action["decided_at"] for action in ended] == ["2026-03-01T13:00:00Z", "2026-03-01T13:01:00Z"]


def test_a_condition_that_comes_to_hold_enters(workspace: Workspace) -> None:
    someone = person(workspace, ConditionEntry(SPENT))
    assert someone.decide(event(someone, "purchase", 0)) == []
    [decision] = someone.decide(event(someone, "purchase", 1))
    assert reasons([decision]) == [SENT]
    assert decision.cause.event_id == "purchase1"
    assert someone.decide(event(someone, "purchase", 2)) == []


def test_a_condition_that_ceased_enters_again_when_it_holds_again(workspace: Workspace) -> None:
    someone = person(workspace, ConditionEntry(BUSY))
    day = 24 * 60
    minutes = [0.0, 1, 2, 40 * day, 40 * day + 1]
    found = [reasons(someone.decide(event(someone, "login", minute))) for minute in minutes]
    assert found == [[], [SENT], [], [], [SENT]]


def test_time_alone_makes_a_condition_hold(workspace: Workspace) -> None:
    someone = person(workspace, ConditionEntry(SILENT))
    someone.decide(event(someone, "login", 0))
    assert actions_of(someone.advance([], START_US + 30 * DAY_US)) == []
    advanced = someone.advance([], START_US + 40 * DAY_US)
    [action] = actions_of(advanced)
    assert action["decided_at"] == "2026-03-31T12:00:00.000001Z"
    assert action["cause"] == {
        "event_id": "2026-03-31T12:00:00.000001Z",
        "source": "journeys/cart",
        "type": "cjaas.time_passed",
        "time": "2026-03-31T12:00:00.000001Z",
    }
    assert someone.advance([], START_US + 400 * DAY_US).commit.outbox.decisions == []
    [decision] = someone.decide(event(someone, "login", 60 * 24 * 500), as_of_us=START_US + 531 * DAY_US)
    assert reasons([decision]) == [SENT]


def test_a_late_event_undoes_what_time_would_have_made(workspace: Workspace) -> None:
    someone = person(workspace, ConditionEntry(SILENT))
    someone.decide(event(someone, "login", 0))
    late = event(someone, "login", 60 * 24 * 29)
    assert someone.decide(late, as_of_us=START_US + 31 * DAY_US) == []
    assert len(someone.advance([], START_US + 60 * DAY_US).commit.outbox.actions) == 1


def test_a_count_that_shrinks_makes_a_condition_hold(workspace: Workspace) -> None:
    quiet = All((Not(BUSY), Test(Subject("attribute", "activity"), Op.GE, 1)))
    someone = person(workspace, ConditionEntry(quiet))
    first = [event(someone, "login", minute) for minute in (0, 60 * 24 * 10)]
    assert reasons(someone.decide(*first)) == [SENT]
    [action] = actions_of(someone.advance([], START_US + 100 * DAY_US))
    assert action["cause"]["type"] == "cjaas.time_passed"


def test_a_schedule_enters_at_its_times(workspace: Workspace) -> None:
    """The workspace is in Berlin; 2026-03-01 is a Sunday."""
    someone = person(workspace, ScheduleEntry(9 * 60, frozenset({0, 2})))
    assert someone.decide(event(someone, "login", 0)) == []
    actions = actions_of(someone.advance([], START_US + 8 * DAY_US))
    assert [action["decided_at"] for action in actions] == [
        "2026-03-02T08:00:00Z",
        "2026-03-04T08:00:00Z",
        "2026-03-09T08:00:00Z",
    ]
    assert {action["cause"]["type"] for action in actions} == {"cjaas.scheduled"}


def test_a_time_that_starts_runs_of_many_persons_is_an_action_of_each(workspace: Workspace) -> None:
    ids = set()
    for person_id in ("1" * 32, "2" * 32):
        scheduled = replace(JOURNEY, entry=ScheduleEntry(9 * 60), steps=AT_ONCE)
        someone = Person(with_journeys(workspace, scheduled), person_id)
        login = fold_event(someone.plan, "login", {}, START_US, person_id=person_id)
        someone.decide(login)
        [action] = actions_of(someone.advance([], START_US + DAY_US))
        ids.add(action["action_id"])
    assert len(ids) == 2


def test_a_schedule_reaches_whose_condition_holds_then(workspace: Workspace) -> None:
    someone = person(workspace, ScheduleEntry(9 * 60, None, SPENT))
    someone.decide(event(someone, "login", 0), event(someone, "purchase", 1))
    assert "watches" not in someone.image()
    someone.decide(event(someone, "purchase", 60 * 24))
    assert someone.image()["watches"] == {"cart": [False, START_US + 44 * HOUR_US]}
    actions = actions_of(someone.advance([], START_US + 3 * DAY_US))
    assert [action["decided_at"] for action in actions] == ["2026-03-03T08:00:00Z", "2026-03-04T08:00:00Z"]


def test_an_event_at_the_time_of_a_schedule_comes_before_it(workspace: Workspace) -> None:
    someone = person(workspace, ScheduleEntry(13 * 60, None, SPENT))
    someone.decide(event(someone, "purchase", -60), event(someone, "purchase", -50))
    assert len(someone.decide(event(someone, "purchase", 0, total="-120.00"))) == 0
    assert someone.advance([], START_US + HOUR_US).commit.outbox.decisions == []
