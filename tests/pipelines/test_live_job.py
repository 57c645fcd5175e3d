"""The running job on emulators, with a real publisher: reconciled to the last event, through crashes."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from pipelines.local.prism import HOW_TO, find_prism
from pipelines.local.services import LocalServices
from tests.emulators import missing, require
from tests.pipelines.live_world import LiveWorld, live_shop
from tests.pipelines.reconciliation import Firehose, reconcile

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


def test_every_event_is_reconciled(world: LiveWorld, shop: Path, tmp_path: Path) -> None:
    firehose = Firehose.generated(shop, tmp_path, 5_000, seed=3)
    world.start()
    assert world.publish([firehose.path]) == firehose.messages
    reconcile(world, firehose)


def test_kills_at_random_moments_lose_and_double_nothing(
    world: LiveWorld, shop: Path, tmp_path: Path
) -> None:
    firehose = Firehose.generated(shop, tmp_path, 50_000, seed=4)
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
    firehose = Firehose.generated(shop, tmp_path, 20_000, seed=6)
    world.start("one")
    world.start("other")
    for name in ("one", "other"):
        world.eventually("the job says how it fares", lambda name=name: world.status(name) is not None)  # type: ignore[misc]
    assert world.publish([firehose.path], 400.0) == firehose.messages
    reconcile(world, firehose)
