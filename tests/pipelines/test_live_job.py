"""The running job on emulators, with a real publisher: reconciled to the last event, through crashes."""

from __future__ import annotations

import json
import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path

import pytest

from pipelines.local.prism import HOW_TO, find_prism
from pipelines.local.services import LocalServices
from schemas.action import Action
from schemas.timestamps import datetime_us
from tests.emulators import missing, require
from tests.pipelines.command_line import well
from tests.pipelines.live_world import LiveWorld, bounded_facts, live_shop, sent_ids

_PROJECTS = count(1)
KILLS = 20


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServices]:
    for service in ("pubsub", "bigtable", "bigquery"):
        require(service)
    if find_prism() is None:
        missing(HOW_TO)
    with LocalServices(tmp_path_factory.mktemp("services")) as running:
        yield running


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live_shop(tmp_path_factory.mktemp("workspaces") / "shop")


@pytest.fixture
def world(services: LocalServices, shop: Path, tmp_path: Path) -> Iterator[LiveWorld]:
    made = LiveWorld.make(services, shop, f"cjaas-test-{next(_PROJECTS)}", tmp_path / "live")
    try:
        yield made
    finally:
        made.stop()


class Firehose:
    """Events of one day, and what the bounded job makes of them."""

    def __init__(self, shop: Path, folder: Path, events: int, seed: int) -> None:
        self.path = folder / "events.ndjson"
        options = ("--workspace", shop, "--events", events, "--days", 1, "--seed", seed)
        self.counts = json.loads(well("generate", *options, "--output", self.path, "--json").out)
        output = folder / "bounded"
        well("run", "--workspace", shop, "--input", self.path, "--output", output)
        self.output = output
        self.lines = events

    def facts(self, world: LiveWorld) -> dict[str, bytes]:
        return bounded_facts(self.output, world.workspace)


def reconcile(world: LiveWorld, firehose: Firehose) -> None:
    """Everything that went in is where it belongs, once; what was decided can be repeated."""
    expected = firehose.facts(world)
    world.eventually("every profile's facts as the bounded job has them", lambda: world.facts() == expected)

    def everything() -> bool:
        world.settle()
        return world.received() == (firehose.counts["valid"], firehose.lines - firehose.counts["valid"])

    world.eventually("every message on the tape or in the dead letters", everything)
    world.stop()
    bodies = world.actions()
    sent = world.sent()
    assert sent == bodies.keys()
    assert len(sent) > 0
    assert all(len(versions) == 1 for versions in bodies.values()), "one body an id"
    images, decisions = world.repeated()
    assert images == world.images()
    assert sent_ids(decisions) == sent
    assert {decision.decision_id for decision in decisions} == world.decision_ids()
    check_laws(world, [Action.model_validate_json(next(iter(versions))) for versions in bodies.values()])


def check_laws(world: LiveWorld, actions: list[Action]) -> None:
    """No person has an action of a journey again within its cooldown."""
    cooldowns = {journey.name: journey.cooldown_us for journey in world.workspace.journeys}
    times: dict[tuple[str, str], list[int]] = defaultdict(list)
    for action in actions:
        times[action.person_id, action.journey].append(datetime_us(action.decided_at))
    checked = 0
    for (_, journey), decided in times.items():
        cooldown_us = cooldowns[journey]
        if cooldown_us is not None:
            checked += 1
            assert all(after - before >= cooldown_us for before, after in pairwise(sorted(decided)))
    assert checked > 0


def test_every_event_is_reconciled(world: LiveWorld, shop: Path, tmp_path: Path) -> None:
    firehose = Firehose(shop, tmp_path, 5_000, seed=3)
    world.start()
    assert world.publish([firehose.path]) == firehose.lines
    reconcile(world, firehose)


def test_kills_at_random_moments_lose_and_double_nothing(
    world: LiveWorld, shop: Path, tmp_path: Path
) -> None:
    firehose = Firehose(shop, tmp_path, 50_000, seed=4)
    chance = random.Random(5)
    publishing = threading.Thread(target=world.publish, args=([firehose.path], 500.0))
    publishing.start()
    waiting = threading.Event()
    for _ in range(KILLS):
        world.start()
        world.eventually("the job says how it fares", lambda: world.status() is not None)
        waiting.wait(chance.uniform(0.0, 3.0))
        world.kill()
    publishing.join()
    world.start()
    reconcile(world, firehose)


def test_two_jobs_at_once_do_what_one_does(world: LiveWorld, shop: Path, tmp_path: Path) -> None:
    firehose = Firehose(shop, tmp_path, 20_000, seed=6)
    world.start("one")
    world.start("other")
    for name in ("one", "other"):
        world.eventually("the job says how it fares", lambda name=name: world.status(name) is not None)  # type: ignore[misc]
    assert world.publish([firehose.path], 400.0) == firehose.lines
    reconcile(world, firehose)
