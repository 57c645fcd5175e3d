"""Waits that end in time or by an event, and further entries of who is under way."""

from __future__ import annotations

from dataclasses import replace

from schemas.timestamps import DAY_US, MINUTE_US, format_rfc3339
from schemas.workspace import Workspace
from schemas.workspace.entries import Reentry
from tests.fold_events import PERSON, at, fold_event
from tests.journeys import SENT, after, exits, reasons
from tests.transforms.core.carts import COOLDOWN, EXITED, UNDER_WAY, WAITING, bought, cart, person


def test_wait_ends_at_its_time_and_not_before(workspace: Workspace) -> None:
    someone = person(workspace, WAITING)
    advanced = someone.advance([cart(someone)], at(60) - 1)
    assert advanced.commit.outbox.decisions == []
    assert advanced.commit.deadlines == {PERSON: at(60)}
    assert someone.image()["journeys"]["cart"]["due_us"] == at(60)
    woken = someone.advance([], at(75))
    assert reasons(woken.commit.outbox.decisions) == [SENT]
    assert woken.commit.outbox.decisions[0].as_of_us == at(60)
    assert woken.commit.outbox.decisions[0].cause.event_id == "c0"
    assert woken.commit.deadlines == {PERSON: None}
    assert someone.image()["journeys"] == {}


def test_waits_end_between_events(workspace: Workspace) -> None:
    someone = person(workspace, WAITING)
    decisions = someone.decide(cart(someone, 0), cart(someone, 90), as_of_us=at(100))
    assert [(decision.cause.event_id, decision.as_of_us) for decision in decisions] == [("c0", at(60))]
    assert someone.image()["journeys"]["cart"]["cause"][0] == "c90"


def test_event_at_the_due_time_comes_first(workspace: Workspace) -> None:
    exiting = replace(WAITING, exits=exits("purchase"))
    for minute, expected in ((59, EXITED), (60, EXITED), (61, SENT)):
        someone = person(workspace, exiting)
        decisions = someone.decide(cart(someone, 0), bought(someone, minute), as_of_us=at(120))
        assert reasons(decisions) == [expected]


def test_event_ahead_of_the_clock_does_not_end_a_wait_early(workspace: Workspace) -> None:
    """An event may be published up to an hour before its time; the wait goes by the shard's clock."""
    exiting = replace(WAITING, exits=exits("purchase"))
    someone = person(workspace, exiting)
    someone.decide(cart(someone))
    ahead = fold_event(someone.plan, "login", {}, at(70), event_id="ahead", publish_us=at(20))
    assert someone.decide(ahead, as_of_us=at(20)) == []
    assert reasons(someone.decide(bought(someone, 30), as_of_us=at(30))) == [EXITED]


def test_several_waits_end_in_the_order_of_their_times(workspace: Workspace) -> None:
    journeys = [
        replace(WAITING, name=name, steps=after(minutes * MINUTE_US))
        for name, minutes in (("b", 30), ("a", 30), ("c", 10))
    ]
    someone = person(workspace, *journeys)
    advanced = someone.advance([cart(someone)], at(0))
    assert advanced.commit.deadlines == {PERSON: at(10)}
    decisions = someone.decide(as_of_us=at(60))
    assert [decision.journey for decision in decisions] == ["c", "a", "b"]


def test_exit_event_ends_the_run(workspace: Workspace) -> None:
    someone = person(workspace, replace(WAITING, exits=exits("purchase")))
    someone.decide(cart(someone))
    decisions = someone.decide(bought(someone, 10))
    assert reasons(decisions) == [EXITED]
    assert decisions[0].cause.event_id == "c0"
    assert decisions[0].evidence == {"exit_event": "p10", "type": "purchase", "time": format_rfc3339(at(10))}
    assert decisions[0].change == {"run": "ended"}
    assert someone.decide(as_of_us=at(120)) == []


def test_exit_event_without_a_run_is_no_decision(workspace: Workspace) -> None:
    someone = person(workspace, replace(WAITING, exits=exits("purchase")))
    assert someone.decide(bought(someone, 10)) == []


def test_event_that_exits_and_enters_does_both(workspace: Workspace) -> None:
    someone = person(workspace, replace(WAITING, exits=exits("cart_added")))
    assert reasons(someone.decide(cart(someone, 0), cart(someone, 10))) == [EXITED]
    assert someone.image()["journeys"]["cart"]["cause"][0] == "c10"


def test_a_further_entry_waits_for_the_exit(workspace: Workspace) -> None:
    someone = person(workspace, WAITING)
    decisions = someone.decide(cart(someone, 0), cart(someone, 30))
    assert reasons(decisions) == [UNDER_WAY]
    assert decisions[0].evidence == {"waits_until": format_rfc3339(at(60))}
    assert [decision.cause.event_id for decision in someone.decide(as_of_us=at(200))] == ["c0"]


def test_a_further_entry_restarts_the_run(workspace: Workspace) -> None:
    someone = person(workspace, replace(WAITING, reentry=Reentry.RESTART))
    advanced = someone.advance([cart(someone, 0), cart(someone, 30)], at(70))
    assert advanced.commit.outbox.decisions == []
    assert advanced.commit.deadlines == {PERSON: at(90)}
    decisions = someone.decide(as_of_us=at(200))
    assert [(decision.cause.event_id, decision.as_of_us) for decision in decisions] == [("c30", at(90))]


def test_cooldown_keeps_a_run_from_starting(workspace: Workspace) -> None:
    someone = person(workspace, replace(WAITING, cooldown_us=DAY_US))
    decisions = someone.decide(cart(someone, 0), cart(someone, 120), as_of_us=at(600))
    assert reasons(decisions) == [SENT, COOLDOWN]
    assert someone.image()["journeys"] == {}
