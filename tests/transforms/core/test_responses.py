"""What comes of actions: answers and conversions; and leads, which enter until they end."""

from __future__ import annotations

from dataclasses import replace

from schemas.timestamps import DAY_US, HOUR_US
from schemas.workspace import Workspace
from schemas.workspace.condition import Op, Subject, Test
from schemas.workspace.entries import EventEntry
from schemas.workspace.model import Goal
from schemas.workspace.policy import Unanswered
from tests.fold_events import at
from tests.journeys import JOURNEY, actions_of, after, event
from tests.transforms.core.policy import cart, person, policy, reason


def test_a_goal_is_a_conversion_of_the_action_before_it(workspace: Workspace) -> None:
    journey = replace(JOURNEY, goal=Goal(("purchase",), 2 * DAY_US))
    someone = person(workspace, policy(unanswered=Unanswered(1, 10 * DAY_US)), journey)
    sent = someone.advance([event(someone, "cart_added", 0)], at(0))
    assert reason(cart(someone, 1)) == "unanswered"
    someone.decide(event(someone, "purchase", 30))
    assert someone.image()["conversions"] == {actions_of(sent)[0]["action_id"]: at(30)}
    someone.decide(event(someone, "purchase", 40))
    assert someone.image()["conversions"] == {actions_of(sent)[0]["action_id"]: at(30)}
    assert reason(cart(someone, 50)) == "passed"
    late = person(workspace, policy(), journey)
    cart(late, 0)
    late.decide(event(late, "purchase", 60 * 49))
    assert "conversions" not in late.image()


def test_responses_are_facts(workspace: Workspace) -> None:
    someone = person(workspace, policy())
    answers = [
        event(someone, "action.opened", 5, action_id="a"),
        event(someone, "action.opened", 3, action_id="a"),
        event(someone, "action.delivered", 1, action_id="a"),
    ]
    for order in (answers, answers[::-1]):
        someone = person(workspace, policy())
        for answer in order:
            someone.decide(answer)
        assert someone.image()["responses"] == {"a": {"delivered": at(1), "opened": at(3)}}
    someone.decide(event(someone, "login", 60 * 24 * 91))
    assert "responses" not in someone.image()


def test_a_lead_enters_until_it_ends(workspace: Workspace) -> None:
    spring = Test(Subject("field", "campaign"), Op.EQ, "spring")
    journey = replace(JOURNEY, entry=EventEntry(("lead.created",), spring), steps=after(HOUR_US))
    for valid_until, outcome in ((None, "passed"), ("2026-03-01T12:59:00Z", "no_longer_valid")):
        someone = person(workspace, policy(), journey)
        lead = event(someone, "lead.created", 0, campaign="spring", propensity=0.4, valid_until=valid_until)
        assert someone.decide(lead) == []
        assert reason(someone.advance([], at(100)).commit.outbox.decisions) == outcome
