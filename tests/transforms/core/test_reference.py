"""Journeys that look up reference data, in conditions and in what they send."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from schemas.timestamps import DAY_US, HOUR_US, format_rfc3339
from schemas.workspace import Workspace
from schemas.workspace.condition import All, Condition, Lookup, Not, Op, Subject, Test
from schemas.workspace.entries import ConditionEntry, EventEntry
from schemas.workspace.model import Journey
from schemas.workspace.steps import AttributeSource, DataSource, FieldSource, Update, WaitFor
from tests.fold_events import START_US, at, fold_event
from tests.journeys import JOURNEY, SEND, Person, actions_of, reasons, with_journeys
from transforms.core.engine import Engine
from transforms.core.reference import Reference

PRICE, TITLE = Lookup("products", "price"), Lookup("products", "title")
ENDS = Lookup("products", "ends")
TABLES = {
    "products": {
        "price": {"LAMP": 25, "SOFA": 799.5, "7": 7},
        "title": {"LAMP": "Lamp", "SOFA": "Sofa"},
        "ends": {"LAMP": format_rfc3339(START_US + HOUR_US)},
    }
}
DEAR = Test(Subject("field", "sku", PRICE), Op.GE, 100)


def person(workspace: Workspace, *journeys: Journey, tables: Any = TABLES, digest: bytes = b"1") -> Person:
    someone = Person(with_journeys(workspace, *journeys))
    someone.engine = Engine(with_journeys(workspace, *journeys), reference=Reference(tables, digest))
    someone.plan = someone.engine.plan
    return someone


def cart(someone: Person, sku: str, minute: int = 0) -> Any:
    return fold_event(someone.plan, "cart_added", {"sku": sku, "price": 1.0}, at(minute))


@pytest.mark.parametrize(("sku", "enters"), [("LAMP", False), ("SOFA", True), ("UNKNOWN", False)])
def test_an_event_enters_by_what_is_looked_up(workspace: Workspace, sku: str, enters: bool) -> None:
    someone = person(workspace, replace(JOURNEY, entry=EventEntry(("cart_added",), DEAR)))
    assert bool(someone.decide(cart(someone, sku))) is enters


@pytest.mark.parametrize(
    ("condition", "sku", "holds"),
    [
        (DEAR, "SOFA", True),
        (DEAR, "LAMP", False),
        (DEAR, "UNKNOWN", False),
        (Not(DEAR), "UNKNOWN", True),
        (Test(Subject("field", "sku", PRICE), Op.EXISTS, False), "UNKNOWN", True),
        (Test(Subject("field", "sku", PRICE), Op.EXISTS, False), "LAMP", False),
        (Test(Subject("field", "sku", PRICE), Op.EQ, 7), "7", True),
        (Test(Subject("field", "sku", ENDS), Op.WITHIN, DAY_US), "LAMP", False),
        (All((DEAR, Test(Subject("field", "sku", TITLE), Op.IN, ("Sofa", "Bed")))), "SOFA", True),
    ],
)
def test_a_condition_looks_up_by_a_field(
    workspace: Workspace, condition: Condition, sku: str, holds: bool
) -> None:
    someone = person(workspace, replace(JOURNEY, condition=condition))
    [decision] = someone.decide(cart(someone, sku))
    assert decision.reason.value == ("passed" if holds else "condition_not_met")


def test_the_evidence_names_the_table(workspace: Workspace) -> None:
    someone = person(workspace, replace(JOURNEY, condition=DEAR))
    [decision] = someone.decide(cart(someone, "LAMP"))
    assert decision.evidence["condition"] == [
        {
            "field": "sku",
            "table": "products",
            "column": "price",
            "op": "ge",
            "value": 100,
            "found": 25,
            "holds": False,
        }
    ]


def test_a_message_is_filled_with_what_is_looked_up(workspace: Workspace) -> None:
    data: dict[str, DataSource] = {
        "title": FieldSource("sku", TITLE),
        "again": AttributeSource("stage", TITLE),
        "unknown": FieldSource("price", TITLE),
        "calls": AttributeSource("calls", PRICE),
    }
    steps = (Update("0", "stage", FieldSource("sku", TITLE)), replace(SEND, path="1", data=data))
    someone = person(workspace, replace(JOURNEY, steps=steps))
    for minute, reason in enumerate(("SOFA", "NOTHING", "LAMP")):
        call = fold_event(
            someone.plan, "call_wrapped", {"reason": reason}, START_US + minute, event_id=reason
        )
        someone.advance([call], START_US + minute)
    [action] = actions_of(someone.advance([cart(someone, "LAMP", 1)], START_US + HOUR_US))
    # What is written is the title, by which no row is found.
    assert action["data"] == {"title": "Lamp", "calls": [25, 799.5]}


def test_a_wait_for_what_is_looked_up_ends_when_time_has_come(workspace: Workspace) -> None:
    ended = Test(Subject("field", "sku", ENDS), Op.WITHIN, DAY_US)
    wait = WaitFor("0", (), None, ended, 5 * DAY_US, (), ())
    someone = person(workspace, replace(JOURNEY, steps=(wait, replace(SEND, path="1"))))
    someone.advance([cart(someone, "LAMP")], START_US)
    [action] = actions_of(someone.advance([], START_US + 2 * DAY_US))
    assert action["decided_at"] == "2026-03-01T13:00:00Z"


def test_a_journey_begins_when_what_is_looked_up_by_an_attribute_comes_to_hold(workspace: Workspace) -> None:
    dear = Test(Subject("attribute", "name", PRICE), Op.GE, 100)
    someone = person(workspace, replace(JOURNEY, entry=ConditionEntry(dear)))
    told = []
    for minute, name in enumerate(("LAMP", "SOFA", "SOFA", "UNKNOWN")):
        time_us = at(minute)
        event = fold_event(
            someone.plan, "customer_registered", {"name": name}, time_us, event_id=f"e{minute}"
        )
        told.append(reasons(someone.decide(event)))
    assert told == [[], [("sent", "passed", None)], [], []]


def test_the_rows_are_part_of_what_a_commit_was_made_of(workspace: Workspace) -> None:
    tokens = set()
    for digest in (b"1", b"2"):
        someone = person(workspace, JOURNEY, digest=digest)
        tokens.add(someone.advance([cart(someone, "LAMP")], START_US).commit.token)
    assert len(tokens) == 2


def test_an_engine_without_its_tables_does_not_guess(workspace: Workspace) -> None:
    someone = person(workspace, replace(JOURNEY, condition=DEAR), tables={})
    with pytest.raises(KeyError, match="products"):
        someone.decide(cart(someone, "LAMP"))
