"""Which of several journeys goes first: by priority, then by propensity, then by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas.action import Category
from schemas.timestamps import DAY_US, HOUR_US
from schemas.workspace import Workspace
from schemas.workspace.condition import Op, Subject, Test
from schemas.workspace.entries import EventEntry
from schemas.workspace.model import Journey, Model
from schemas.workspace.policy import Arbitration, ConsentRule, Policy
from schemas.workspace.steps import AttributeSource, DataSource, FieldSource, LiteralSource, ModelSource
from tests.fold_events import PERSON, START_US, fold_event
from tests.journeys import EMPTY, JOURNEY, after, with_journeys
from transforms.core.engine import Engine
from transforms.core.fold_event import FoldEvent
from transforms.core.plan import Models

ONE_A_DAY = Policy(
    consents=dict.fromkeys(Category, ConsentRule.NOT_NEEDED), arbitration=Arbitration(DAY_US, 0)
)


def journey(name: str, priority: int = 50, propensity: DataSource | None = None) -> Journey:
    return replace(JOURNEY, name=name, priority=priority, propensity=propensity)


def workspace_of(shop: Workspace, journeys: Sequence[Journey], models: Sequence[Model] = ()) -> Workspace:
    given = replace(with_journeys(shop, *journeys), policy=ONE_A_DAY)
    return replace(given, models={model.name: model for model in models})


def sent(engine: Engine, *events: FoldEvent, as_of_us: int = START_US + DAY_US) -> list[str | None]:
    advanced = engine.advance(0, EMPTY, {}, {PERSON: list(events)}, as_of_us)
    return [item.journey for item in advanced.commit.outbox.decisions if item.outcome == "sent"]


def cart(engine: Engine, price: float = 25.5) -> FoldEvent:
    return fold_event(engine.plan, "cart_added", {"sku": "A", "price": price}, START_US)


@pytest.mark.parametrize(
    ("journeys", "first"),
    [
        ([journey("a"), journey("b")], "a"),
        ([journey("a"), journey("b", 60)], "b"),
        ([journey("a"), journey("b", propensity=LiteralSource(0.1))], "b"),
        ([journey("a", propensity=LiteralSource(0.2)), journey("b", propensity=LiteralSource(0.3))], "b"),
        ([journey("a", propensity=LiteralSource(0.4)), journey("b", propensity=LiteralSource(0.3))], "a"),
        ([journey("a", 60), journey("b", propensity=LiteralSource(0.9))], "a"),
        ([journey("a"), journey("b", propensity=LiteralSource("high"))], "a"),
    ],
)
def test_the_likeliest_of_one_priority_goes_first(
    workspace: Workspace, journeys: list[Journey], first: str
) -> None:
    engine = Engine(workspace_of(workspace, journeys))
    assert sent(engine, cart(engine)) == [first]


def test_a_propensity_is_read_from_the_event_and_from_the_profile(workspace: Workspace) -> None:
    journeys = [
        journey("a", propensity=AttributeSource("activity")),
        journey("b", propensity=FieldSource("price")),
    ]
    engine = Engine(workspace_of(workspace, journeys))
    logins = [
        fold_event(engine.plan, "login", {}, START_US - HOUR_US, event_id=f"l{number}") for number in range(3)
    ]
    assert sent(engine, *logins, cart(engine, 2.5)) == ["a"]
    assert sent(engine, *logins, cart(engine, 3.5)) == ["b"]


def lead(engine: Engine, event_id: str, campaign: str, propensity: float | None) -> FoldEvent:
    data: dict[str, Any] = {"campaign": campaign, "propensity": propensity}
    return fold_event(engine.plan, "lead.created", data, START_US, event_id=event_id)


def test_of_leads_that_wait_for_one_time_the_likeliest_goes_first(workspace: Workspace) -> None:
    def of(campaign: str) -> Journey:
        where = Test(Subject("field", "campaign"), Op.EQ, campaign)
        return replace(
            journey(campaign, propensity=FieldSource("propensity")),
            entry=EventEntry(("lead.created",), where),
            steps=after(HOUR_US),
        )

    engine = Engine(workspace_of(workspace, [of("a"), of("b"), of("c")]))
    leads = [lead(engine, "1", "a", 0.2), lead(engine, "2", "b", 0.7), lead(engine, "3", "c", None)]
    assert sent(engine, *leads) == ["b"]


def test_a_model_is_given_its_inputs_as_of_the_decision(workspace: Workspace) -> None:
    asked: list[list[float]] = []

    def score(inputs: Sequence[float]) -> float:
        asked.append(list(inputs))
        return 0.5

    models: Models = {"likes": score}
    model = Model("likes", Path("unused"), ("activity", "spend", "name"))
    engine = Engine(
        workspace_of(workspace, [journey("a"), journey("b", propensity=ModelSource("likes"))], [model]),
        models,
    )
    login = fold_event(engine.plan, "login", {}, START_US - HOUR_US, event_id="login")
    assert sent(engine, login, cart(engine)) == ["b"]
    assert asked == [[1.0, 0.0, 0.0]]


def test_a_journey_without_rivals_asks_no_model(workspace: Workspace) -> None:
    def score(inputs: Sequence[float]) -> float:
        raise AssertionError("a score that nobody needs")

    model = Model("likes", Path("unused"), ("activity",))
    given = workspace_of(workspace, [journey("b", propensity=ModelSource("likes"))], [model])
    engine = Engine(given, {"likes": score})
    assert sent(engine, cart(engine)) == ["b"]
    waiting = replace(given, journeys=(replace(given.journeys[0], steps=after(HOUR_US)),))
    engine = Engine(waiting, {"likes": score})
    assert sent(engine, cart(engine)) == ["b"]
