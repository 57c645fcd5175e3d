"""Not too much: caps, the frequency that persons chose, and one message a window."""

from __future__ import annotations

from dataclasses import replace

import pytest

from schemas.action import Category
from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US
from schemas.workspace import Workspace
from schemas.workspace.entries import EventEntry
from schemas.workspace.policy import Arbitration, Cap
from tests.fold_events import at
from tests.journeys import JOURNEY, SENT, actions_of, after, event, reasons
from tests.transforms.core.policy import cart, person, policy, reason

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
