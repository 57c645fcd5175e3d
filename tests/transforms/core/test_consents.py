"""What persons say: consents, subscriptions, and the channels that they prefer."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from schemas.action import Category
from schemas.workspace import Workspace
from schemas.workspace.policy import ConsentRule, Policy, UseCase
from tests.fold_events import START_US, at
from tests.journeys import JOURNEY, SEND, SENT, actions_of, event, reasons
from tests.transforms.core.policy import FREE, cart, person, policy, reason

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
