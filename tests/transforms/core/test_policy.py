"""What persons are spared: each gate of the policy, with its reason and evidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from schemas.action import Category
from schemas.decision import Decision
from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US, parse_rfc3339
from schemas.workspace import Workspace
from schemas.workspace.condition import Op, Subject, Test
from schemas.workspace.entries import EventEntry
from schemas.workspace.model import Goal, Journey
from schemas.workspace.policy import (
    SOLICITING,
    Arbitration,
    Cap,
    ConsentRule,
    Policy,
    QuietHours,
    Suppression,
    Unanswered,
    UseCase,
)
from tests.fold_events import START_US, fold_event
from tests.journeys import JOURNEY, SEND, Person, actions_of, after, reasons, with_journeys
from transforms.core.fold_event import FoldEvent

SENT = ("sent", "passed", None)
FREE = dict.fromkeys(Category, ConsentRule.NOT_NEEDED)
STRICT = dict.fromkeys(Category, ConsentRule.OPT_IN)
NIGHT = QuietHours(21 * 60, 8 * 60, True, SOLICITING)
DATA: Mapping[str, dict[str, Any]] = {
    "cart_added": {"sku": "A", "price": 25.5},
    "purchase": {"total": "60.00", "currency": "EUR"},
}


def at(minutes: float) -> int:
    return START_US + int(minutes * MINUTE_US)


def person(
    workspace: Workspace, policy: Policy, *journeys: Journey, person_id: str = "0" * 31 + "1"
) -> Person:
    given = with_journeys(workspace, *(journeys or (JOURNEY,)))
    return Person(replace(given, policy=policy), person_id)


def policy(**keys: Any) -> Policy:
    return Policy(**({"consents": FREE} | keys))


def event(
    someone: Person, kind: str, minutes: float, identities: Sequence[str] = (), **data: Any
) -> FoldEvent:
    made = fold_event(
        someone.plan,
        kind,
        dict(DATA.get(kind, {})) | data,
        at(minutes),
        event_id=f"{kind}{minutes}",
        person_id=someone.person_id,
    )
    return msgspec.structs.replace(made, identities=tuple(identities)) if identities else made


def cart(someone: Person, minutes: float) -> list[Decision]:
    """What a cart comes to, which enters the journey."""
    return someone.decide(event(someone, "cart_added", minutes))


def reason(decisions: Sequence[Decision]) -> str:
    [decision] = decisions
    return decision.reason.value


# --- consent


@pytest.mark.parametrize(
    ("rule", "said", "outcome"),
    [
        (ConsentRule.OPT_IN, None, "no_consent"),
        (ConsentRule.OPT_IN, "consent.given", "passed"),
        (ConsentRule.OPT_IN, "consent.withdrawn", "no_consent"),
        (ConsentRule.OPT_OUT, None, "passed"),
        (ConsentRule.OPT_OUT, "consent.given", "passed"),
        (ConsentRule.OPT_OUT, "consent.withdrawn", "no_consent"),
        (ConsentRule.NOT_NEEDED, "consent.withdrawn", "passed"),
    ],
)
def test_consent_by_rule(workspace: Workspace, rule: ConsentRule, said: str | None, outcome: str) -> None:
    someone = person(workspace, policy(consents=FREE | {Category.COMMERCIAL: rule}))
    if said is not None:
        someone.decide(event(someone, said, 0, category="commercial"))
    assert reason(cart(someone, 1)) == outcome


def test_the_latest_statement_stands_in_whatever_order_they_come(workspace: Workspace) -> None:
    someone = person(workspace, Policy())
    given = event(someone, "consent.given", 10, category="commercial")
    withdrawn = event(someone, "consent.withdrawn", 5, category="commercial")
    images = set()
    for order in ((given, withdrawn), (withdrawn, given)):
        someone = person(workspace, Policy())
        for each in order:
            someone.decide(each)
        images.add(repr(someone.image()["consents"]))
        [decision] = cart(someone, 20)
        assert reasons([decision]) == [SENT]
    assert len(images) == 1


@pytest.mark.parametrize("publish_minutes", [0, 60 * 24 * 2, 60 * 24 * 400])
def test_a_statement_counts_however_late_it_comes(workspace: Workspace, publish_minutes: int) -> None:
    rules = policy(consents=FREE | {Category.COMMERCIAL: ConsentRule.OPT_OUT})
    someone = person(workspace, rules)
    someone.decide(event(someone, "login", 60 * 24 * 10))
    said = event(someone, "consent.withdrawn", 0, category="commercial")
    said = msgspec.structs.replace(said, publish_us=at(publish_minutes))
    for _ in range(2):
        assert someone.decide(said) == []
    assert reason(cart(someone, 60 * 24 * 10 + 1)) == "no_consent"
    alone = person(workspace, rules)
    alone.decide(msgspec.structs.replace(said, identities=("email:ann@example.com",)))
    assert alone.image()["identities"] == {"email:ann@example.com": START_US}
    assert reason(cart(alone, 60 * 24 * 10)) == "no_consent"


def test_a_refusal_says_what_was_said_when_and_where(workspace: Workspace) -> None:
    someone = person(workspace, Policy())
    [decision] = cart(someone, 0)
    assert reasons([decision]) == [("suppressed", "no_consent", "consent")]
    assert decision.evidence == {"category": "commercial", "rule": "opt_in", "said": None}
    withdrawn = event(someone, "consent.withdrawn", 1, category="commercial")
    someone.decide(withdrawn)
    [decision] = cart(someone, 2)
    assert decision.evidence == {
        "category": "commercial",
        "rule": "opt_in",
        "said": False,
        "at": "2026-03-01T12:01:00.000000Z",
        "source": withdrawn.source,
    }


def test_consent_for_one_channel_leaves_that_channel(workspace: Workspace) -> None:
    both = replace(JOURNEY, steps=(replace(SEND, channels=("email", "web")),))
    someone = person(workspace, Policy(), both)
    someone.decide(event(someone, "login", 0, ["email:ann@example.com"]))
    someone.decide(event(someone, "consent.given", 1, category="commercial", channel="web"))
    advanced = someone.advance([event(someone, "cart_added", 2)], at(2))
    assert [action["channel"] for action in actions_of(advanced)] == ["web"]


def test_legal_and_operative_messages_need_no_commercial_consent(workspace: Workspace) -> None:
    for category, outcome in (
        (Category.LEGAL, "passed"),
        (Category.OPERATIVE, "passed"),
        (Category.ADVISORY, "passed"),
        (Category.COMMERCIAL, "no_consent"),
    ):
        someone = person(workspace, Policy(), replace(JOURNEY, category=category))
        assert reason(cart(someone, 0)) == outcome


# --- subscriptions and channels


@pytest.mark.parametrize("by_default", [True, False])
def test_a_use_case_is_switched_on_and_off(workspace: Workspace, by_default: bool) -> None:
    rules = policy(use_cases={"reminders": UseCase("reminders", by_default)})
    someone = person(workspace, rules, replace(JOURNEY, use_case="reminders"))
    found = [reason(cart(someone, 0))]
    for minute, subscribed in ((10, False), (20, True)):
        someone.decide(
            event(someone, "subscription.changed", minute, use_case="reminders", subscribed=subscribed)
        )
        found.append(reason(cart(someone, minute + 1)))
    assert found == ["passed" if by_default else "not_subscribed", "not_subscribed", "passed"]


def test_only_what_can_be_acted_on_is_kept(workspace: Workspace) -> None:
    someone = person(workspace, policy())
    someone.decide(
        event(someone, "subscription.changed", 0, use_case="unknown", subscribed=True),
        event(someone, "consent.given", 1, category="unknown"),
        event(someone, "consent.given", 2, category="legal", channel="pigeon"),
    )
    assert someone.image()["consents"] == {}


def test_the_person_s_channels_come_first(workspace: Workspace) -> None:
    both = replace(JOURNEY, steps=(replace(SEND, channels=("web", "email")),))
    found = []
    for wanted in (["email", "web"], ["web"], ["sms", "email"], []):
        someone = person(workspace, policy(), both)
        someone.decide(event(someone, "login", 0, ["email:ann@example.com"]))
        someone.decide(event(someone, "preference.changed", 1, channels=wanted, language="de"))
        advanced = someone.advance([event(someone, "cart_added", 2)], at(2))
        found.append([(action["channel"], action.get("address")) for action in actions_of(advanced)])
    assert found == [
        [("email", "ann@example.com")],
        [("web", None)],
        [("email", "ann@example.com")],
        [("web", None)],
    ]


def test_what_a_person_does_not_want_is_not_solicited_through(workspace: Workspace) -> None:
    outcomes = []
    for category in (Category.COMMERCIAL, Category.OPERATIVE):
        someone = person(workspace, policy(), replace(JOURNEY, category=category))
        someone.decide(event(someone, "preference.changed", 0, channels=["email"]))
        outcomes.append(reason(cart(someone, 1)))
    assert outcomes == ["channel_not_wanted", "passed"]


def test_the_first_channel_that_reaches_the_person_is_taken(workspace: Workspace) -> None:
    both = replace(JOURNEY, steps=(replace(SEND, channels=("email", "web")),))
    someone = person(workspace, policy(), both)
    someone.decide(event(someone, "preference.changed", 0, language="de"))
    advanced = someone.advance([event(someone, "cart_added", 1)], at(1))
    assert [(action["channel"], action["language"]) for action in actions_of(advanced)] == [("web", "de")]


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


# --- caps


@pytest.mark.parametrize(
    ("cap", "outcomes"),
    [
        (Cap("all", 2, DAY_US), ["passed", "passed", "cap", "passed"]),
        (Cap("cart", 1, HOUR_US, journey="cart"), ["passed", "cap", "cap", "passed"]),
        (Cap("web", 1, HOUR_US, channel="web"), ["passed", "cap", "cap", "passed"]),
        (Cap("sms", 1, HOUR_US, channel="sms"), ["passed"] * 4),
        (Cap("advisory", 1, HOUR_US, category=Category.ADVISORY), ["passed"] * 4),
        (Cap("none", 0, DAY_US), ["cap"] * 4),
    ],
)
def test_caps(workspace: Workspace, cap: Cap, outcomes: list[str]) -> None:
    someone = person(workspace, policy(caps=(cap,)))
    assert [reason(cart(someone, minute)) for minute in (0, 10, 20, 60 * 25)] == outcomes


def test_a_cap_counts_other_journeys_too(workspace: Workspace) -> None:
    other = replace(JOURNEY, name="other", entry=EventEntry(("login",)))
    someone = person(workspace, policy(caps=(Cap("all", 1, DAY_US),)), JOURNEY, other)
    assert reason(cart(someone, 0)) == "passed"
    [decision] = someone.decide(event(someone, "login", 1))
    assert reasons([decision]) == [("suppressed", "cap", "caps")]
    assert decision.evidence == {"cap": "all", "limit": 1, "sent": 1}


def test_a_window_is_of_any_position(workspace: Workspace) -> None:
    """A wait that is looked at late is decided as of its own time, after what has a later one."""
    waits = replace(JOURNEY, name="waits", entry=EventEntry(("login",)), steps=after(HOUR_US))
    for rules, outcome in (
        (policy(caps=(Cap("all", 1, HOUR_US),)), ("suppressed", "cap", "caps")),
        (policy(arbitration=Arbitration(HOUR_US, 0)), ("suppressed", "another_message", "arbitration")),
        (policy(), SENT),
    ):
        someone = person(workspace, rules, JOURNEY, waits)
        someone.advance([event(someone, "login", 0)], at(0))
        early = someone.advance([event(someone, "cart_added", 90)], at(50))
        assert len(actions_of(early)) == 1
        assert reasons(someone.advance([], at(100)).commit.outbox.decisions) == [outcome]


def test_a_failed_message_gives_its_place_back(workspace: Workspace) -> None:
    someone = person(workspace, policy(caps=(Cap("all", 1, DAY_US),)))
    sent = someone.advance([event(someone, "cart_added", 0)], at(0))
    action_id = actions_of(sent)[0]["action_id"]
    assert reason(cart(someone, 1)) == "cap"
    someone.decide(event(someone, "action.failed", 2, action_id=action_id))
    assert [reason(cart(someone, minute)) for minute in (3, 4)] == ["passed", "cap"]


def test_who_is_held_out_uses_no_cap(workspace: Workspace) -> None:
    held = replace(JOURNEY, name="held", control_percent=100)
    free = replace(JOURNEY, name="free", entry=EventEntry(("login",)))
    someone = person(workspace, policy(caps=(Cap("all", 1, DAY_US),)), held, free)
    assert reason(cart(someone, 0)) == "control_group"
    assert reason(someone.decide(event(someone, "login", 1))) == "passed"


def test_the_frequency_that_a_person_chose(workspace: Workspace) -> None:
    someone = person(workspace, policy())
    someone.decide(event(someone, "preference.changed", 0, most_per_week=1))
    assert [reason(cart(someone, minute)) for minute in (1, 2, 60 * 24 * 8)] == [
        "passed",
        "chosen_frequency",
        "passed",
    ]


# --- quiet hours


@pytest.mark.parametrize(
    ("now", "quiet"),
    [
        ("2026-03-01T19:59:59Z", False),
        ("2026-03-01T20:00:00Z", True),
        ("2026-03-02T06:59:59Z", True),
        ("2026-03-02T07:00:00Z", False),
        ("2026-07-01T19:00:00Z", True),
        ("2026-07-01T18:59:00Z", False),
    ],
)
def test_quiet_hours_go_by_the_workspace_s_clocks(workspace: Workspace, now: str, quiet: bool) -> None:
    """Berlin is an hour ahead of UTC, in summer two."""
    minutes = (parse_rfc3339(now) - START_US) / MINUTE_US
    someone = person(workspace, policy(quiet_hours=(NIGHT,)))
    assert reasons(cart(someone, minutes)) == [("deferred", "quiet_hours", "quiet_hours") if quiet else SENT]


def test_quiet_hours_go_by_the_person_s_clocks(workspace: Workspace) -> None:
    for zone, outcome in (
        ("America/New_York", "passed"),
        ("Asia/Tokyo", "quiet_hours"),
        ("Nowhere", "passed"),
    ):
        someone = person(workspace, policy(quiet_hours=(NIGHT,)))
        someone.decide(event(someone, "preference.changed", 0, time_zone=zone))
        assert reason(cart(someone, 90)) == outcome


def test_a_deferred_message_comes_after_the_quiet_hours_spread(workspace: Workspace) -> None:
    times = set()
    for number in range(20):
        someone = person(workspace, policy(quiet_hours=(NIGHT,)), person_id=f"{number:032x}")
        [deferred] = cart(someone, 60 * 10)
        assert deferred.change == {"run": "deferred"}
        [action] = actions_of(someone.advance([], at(60 * 48)))
        assert "2026-03-02T07:00:00Z" <= action["decided_at"] < "2026-03-02T07:10:00Z"
        times.add(action["decided_at"])
        assert someone.image()["journeys"] == {}
    assert len(times) == 20


def test_a_deferred_message_passes_all_gates_again(workspace: Workspace) -> None:
    someone = person(workspace, policy(quiet_hours=(NIGHT,), caps=(Cap("all", 1, DAY_US),)))
    assert reason(cart(someone, 60 * 10)) == "quiet_hours"
    withdrawn = replace(JOURNEY, condition=Test(Subject("attribute", "spend"), Op.EXISTS, False))
    bought = person(workspace, policy(quiet_hours=(NIGHT,)), withdrawn)
    cart(bought, 60 * 10)
    bought.decide(event(bought, "purchase", 60 * 11))
    assert reasons(bought.advance([], at(60 * 48)).commit.outbox.decisions) == [
        ("suppressed", "condition_not_met", "condition")
    ]


def test_quiet_hours_may_drop_and_a_person_may_have_their_own(workspace: Workspace) -> None:
    dropping = replace(NIGHT, defers=False)
    someone = person(workspace, policy(quiet_hours=(dropping,)))
    assert reasons(cart(someone, 60 * 10)) == [("suppressed", "quiet_hours", "quiet_hours")]
    assert someone.image()["journeys"] == {}
    own = person(workspace, policy(quiet_hours=(dropping,)))
    own.decide(event(own, "preference.changed", 0, quiet_from="12:00", quiet_until="15:00"))
    assert reasons(cart(own, 60)) == [("deferred", "quiet_hours", "quiet_hours")]
    [action] = actions_of(own.advance([], at(60 * 9)))
    assert action["decided_at"] >= "2026-03-01T14:00:00Z"


# --- arbitration


def test_one_commercial_message_a_window_the_highest_priority_first(workspace: Workspace) -> None:
    low, high = replace(JOURNEY, name="a_low", priority=10), replace(JOURNEY, name="z_high", priority=90)
    advisory = replace(JOURNEY, name="advice", category=Category.ADVISORY, priority=1)
    someone = person(workspace, policy(arbitration=Arbitration(DAY_US, 0)), low, high, advisory)
    found = [(decision.journey, decision.reason.value) for decision in cart(someone, 0)]
    assert found == [("z_high", "passed"), ("a_low", "another_message"), ("advice", "passed")]


def test_a_window_is_reserved_for_a_higher_priority(workspace: Workspace) -> None:
    high = replace(JOURNEY, name="high", priority=90, entry=EventEntry(("login",)), steps=after(HOUR_US))
    someone = person(workspace, policy(arbitration=Arbitration(DAY_US, HOUR_US)), JOURNEY, high)
    someone.decide(event(someone, "login", 0))
    [decision] = cart(someone, 10)
    assert reasons([decision]) == [("suppressed", "reserved", "arbitration")]
    assert decision.evidence["for"] == "high"
    lower = person(workspace, policy(arbitration=Arbitration(DAY_US, MINUTE_US)), JOURNEY, high)
    lower.decide(event(lower, "login", 0))
    assert reason(cart(lower, 10)) == "passed"


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


# --- conversions


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
