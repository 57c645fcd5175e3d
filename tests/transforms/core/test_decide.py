"""Decisions: each gate and its reason, versions, and what an action holds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.action import Action
from schemas.decision import Reason
from schemas.timestamps import DAY_US, HOUR_US, MINUTE_US, format_rfc3339
from schemas.workspace import Workspace
from schemas.workspace.condition import All, Op, Subject, Test
from schemas.workspace.entries import EventEntry
from schemas.workspace.model import Journey
from schemas.workspace.steps import AttributeSource, DataSource, FieldSource, LiteralSource
from tests.fold_events import PERSON, START_US, at, fold_event
from tests.journeys import JOURNEY, SEND, SENT, Person, actions_of, after, reasons, with_journeys
from tests.transforms.core.carts import COOLDOWN, WAITING, cart, person


def test_entry_without_a_wait_sends_at_once(workspace: Workspace) -> None:
    someone = person(workspace, JOURNEY)
    decision = someone.decide(cart(someone))[0]
    assert reasons([decision]) == [SENT]
    assert (decision.person_id, decision.journey, decision.journey_version, decision.step) == (
        PERSON,
        "cart",
        1,
        "remind",
    )
    assert (decision.as_of_us, decision.cause.event_id, decision.cause.source) == (START_US, "c0", "/test")
    assert decision.change == {"contact": decision.action_id}
    assert decision.action_id is not None


def test_other_events_enter_nothing(workspace: Workspace) -> None:
    someone = person(workspace, JOURNEY)
    assert someone.decide(fold_event(someone.plan, "login", {})) == []


def test_entry_condition_says_which_events_are_candidates(workspace: Workspace) -> None:
    dear = Test(Subject("field", "price"), Op.GE, 20)
    someone = person(workspace, replace(JOURNEY, entry=EventEntry(("cart_added",), dear)))
    assert someone.decide(cart(someone, 0, price=19.99)) == []
    assert reasons(someone.decide(cart(someone, 1, price=20))) == [SENT]


def test_a_copy_decides_nothing(workspace: Workspace) -> None:
    someone = person(workspace, JOURNEY)
    assert len(someone.decide(cart(someone), cart(someone))) == 1
    assert someone.decide(cart(someone)) == []


def test_a_late_event_decides_nothing(workspace: Workspace) -> None:
    someone = person(workspace, JOURNEY)
    late = cart(someone, publish_us=START_US + workspace.allowed_lateness_us + 1)
    assert someone.decide(late) == []


@pytest.mark.parametrize(
    ("keys", "reason", "evidence"),
    [
        ({"active": False}, "inactive", {"active": False}),
        ({"valid_from_us": START_US + 1}, "not_yet_valid", {"valid_from": format_rfc3339(START_US + 1)}),
        ({"valid_until_us": START_US}, "no_longer_valid", {"valid_until": format_rfc3339(START_US)}),
    ],
)
@pytest.mark.parametrize("wait_us", [0, HOUR_US])
def test_validity(
    workspace: Workspace, keys: dict[str, Any], reason: str, evidence: dict[str, Any], wait_us: int
) -> None:
    someone = person(workspace, replace(JOURNEY, steps=after(wait_us) if wait_us else (SEND,), **keys))
    decisions = someone.decide(cart(someone))
    assert reasons(decisions) == [("suppressed", reason, "validity")]
    assert decisions[0].evidence == evidence
    assert decisions[0].action_id is None
    assert someone.image()["journeys"] == {}


def test_validity_includes_its_start_and_excludes_its_end(workspace: Workspace) -> None:
    someone = person(workspace, replace(JOURNEY, valid_from_us=START_US, valid_until_us=START_US + 1))
    assert reasons(someone.decide(cart(someone))) == [SENT]


def test_validity_is_asked_again_when_the_wait_ends(workspace: Workspace) -> None:
    someone = person(workspace, replace(WAITING, valid_until_us=at(30)))
    assert someone.decide(cart(someone)) == []
    assert reasons(someone.decide(as_of_us=at(60))) == [("suppressed", "no_longer_valid", "validity")]


def test_condition_on_attributes_and_fields(workspace: Workspace) -> None:
    condition = All(
        (
            Test(Subject("attribute", "items_in_cart"), Op.CONTAINS, "A"),
            Test(Subject("field", "sku"), Op.EQ, "B"),
        )
    )
    someone = person(workspace, replace(JOURNEY, condition=condition))
    evidence_b = {"field": "sku", "op": "eq", "value": "B"}
    failed = someone.decide(cart(someone, 0, sku="A"))
    assert reasons(failed) == [("suppressed", "condition_not_met", "condition")]
    assert failed[0].evidence == {
        "condition": [
            {"attribute": "items_in_cart", "op": "contains", "value": "A", "found": {"A": 1}, "holds": True},
            {**evidence_b, "found": "A", "holds": False},
        ]
    }
    passed = someone.decide(cart(someone, 1, sku="B"))
    assert reasons(passed) == [SENT]
    assert passed[0].evidence["condition"][1] == {**evidence_b, "found": "B", "holds": True}


def test_condition_is_asked_as_of_the_end_of_the_wait(workspace: Workspace) -> None:
    recent = Test(Subject("attribute", "last_seen"), Op.WITHIN, 30 * MINUTE_US)
    someone = person(workspace, replace(WAITING, condition=recent))
    someone.decide(cart(someone))
    assert reasons(someone.decide(as_of_us=at(90))) == [("suppressed", "condition_not_met", "condition")]
    someone = person(workspace, replace(WAITING, condition=recent))
    login = fold_event(someone.plan, "login", {}, at(40), event_id="l")
    assert reasons(someone.decide(cart(someone), login, as_of_us=at(90))) == [SENT]


def test_cooldown_begins_with_a_sent_action(workspace: Workspace) -> None:
    someone = person(workspace, replace(JOURNEY, cooldown_us=HOUR_US))
    decisions = someone.decide(*(cart(someone, minute) for minute in (0, 30, 59, 60, 61)))
    assert reasons(decisions) == [SENT, COOLDOWN, COOLDOWN, SENT, COOLDOWN]
    assert decisions[1].evidence == {
        "last_sent": format_rfc3339(at(0)),
        "cooldown_until": format_rfc3339(at(60)),
    }


def test_cooldown_outlives_the_image(workspace: Workspace) -> None:
    year_us = 365 * DAY_US
    someone = person(workspace, replace(JOURNEY, cooldown_us=year_us))
    someone.decide(cart(someone))
    minutes = year_us // MINUTE_US
    assert reasons(someone.decide(cart(someone, minutes - 1))) == [COOLDOWN]
    assert reasons(someone.decide(cart(someone, minutes))) == [SENT]


def test_cooldown_is_of_one_journey(workspace: Workspace) -> None:
    journeys = (replace(JOURNEY, cooldown_us=HOUR_US), replace(JOURNEY, name="other", cooldown_us=HOUR_US))
    someone = person(workspace, *journeys)
    assert reasons(someone.decide(cart(someone, 0), cart(someone, 1))) == [SENT, SENT, COOLDOWN, COOLDOWN]


def test_contacts_that_no_gate_asks_for_leave_the_profile(workspace: Workspace) -> None:
    someone = person(workspace, replace(JOURNEY, cooldown_us=HOUR_US))
    someone.decide(cart(someone))
    assert len(someone.image()["contacts"]) == 1
    someone.decide(fold_event(someone.plan, "login", {}, START_US + 90 * DAY_US - 1, event_id="l1"))
    assert len(someone.image()["contacts"]) == 1
    someone.decide(fold_event(someone.plan, "login", {}, START_US + 90 * DAY_US, event_id="l2"))
    assert someone.image()["contacts"] == []


BY_MAIL = replace(JOURNEY, steps=(replace(SEND, channels=("email",)),))


def test_no_address_no_action(workspace: Workspace) -> None:
    someone = person(workspace, BY_MAIL)
    decisions = someone.decide(cart(someone))
    assert reasons(decisions) == [("suppressed", "no_address", "address")]
    assert decisions[0].evidence == {"channel": "email", "namespace": "email"}


def test_address_is_the_identity_that_appeared_last(workspace: Workspace) -> None:
    someone = person(workspace, BY_MAIL)
    known = [
        cart(someone, minute, identities=identities)
        for minute, identities in enumerate(
            (("email:new@b.de",), ("email:old@b.de",), ("email:new@b.de", "cookie:x"))
        )
    ]
    sent = actions_of(someone.advance(known, at(9)))
    assert [action["address"] for action in sent] == ["new@b.de", "old@b.de", "old@b.de"]


def test_channel_that_looks_the_address_up_gets_none(workspace: Workspace) -> None:
    someone = person(workspace, JOURNEY)
    sent = actions_of(someone.advance([cart(someone, identities=("email:a@b.de",))], START_US))
    assert "address" not in sent[0]


def test_gates_are_passed_in_order(workspace: Workspace) -> None:
    """Each gate that fails hides those behind it."""
    never = Test(Subject("field", "sku"), Op.EQ, "never")
    failing: dict[str, Any] = {"condition": never, "steps": BY_MAIL.steps}
    someone = person(workspace, replace(JOURNEY, active=False, **failing))
    assert someone.decide(cart(someone))[0].reason is Reason.INACTIVE
    someone = person(workspace, replace(JOURNEY, **failing))
    assert someone.decide(cart(someone))[0].reason is Reason.CONDITION_NOT_MET
    someone = person(workspace, BY_MAIL)
    assert someone.decide(cart(someone))[0].reason is Reason.NO_ADDRESS
    # Cooldown goes before the address: the address is lost with a workspace that has another namespace.
    cooling = replace(BY_MAIL, cooldown_us=DAY_US)
    someone = person(workspace, cooling)
    someone.decide(cart(someone, identities=("email:a@b.de",)))
    assert someone.decide(cart(someone, 1))[0].reason is Reason.COOLDOWN


SOURCES: dict[str, DataSource] = {
    "name": AttributeSource("name"),
    "cart": AttributeSource("items_in_cart"),
    "spend": AttributeSource("spend"),
    "sku": FieldSource("sku"),
    "absent": FieldSource("email"),
    "text": LiteralSource("x"),
    "list": LiteralSource([1, {"a": None}]),
}


def test_action_holds_what_the_contract_says(workspace: Workspace) -> None:
    send = replace(SEND, channels=("email",), data=SOURCES, expires_after_us=2 * HOUR_US)
    someone = person(workspace, replace(JOURNEY, steps=(send,), version=3, priority=40))
    bill = fold_event(
        someone.plan, "purchase", {"total": "12.50", "currency": "EUR"}, START_US - 1, event_id="p",
        identities=("email:a@b.de",),
    )  # fmt: skip
    advanced = someone.advance([bill, cart(someone, sku="S1")], START_US)
    outbound = advanced.commit.outbox.actions[0]
    action = Action.model_validate_json(outbound.body)
    assert actions_of(advanced) == [
        {
            "action_id": outbound.action_id,
            "workspace": "shop",
            "person_id": PERSON,
            "channel": "email",
            "address": "a@b.de",
            "category": "commercial",
            "journey": "cart",
            "journey_version": 3,
            "step": "remind",
            "template": "reminder",
            "data": {"cart": {"S1": 1}, "list": [1, {"a": None}], "sku": "S1", "spend": 12.5, "text": "x"},
            "priority": 40,
            "sequence": advanced.commit.sequence,
            "cause": {
                "event_id": "c0",
                "source": "/test",
                "type": "cart_added",
                "time": "2026-03-01T12:00:00Z",
            },
            "decided_at": "2026-03-01T12:00:00Z",
            "expires_at": "2026-03-01T14:00:00Z",
        }
    ]
    assert (outbound.channel, len(action.action_id)) == ("email", 32)


def test_fields_of_the_entry_event_are_kept_through_the_wait(workspace: Workspace) -> None:
    send = replace(SEND, data={"sku": FieldSource("sku")})
    someone = person(workspace, replace(JOURNEY, steps=after(HOUR_US, send)))
    someone.decide(cart(someone, 0, sku="first"))
    later = someone.advance([cart(someone, 10, sku="second")], at(120))
    assert [action["data"] for action in actions_of(later)] == [{"sku": "first"}]


def test_ids_name_what_they_are_about(workspace: Workspace) -> None:
    """Another cause, journey or step is another action; the same again is the same."""
    steps = [
        JOURNEY,
        replace(JOURNEY, name="other"),
        replace(JOURNEY, name="third", steps=(replace(SEND, name="two"),)),
    ]
    ids = set()
    for _ in range(2):
        someone = person(workspace, *steps)
        advanced = someone.advance([cart(someone, 0), cart(someone, 1)], at(1))
        ids |= {action.action_id for action in advanced.commit.outbox.actions}
        decision_ids = [decision.decision_id for decision in advanced.commit.outbox.decisions]
        assert len(set(decision_ids)) == len(decision_ids) == 6
    assert len(ids) == 6


def test_a_run_finishes_on_the_version_that_it_entered(workspace: Workspace) -> None:
    someone = person(workspace, WAITING)
    someone.decide(cart(someone))
    newer = replace(WAITING, version=2, steps=after(HOUR_US, replace(SEND, template="newer")))
    again = Person(replace(with_journeys(workspace, newer), earlier=(WAITING,)))
    again.images, again.head = someone.images, someone.head
    advanced = again.advance([], at(60))
    assert [(action["journey_version"], action["template"]) for action in actions_of(advanced)] == [
        (1, "reminder")
    ]
    later = again.advance([cart(again, 70), cart(again, 130, event_id="last")], at(200))
    assert [(action["journey_version"], action["template"]) for action in actions_of(later)] == [(2, "newer")]


@pytest.mark.parametrize("journeys", [(), (replace(WAITING, version=2),)], ids=["no journey", "no version"])
def test_a_run_whose_version_is_gone_ends_and_says_so(
    workspace: Workspace, journeys: tuple[Journey, ...]
) -> None:
    someone = person(workspace, WAITING)
    someone.decide(cart(someone))
    again = person(workspace, *journeys)
    again.images, again.head = someone.images, someone.head
    decisions = again.decide(as_of_us=at(60))
    assert reasons(decisions) == [("suppressed", "version_gone", None)]
    assert (decisions[0].journey, decisions[0].journey_version, decisions[0].step) == ("cart", 1, None)
    assert again.image()["journeys"] == {}


def test_contacts_are_kept_in_the_order_of_their_times_whichever_was_decided_first(
    workspace: Workspace,
) -> None:
    waits = replace(JOURNEY, steps=after(60 * MINUTE_US))
    at_once = replace(JOURNEY, name="at_once", entry=EventEntry(("login",)))
    someone = Person(with_journeys(workspace, waits, at_once))
    someone.decide(cart(someone), as_of_us=at(0))
    ahead = fold_event(someone.plan, "login", {}, at(70), event_id="ahead", publish_us=at(20))
    assert reasons(someone.decide(ahead, as_of_us=at(20))) == [("sent", "passed", None)]
    someone.decide(as_of_us=at(90))
    assert [contact[0] for contact in someone.image()["contacts"]] == [at(60), at(70)]
