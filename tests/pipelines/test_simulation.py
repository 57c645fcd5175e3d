"""A simulation decides what a job decides: its small steps come to the same as the job's batches."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from pipelines.people import read_people
from pipelines.simulation import Simulation, Tick
from schemas.store import NO_TOKEN, Head
from schemas.timestamps import MINUTE_US, parse_rfc3339
from schemas.workspace import Workspace, load_workspace
from tests.fold_events import PERSON, fold_event
from tests.journeys_page import write_shop
from tests.pipelines.command_line import SHOP, well
from tests.pipelines.conftest import Firehose, Run
from transforms.core.engine import Engine
from transforms.core.fold_event import FoldEvent
from transforms.core.plan import Plan

START_US = parse_rfc3339("2026-01-09T08:00:00Z")


def without_sequence(body: bytes) -> dict[str, Any]:
    action: dict[str, Any] = json.loads(body)
    del action["sequence"]
    return action


def test_every_decision_and_action_is_the_jobs(firehose: Firehose, shop: Run) -> None:
    workspace = load_workspace(SHOP, {})
    people = read_people(workspace, [str(firehose.path)])
    simulation = Simulation(workspace)
    ticks = [
        tick
        for person_id, events in people.events.items()
        for tick in simulation.ticks(person_id, events, people.publish_us)
    ]
    query = "SELECT decision_id FROM decisions"
    decided = [row["decision_id"] for row in well("sql", query, "--output", shop.output, "--json").lines()]
    assert len(decided) > 100
    assert sorted(item.decision_id for tick in ticks for item in tick.decisions) == sorted(decided)
    sent = [
        without_sequence(line)
        for path in (shop.output / "actions").glob("*.ndjson")
        for line in path.read_bytes().splitlines()
    ]
    simulated = [without_sequence(action.body) for tick in ticks for action in tick.actions]
    assert len(sent) > 10
    assert sorted(simulated, key=repr) == sorted(sent, key=repr)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """With every journey of docs/journeys.md."""
    directory = tmp_path_factory.mktemp("page") / "shop"
    write_shop(directory, with_journeys=True)
    return load_workspace(directory, {})


def some_events(random: Random, plan: Plan) -> list[FoldEvent]:
    """Events of some days, many at one time, and at times at which waits are due."""
    data: dict[str, dict[str, Any]] = {
        "customer_registered": {"name": "Ann"},
        "cart_added": {"sku": "LAMP", "price": 25},
        "purchase": {"total": "120.00", "currency": "EUR"},
        "call_wrapped": {"reason": "price"},
        "login": {},
        "order_sent": {"order": 100},
        "order_arrived": {"order": 100},
        "visit_booked": {"at": "2026-01-12T14:00:00Z"},
        "visit_cancelled": {},
    }
    events = []
    for number in range(40):
        kind = random.choice(list(data))
        more: dict[str, Any] = {}
        if kind == "cart_added":
            more["price"] = random.choice([10, 25, 100, 1000])
        if kind.startswith("order"):
            more["order"] = random.choice([100, 101])
        events.append(
            fold_event(
                plan,
                kind,
                {**data[kind], **more},
                START_US + random.randrange(200) * 30 * MINUTE_US,
                event_id=f"e{number}",
                identities=("customer:ann", "email:ann@example.com"),
            )
        )
    return events


def plain(decisions: list[Any]) -> list[str]:
    return sorted(repr((item.decision_id, item.evidence, item.change, item.action_id)) for item in decisions)


@pytest.mark.parametrize("seed", range(20))
def test_steps_come_to_what_one_batch_comes_to(workspace: Workspace, seed: int) -> None:
    random = Random(seed)
    simulation = Simulation(workspace)
    events = some_events(random, simulation.plan)
    as_of_us = max(event.time_us for event in events) + random.randrange(5) * 24 * 60 * MINUTE_US
    engine = Engine(workspace)
    at_once = engine.advance(0, Head(0, NO_TOKEN, None), {}, {PERSON: events}, as_of_us).commit
    ticks: list[Tick] = list(simulation.ticks(PERSON, random.sample(events, len(events)), as_of_us))
    decisions = [item for tick in ticks for item in tick.decisions]
    assert len({item.journey for item in decisions}) > 4
    assert plain(decisions) == plain(at_once.outbox.decisions)
    assert [without_sequence(action.body) for tick in ticks for action in tick.actions] == [
        without_sequence(action.body) for action in at_once.outbox.actions
    ]
    image = json.loads(at_once.images[PERSON])
    assert {slot: run["at"] for slot, run in image["journeys"].items()} == {
        slot: run.at for slot, run in ticks[-1].after.runs.items()
    }
    times = [tick.time_us for tick in ticks]
    assert times == sorted(times)
    assert all(item.as_of_us == tick.time_us for tick in ticks for item in tick.decisions)
