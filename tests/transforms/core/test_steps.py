"""Journeys of several steps: each kind of step, what ends its wait, and what comes after it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US, format_rfc3339, parse_rfc3339
from schemas.workspace import Workspace
from schemas.workspace.condition import Not, Op, Subject, Test
from schemas.workspace.entries import EventEntry
from schemas.workspace.model import Journey
from schemas.workspace.steps import (
    Arm,
    AttributeSource,
    Branch,
    Exit,
    FieldSource,
    LiteralSource,
    Send,
    Share,
    Split,
    Step,
    Update,
    Wait,
    WaitFor,
    WaitUntilField,
    WaitUntilLocal,
)
from tests.fold_events import at
from tests.journeys import JOURNEY, Person, actions_of, event, exits, reasons, with_journeys
from transforms.core.engine import Advanced
from transforms.core.fold_event import FoldEvent
from transforms.core.local_time import next_local
from transforms.core.shares import share_of

BOUGHT = Test(Subject("attribute", "spend"), Op.GE, 1)
FIRST, SECOND, OTHER = (Send(name, name, ("web",), name, {}, DAY_US) for name in "abc")


def journey(*steps: Step, **keys: Any) -> Journey:
    return replace(JOURNEY, steps=steps, **keys)


def person(workspace: Workspace, *steps: Step, **keys: Any) -> Person:
    return Person(with_journeys(workspace, journey(*steps, **keys)))


def sent(advanced: Advanced) -> list[str]:
    """The names of the steps that sent, in their order."""
    return [action["step"] for action in actions_of(advanced)]


def test_a_run_sends_waits_and_sends_again(workspace: Workspace) -> None:
    someone = person(workspace, FIRST, Wait("1", HOUR_US), Wait("2", HOUR_US), SECOND)
    assert sent(someone.advance([event(someone, "cart_added", 0)], at(0))) == ["a"]
    assert someone.image()["journeys"]["cart"]["at"] == "1"
    assert sent(someone.advance([], at(119))) == []
    assert someone.image()["journeys"]["cart"]["at"] == "2"
    assert sent(someone.advance([], at(500))) == ["b"]
    assert someone.image()["journeys"] == {}


def test_several_waits_that_are_over_end_at_their_own_times(workspace: Workspace) -> None:
    someone = person(workspace, Wait("1", HOUR_US), FIRST, Wait("2", HOUR_US), SECOND)
    someone.advance([event(someone, "cart_added", 0)], at(0))
    late = someone.advance([], at(1000))
    assert [(action["step"], action["decided_at"]) for action in actions_of(late)] == [
        ("a", "2026-03-01T13:00:00Z"),
        ("b", "2026-03-01T14:00:00Z"),
    ]


def test_a_cooldown_begins_with_a_run_s_first_action_and_holds_for_other_runs(workspace: Workspace) -> None:
    someone = person(workspace, FIRST, Wait("1", HOUR_US), SECOND, cooldown_us=DAY_US)
    assert sent(someone.advance([event(someone, "cart_added", 0)], at(0))) == ["a"]
    assert sent(someone.advance([], at(60))) == ["b"]
    again = someone.decide(event(someone, "cart_added", 70))
    assert reasons(again) == [("suppressed", "cooldown", "reentry")]


def test_a_message_that_fails_a_gate_does_not_end_the_run(workspace: Workspace) -> None:
    by_mail = replace(FIRST, channels=("email",))
    someone = person(workspace, by_mail, SECOND)
    advanced = someone.advance([event(someone, "cart_added", 0)], at(0))
    assert reasons(advanced.commit.outbox.decisions) == [
        ("suppressed", "no_address", "address"),
        ("sent", "passed", None),
    ]
    assert [decision.step for decision in advanced.commit.outbox.decisions] == ["a", "b"]


def test_exit_ends_the_run_from_within_a_way(workspace: Workspace) -> None:
    branch = Branch("0", (Arm(None, (FIRST, Exit("1"))),))
    someone = person(workspace, branch, SECOND)
    assert sent(someone.advance([event(someone, "cart_added", 0)], at(0))) == ["a"]


@pytest.mark.parametrize(("price", "steps"), [(5, ["b"]), (50, ["a", "b"]), (500, ["c", "b"])])
def test_a_branch_takes_its_first_way_that_holds(
    workspace: Workspace, price: float, steps: list[str]
) -> None:
    over = [Test(Subject("field", "price"), Op.GE, least) for least in (100, 20)]
    branch = Branch("9", (Arm(over[0], (OTHER,)), Arm(over[1], (FIRST,))))
    someone = person(workspace, branch, SECOND)
    assert sent(someone.advance([event(someone, "cart_added", 0, price=price)], at(0))) == steps


def test_a_wait_for_an_event_ends_with_it(workspace: Workspace) -> None:
    wait = WaitFor("9", ("purchase",), None, None, DAY_US, (FIRST,), (OTHER,))
    someone = person(workspace, wait, SECOND)
    assert sent(someone.advance([event(someone, "cart_added", 0)], at(0))) == []
    assert sent(someone.advance([event(someone, "login", 10)], at(10))) == []
    assert sent(someone.advance([event(someone, "purchase", 20)], at(20))) == ["a", "b"]
    assert someone.image()["journeys"] == {}


def test_a_wait_for_an_event_ends_with_its_timeout(workspace: Workspace) -> None:
    wait = WaitFor("9", ("purchase",), None, None, HOUR_US, (FIRST,), (OTHER,))
    someone = person(workspace, wait, SECOND)
    someone.advance([event(someone, "cart_added", 0)], at(0))
    ended = someone.advance([event(someone, "purchase", 61)], at(61))
    assert [(action["step"], action["decided_at"]) for action in actions_of(ended)] == [
        ("c", "2026-03-01T13:00:00Z"),
        ("b", "2026-03-01T13:00:00Z"),
    ]


def test_only_an_event_that_meets_the_wait_s_condition_ends_it(workspace: Workspace) -> None:
    dear = Test(Subject("field", "total"), Op.GE, 100)
    wait = WaitFor("9", ("purchase",), dear, None, DAY_US, (FIRST,), ())
    someone = person(workspace, wait)
    someone.advance([event(someone, "cart_added", 0)], at(0))
    assert sent(someone.advance([event(someone, "purchase", 10, total="99.99")], at(10))) == []
    assert sent(someone.advance([event(someone, "purchase", 20, total="100.00")], at(20))) == ["a"]


def test_a_condition_that_holds_already_is_not_waited_for(workspace: Workspace) -> None:
    wait = WaitFor("9", (), None, BOUGHT, DAY_US, (FIRST,), (OTHER,))
    someone = person(workspace, wait)
    events = [event(someone, "purchase", 0), event(someone, "cart_added", 1)]
    assert sent(someone.advance(events, at(1))) == ["a"]


def test_a_condition_is_waited_for_until_an_event_fulfils_it(workspace: Workspace) -> None:
    wait = WaitFor("9", (), None, BOUGHT, DAY_US, (FIRST,), (OTHER,))
    someone = person(workspace, wait)
    someone.advance([event(someone, "cart_added", 0)], at(0))
    assert sent(someone.advance([event(someone, "login", 5)], at(5))) == []
    assert sent(someone.advance([event(someone, "purchase", 9)], at(9))) == ["a"]


def test_time_alone_fulfils_a_condition(workspace: Workspace) -> None:
    """An absence that lasts long enough: the run is due when it does, and not before."""
    absent = Not(Test(Subject("attribute", "last_seen"), Op.WITHIN, 30 * MINUTE_US))
    wait = WaitFor("9", (), None, absent, DAY_US, (FIRST,), (OTHER,))
    someone = person(workspace, wait)
    advanced = someone.advance([event(someone, "cart_added", 0)], at(0))
    assert advanced.commit.deadlines[someone.person_id] == at(30) + 1
    moved = someone.advance([event(someone, "login", 20)], at(20))
    assert moved.commit.deadlines[someone.person_id] == at(50) + 1
    assert sent(someone.advance([], at(50))) == []
    ended = someone.advance([], at(60))
    assert [(action["step"], action["decided_at"]) for action in actions_of(ended)] == [
        ("a", "2026-03-01T12:50:00.000001Z")
    ]


def test_a_condition_that_is_never_met_ends_with_its_timeout(workspace: Workspace) -> None:
    wait = WaitFor("9", (), None, BOUGHT, HOUR_US, (FIRST,), (OTHER,))
    someone = person(workspace, wait)
    someone.advance([event(someone, "cart_added", 0)], at(0))
    assert sent(someone.advance([event(someone, "purchase", 60)], at(60))) == ["a"]
    again = person(workspace, wait)
    again.advance([event(again, "cart_added", 0)], at(0))
    assert sent(again.advance([], at(60))) == ["c"]


def test_a_wait_lasts_until_a_local_time(workspace: Workspace) -> None:
    """The workspace is in Berlin, where it is 13:00 at noon in UTC."""
    someone = person(workspace, WaitUntilLocal("9", 9 * 60), FIRST)
    someone.advance([event(someone, "cart_added", 0)], at(0))
    ended = someone.advance([], at(0) + DAY_US)
    assert [action["decided_at"] for action in actions_of(ended)] == ["2026-03-02T08:00:00Z"]


@pytest.mark.parametrize(
    ("now", "minute", "then"),
    [
        ("2026-03-01T07:59:59.999999Z", 540, "2026-03-01T08:00:00Z"),
        ("2026-03-01T08:00:00Z", 540, "2026-03-02T08:00:00Z"),
        ("2026-03-28T20:00:00Z", 540, "2026-03-29T07:00:00Z"),
        ("2026-03-28T20:00:00Z", 150, "2026-03-29T01:30:00Z"),
        ("2026-10-24T20:00:00Z", 150, "2026-10-25T00:30:00Z"),
        ("2026-10-25T00:30:00Z", 150, "2026-10-26T01:30:00Z"),
        ("2026-12-31T23:30:00Z", 0, "2027-01-01T23:00:00Z"),
    ],
)
def test_local_times_through_changes_of_the_clock(now: str, minute: int, then: str) -> None:
    found = next_local(parse_rfc3339(now), minute, ZoneInfo("Europe/Berlin"))
    assert format_rfc3339(found) == format_rfc3339(parse_rfc3339(then))


@pytest.mark.parametrize(
    ("seen_at", "offset_us", "decided_at"),
    [
        ("2026-03-01T15:00:00Z", -HOUR_US, "2026-03-01T14:00:00Z"),
        ("2026-03-01T15:00:00Z", HOUR_US, "2026-03-01T16:00:00Z"),
        ("2026-03-01T12:30:00Z", -HOUR_US, "2026-03-01T12:00:00Z"),
        (None, 0, "2026-03-01T12:00:00Z"),
    ],
)
def test_a_wait_lasts_until_a_moment_in_the_data(
    workspace: Workspace, seen_at: str | None, offset_us: int, decided_at: str
) -> None:
    wait = WaitUntilField("9", "seen_at", offset_us)
    someone = person(workspace, wait, FIRST, entry=EventEntry(("probe",)))
    first = someone.advance([event(someone, "probe", 0, seen_at=seen_at)], at(0))
    ended = someone.advance([], at(0) + DAY_US)
    assert [action["decided_at"] for action in actions_of(first) + actions_of(ended)] == [decided_at]


def test_a_split_divides_persons_and_says_which_way_they_went(workspace: Workspace) -> None:
    split = Split("9", "test", (Share("short", 25, (FIRST,)), Share("long", 50, (OTHER,))))
    found = Counter[tuple[str, str | None]]()
    for number in range(400):
        someone = Person(with_journeys(workspace, journey(split, SECOND)), f"{number:032x}")
        entered = replace_person(event(someone, "cart_added", 0), someone.person_id)
        for action in actions_of(someone.advance([entered], at(0))):
            found[action["step"], action.get("variant")] += 1
    assert set(found) == {("a", "short"), ("c", "long"), ("b", "short"), ("b", "long"), ("b", None)}
    assert 60 < found["a", "short"] < 140
    assert 150 < found["c", "long"] < 250


def replace_person(entered: FoldEvent, person_id: str) -> FoldEvent:
    return msgspec.structs.replace(entered, person_id=person_id)


def test_shares_are_stable_and_independent() -> None:
    persons = [f"{number:032x}" for number in range(2000)]
    one = [share_of(person_id, "one", (50.0, 50.0)) for person_id in persons]
    two = [share_of(person_id, "two", (50.0, 50.0)) for person_id in persons]
    both = Counter(zip(one, two, strict=True))
    assert one == [share_of(person_id, "one", (50.0, 50.0)) for person_id in persons]
    assert len(both) == 4
    assert all(400 < number < 600 for number in both.values())
    assert {share_of(person_id, "none", ()) for person_id in persons} == {None}
    assert {share_of(person_id, "all", (100.0,)) for person_id in persons} == {0}


def test_an_exit_event_names_the_message_that_would_have_come_next(workspace: Workspace) -> None:
    someone = person(workspace, FIRST, Wait("1", HOUR_US), SECOND, exits=exits("purchase"))
    someone.advance([event(someone, "cart_added", 0)], at(0))
    decisions = someone.decide(event(someone, "purchase", 10))
    assert [(decision.reason.value, decision.step) for decision in decisions] == [("exited", "b")]


def test_an_update_writes_what_later_conditions_see(workspace: Workspace) -> None:
    stage = Test(Subject("attribute", "stage"), Op.EQ, "warm")
    steps = (
        Branch("0", (Arm(stage, (OTHER, Update("1", "stage", LiteralSource(None)), Exit("2"))),)),
        Update("3", "stage", LiteralSource("warm")),
        Update("4", "worth", FieldSource("price")),
        Update("5", "spent", AttributeSource("spend")),
    )
    someone = person(workspace, *steps)
    assert sent(someone.advance([event(someone, "cart_added", 0, price=25.5)], at(0))) == []
    assert someone.image()["written"] == {
        "spent": [at(0), None],
        "stage": [at(0), "warm"],
        "worth": [at(0), 25.5],
    }
    assert someone.image()["values"]["stage"] == "warm"
    assert "spent" not in someone.image()["values"]
    assert sent(someone.advance([event(someone, "cart_added", 1)], at(1))) == ["c"]
    assert someone.image()["written"] == {
        "spent": [at(0), None],
        "stage": [at(1), None],
        "worth": [at(0), 25.5],
    }
    assert "stage" not in someone.image()["values"]


@pytest.mark.parametrize(
    ("field", "data", "written", "op", "value"),
    [
        ("tags", {"tags": ["x", "y"]}, ["x", "y"], Op.EQ, "y"),
        (
            "lines.price",
            {"lines": [{"sku": "A", "price": 1.5}, {"sku": "B", "price": 0.1}]},
            [1.5, 0.1],
            Op.LE,
            1,
        ),
    ],
)
def test_several_values_are_written_and_each_of_them_is_asked(
    workspace: Workspace, field: str, data: dict[str, Any], written: list[Any], op: Op, value: Any
) -> None:
    kind = "probe" if field == "tags" else "purchase"
    one = Test(Subject("attribute", "stage"), op, value)
    other = Test(Subject("attribute", "stage"), Op.EQ, "none of them")
    steps = (
        Update("0", "stage", FieldSource(field, numeric=kind == "purchase")),
        Branch("1", (Arm(other, (OTHER,)), Arm(one, (FIRST,)))),
    )
    someone = person(workspace, *steps, entry=EventEntry((kind,)))
    assert sent(someone.advance([event(someone, kind, 0, **data)], at(0))) == ["a"]
    assert someone.image()["written"]["stage"] == [at(0), written]


def test_a_local_time_is_the_person_s(workspace: Workspace) -> None:
    someone = person(workspace, WaitUntilLocal("9", 9 * 60), FIRST)
    someone.advance([event(someone, "preference.changed", 0, time_zone="America/New_York")], at(0))
    someone.advance([event(someone, "cart_added", 1)], at(1))
    ended = someone.advance([], at(0) + DAY_US)
    assert [action["decided_at"] for action in actions_of(ended)] == ["2026-03-01T14:00:00Z"]
