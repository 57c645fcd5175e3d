"""Nominees: who is told as well, of what, and what never reaches them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.action import Action, Category
from schemas.timestamps import HOUR_US, format_rfc3339
from schemas.workspace import Workspace
from schemas.workspace.entries import EventEntry, Reentry
from schemas.workspace.model import Journey
from schemas.workspace.policy import SOLICITING, Cap, ConsentRule, Policy, UseCase
from tests.fold_events import START_US, at, fold_event
from tests.journeys import JOURNEY, SEND, Person, actions_of, with_journeys
from transforms.core.engine import Advanced
from transforms.core.fold_event import FoldEvent

ANN = "email:ann@example.com"
BEA = {"use_case": "orders", "namespace": "email", "value": "bea@example.com"}
CEM = {"use_case": "orders", "namespace": "email", "value": "cem@example.com"}
USE_CASES = {name: UseCase(name, True) for name in ("orders", "other")}
ORDERS = replace(
    JOURNEY,
    name="orders",
    category=Category.OPERATIVE,
    entry=EventEntry(("cart_added",)),
    reentry=Reentry.ALWAYS,
    use_case="orders",
    steps=(replace(SEND, channels=("email",)),),
)
CART = {"sku": "A", "price": 25.5}


def person(workspace: Workspace, *journeys: Journey, **keys: Any) -> Person:
    policy = Policy(consents=dict.fromkeys(Category, ConsentRule.NOT_NEEDED), use_cases=USE_CASES, **keys)
    return Person(replace(with_journeys(workspace, *(journeys or (ORDERS,))), policy=policy))


def event(someone: Person, kind: str, minute: int, data: dict[str, Any]) -> FoldEvent:
    return fold_event(
        someone.plan,
        kind,
        data,
        at(minute),
        event_id=f"{kind}{minute}{data.get('value')}",
        identities=(ANN,),
    )


def cart(someone: Person, minute: int) -> Advanced:
    return someone.advance([event(someone, "cart_added", minute, CART)], at(minute))


def say(someone: Person, kind: str, minute: int, data: dict[str, Any]) -> None:
    someone.decide(event(someone, kind, minute, data))


def told(advanced: Advanced) -> list[str]:
    """The addresses of a batch's actions."""
    return [action["address"] for action in actions_of(advanced)]


def test_a_nominee_gets_an_action_beside_the_person_s(workspace: Workspace) -> None:
    someone = person(workspace)
    say(someone, "contact.nominated", 0, BEA | {"name": "Bea", "language": "tr", "value": " Bea@Example.com"})
    advanced = cart(someone, 1)
    mine, hers = actions_of(advanced)
    assert (mine["address"], "nominee" in mine) == ("ann@example.com", False)
    assert hers["address"] == "bea@example.com"
    assert hers["nominee"] == {"name": "Bea", "language": "tr"}
    assert hers["language"] == "tr"
    own = ("action_id", "address", "nominee", "language")
    assert {key: hers[key] for key in hers if key not in own} == {
        key: mine[key] for key in mine if key not in own
    }
    first, second = advanced.commit.outbox.decisions
    assert (first.reason, second.reason, second.outcome, second.gate) == ("passed", "nominated", "sent", None)
    assert (second.action_id, second.change) == (hers["action_id"], {})
    assert second.evidence == {
        "use_case": "orders",
        "nominated": format_rfc3339(START_US),
        "source": "/test",
        "sent_with": mine["action_id"],
    }
    assert b"bea" not in msgspec.json.encode(second)
    assert len({first.decision_id, second.decision_id, mine["action_id"], hers["action_id"]}) == 4


def test_the_bytes_are_those_of_the_contract(workspace: Workspace) -> None:
    someone = person(workspace)
    say(someone, "contact.nominated", 0, BEA | {"name": "Bea"})
    say(someone, "contact.nominated", 1, CEM)
    actions = cart(someone, 2).commit.outbox.actions
    assert len(actions) == 3
    for action in actions:
        model = Action.model_validate_json(action.body)
        assert action.body == model.model_dump_json(exclude_none=True).encode()


@pytest.mark.parametrize("category", list(Category))
def test_only_what_has_to_be_told_is_told_nominees(workspace: Workspace, category: Category) -> None:
    someone = person(workspace, replace(ORDERS, category=category))
    say(someone, "contact.nominated", 0, BEA)
    assert len(told(cart(someone, 1))) == (1 if category in SOLICITING else 2)


@pytest.mark.parametrize(
    ("nomination", "also"),
    [
        (BEA, ["bea@example.com"]),
        (BEA | {"use_case": "other"}, []),
        (BEA | {"use_case": "unknown"}, []),
        (BEA | {"namespace": "unknown"}, []),
        (BEA | {"namespace": "phone", "value": "+491701234567"}, []),
        (BEA | {"value": "no address"}, []),
        (BEA | {"value": "Ann@example.com"}, []),
    ],
)
def test_whom_a_nomination_reaches(workspace: Workspace, nomination: dict[str, Any], also: list[str]) -> None:
    someone = person(workspace)
    say(someone, "contact.nominated", 0, nomination)
    assert told(cart(someone, 1)) == ["ann@example.com", *also]


def test_what_is_not_sent_to_the_person_reaches_nobody(workspace: Workspace) -> None:
    journeys = {
        "web": replace(ORDERS, steps=(SEND,)),
        "no use case": replace(ORDERS, use_case=None),
        "rehearsed": replace(ORDERS, mode="dry_run"),
        "not valid": replace(ORDERS, valid_until_us=START_US),
    }
    found = {}
    for name, journey in journeys.items():
        someone = person(workspace, journey)
        say(someone, "contact.nominated", 0, BEA)
        found[name] = len(cart(someone, 1).commit.outbox.actions)
    assert found == {"web": 1, "no use case": 1, "rehearsed": 0, "not valid": 0}
    someone = person(workspace)
    say(someone, "contact.nominated", 0, BEA)
    say(someone, "subscription.changed", 1, {"use_case": "orders", "subscribed": False})
    assert told(cart(someone, 2)) == []


def test_the_latest_word_stands_in_whatever_order_it_comes(workspace: Workspace) -> None:
    images = set()
    words = [("contact.nominated", 0, BEA), ("contact.withdrawn", 2, BEA), ("contact.nominated", 1, CEM)]
    for order in permutations(words):
        someone = person(workspace)
        for kind, minute, data in order:
            say(someone, kind, minute, data)
        assert told(cart(someone, 3)) == ["ann@example.com", "cem@example.com"]
        images.add(json.dumps(someone.image()["consents"]))
    assert len(images) == 1


def test_who_is_named_again_is_told_again(workspace: Workspace) -> None:
    someone = person(workspace)
    for kind, minute, about in (("nominated", 0, BEA), ("withdrawn", 2, BEA), ("nominated", 1, CEM)):
        say(someone, f"contact.{kind}", minute, about)
    say(someone, "contact.nominated", 4, BEA)
    assert told(cart(someone, 5)) == ["ann@example.com", "cem@example.com", "bea@example.com"]


def test_five_are_told_those_named_first(workspace: Workspace) -> None:
    someone = person(workspace)
    for number in (6, 2, 4, 1, 5, 3):
        say(someone, "contact.nominated", number, BEA | {"value": f"n{number}@example.com"})
    expected = [f"n{number}@example.com" for number in range(1, 6)]
    assert told(cart(someone, 9)) == ["ann@example.com", *expected]


def test_nominees_take_no_cap_and_their_answers_change_nothing(workspace: Workspace) -> None:
    someone = person(workspace, replace(ORDERS, cooldown_us=None), caps=(Cap("all", 2, HOUR_US),))
    say(someone, "contact.nominated", 0, BEA)
    mine, hers = actions_of(cart(someone, 1))
    assert [contact[1] for contact in someone.image()["contacts"]] == [mine["action_id"]]
    say(someone, "action.failed", 2, {"action_id": hers["action_id"]})
    assert [contact[1] for contact in someone.image()["contacts"]] == [mine["action_id"]]
    assert len(told(cart(someone, 3))) == 2


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["contact.nominated", "contact.withdrawn", "cart_added", "login"]),
        st.integers(0, 30),
        st.sampled_from([BEA, CEM, BEA | {"use_case": "other"}]),
    ),
    max_size=15,
)


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_each_word_to_a_nominee_goes_with_one_to_the_person_and_stands_then(
    workspace: Workspace, steps: Sequence[tuple[str, int, dict[str, Any]]]
) -> None:
    advisory = replace(ORDERS, name="advice", category=Category.ADVISORY, entry=EventEntry(("login",)))
    someone, again = person(workspace, ORDERS, advisory), person(workspace, ORDERS, advisory)
    said: dict[tuple[str, str], tuple[int, str, bool]] = {}
    for number, (kind, minute, about) in enumerate(steps):
        data = CART if kind == "cart_added" else {} if kind == "login" else about
        happened = msgspec.structs.replace(event(someone, kind, minute, data), event_id=f"e{number:02d}")
        happened = msgspec.structs.replace(happened, print64=number)
        as_of_us = at(30)
        advanced = someone.advance([happened], as_of_us)
        assert again.advance([happened], as_of_us).commit.outbox == advanced.commit.outbox
        if kind.startswith("contact."):
            key = (about["use_case"], about["value"])
            word = (minute, happened.event_id, kind == "contact.nominated")
            said[key] = max(word, said.get(key, word))
        actions = actions_of(advanced)
        nominees = {action["address"] for action in actions if "nominee" in action}
        standing = {value for (use_case, value), word in said.items() if use_case == "orders" and word[2]}
        assert nominees == (standing if kind == "cart_added" else set())
        assert len(actions) - len(nominees) == (kind in ("cart_added", "login"))
        assert len({action["action_id"] for action in actions}) == len(actions)
