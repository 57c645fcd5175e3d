"""Who is spared: control groups, purchases, lists, those who never answer, and all in a rehearsal."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from schemas.action import Category
from schemas.timestamps import DAY_US
from schemas.workspace import Workspace
from schemas.workspace.condition import Op, Subject, Test
from schemas.workspace.policy import SOLICITING, Suppression, Unanswered
from tests.fold_events import at
from tests.journeys import JOURNEY, actions_of, event, reasons
from tests.transforms.core.policy import cart, person, policy, reason

# --- control groups


def test_a_control_group_is_held_out_and_treated_alike(workspace: Workspace) -> None:
    held = Counter[str]()
    for number in range(300):
        someone = person(
            workspace,
            policy(control_percent=20),
            replace(JOURNEY, control_percent=10, cooldown_us=DAY_US),
            person_id=f"{number:032x}",
        )
        advanced = someone.advance([event(someone, "cart_added", 0)], at(0))
        [decision] = advanced.commit.outbox.decisions
        held[decision.evidence.get("group", "none")] += 1
        assert (decision.outcome.value == "held_out") == (not advanced.commit.outbox.actions)
        if decision.outcome.value == "held_out":
            assert decision.action_id is None
            assert reason(cart(someone, 60)) == "cooldown"
    assert 30 < held["global"] < 95
    assert 8 < held["journey"] < 50


def test_the_law_s_messages_have_no_control_group(workspace: Workspace) -> None:
    for category in (Category.LEGAL, Category.OPERATIVE):
        someone = person(workspace, policy(control_percent=100), replace(JOURNEY, category=category))
        assert reason(cart(someone, 0)) == "passed"


# --- suppression


def test_nothing_after_the_purchase(workspace: Workspace) -> None:
    bought = Test(Subject("attribute", "spend"), Op.GT, 0)
    someone = person(workspace, policy(suppressions=(Suppression("bought", bought, SOLICITING),)))
    assert reason(cart(someone, 0)) == "passed"
    someone.decide(event(someone, "purchase", 1))
    [decision] = cart(someone, 2)
    assert reasons([decision]) == [("suppressed", "suppressed", "suppression")]
    assert decision.evidence["rule"] == "bought"
    journey = replace(JOURNEY, category=Category.OPERATIVE, suppress=bought)
    own = person(workspace, policy(suppressions=(Suppression("bought", bought, SOLICITING),)), journey)
    own.decide(event(own, "purchase", 1))
    assert cart(own, 2)[0].evidence["rule"] == "cart"


@pytest.mark.parametrize(
    ("category", "of", "outcome"),
    [
        (Category.COMMERCIAL, None, "suppression_list"),
        (Category.OPERATIVE, None, "passed"),
        (Category.OPERATIVE, "operative", "suppression_list"),
        (Category.COMMERCIAL, "advisory", "passed"),
    ],
)
def test_a_suppression_list(workspace: Workspace, category: Category, of: str | None, outcome: str) -> None:
    someone = person(workspace, policy(), replace(JOURNEY, category=category))
    someone.decide(event(someone, "suppression.changed", 0, list="robinson", category=of, suppressed=True))
    assert reason(cart(someone, 1)) == outcome
    someone.decide(event(someone, "suppression.changed", 2, list="robinson", category=of, suppressed=False))
    assert reason(cart(someone, 3)) == "passed"


def test_who_does_not_answer_is_left_alone_for_a_while(workspace: Workspace) -> None:
    someone = person(workspace, policy(unanswered=Unanswered(2, 10 * DAY_US)))
    sent = [someone.advance([event(someone, "cart_added", minute)], at(minute)) for minute in (0, 1)]
    [decision] = cart(someone, 2)
    assert reasons([decision]) == [("suppressed", "unanswered", "suppression")]
    assert decision.evidence["unanswered"] == 2
    action_id = actions_of(sent[0])[0]["action_id"]
    someone.decide(event(someone, "action.clicked", 3, action_id=action_id))
    again = someone.advance([event(someone, "cart_added", 4)], at(4))
    assert reason(cart(someone, 5)) == "unanswered"
    action_id = actions_of(again)[0]["action_id"]
    someone.decide(event(someone, "action.opened", 6, action_id=action_id))
    assert [reason(cart(someone, minute)) for minute in (7, 8, 9)] == ["passed", "passed", "unanswered"]
    assert reason(cart(someone, 60 * 24 * 11)) == "passed"


# --- rehearsals


def test_a_dry_run_decides_everything_and_sends_nothing(workspace: Workspace) -> None:
    journey = replace(JOURNEY, cooldown_us=DAY_US)
    for rules, given in ((policy(dry_run=True), journey), (policy(), replace(journey, mode="dry_run"))):
        someone = person(workspace, rules, given)
        advanced = someone.advance([event(someone, "cart_added", 0)], at(0))
        assert advanced.commit.outbox.actions == []
        assert reasons(advanced.commit.outbox.decisions) == [("rehearsed", "passed", None)]
        assert advanced.commit.outbox.decisions[0].action_id is None
        assert reason(cart(someone, 1)) == "cooldown"


def test_a_journey_on_test_reaches_test_people_only(workspace: Workspace) -> None:
    rules = policy(test_people=frozenset({"email:ann@example.com"}))
    for identities, outcome in (([], "no_test_person"), (["email:ann@example.com"], "passed")):
        someone = person(workspace, rules, replace(JOURNEY, mode="test"))
        someone.decide(event(someone, "login", 0, identities))
        assert reason(cart(someone, 1)) == outcome
