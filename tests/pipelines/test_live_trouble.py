"""The running job while its services fail, hang, restart, and hand it poison: nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from pipelines.local.prism import HOW_TO, find_prism
from schemas.dead_letter import DeadLetterError
from tests.emulators import missing, require
from tests.pipelines.durable_services import DurableServices
from tests.pipelines.live_records import Letter
from tests.pipelines.live_world import LiveWorld, live_shop
from tests.pipelines.poison import REFUSED_QUERY, Poison, gathering_person, giants, poisons, write_among
from tests.pipelines.random_faults import RandomFaults, calm
from tests.pipelines.reconciliation import Firehose, generate, reconcile
from tests.sinks.append_rows_proxy import AppendFault
from tests.sinks.pubsub_copy import read_pubsub
from transforms.core.envelope import MAX_PAYLOAD_BYTES

_PROJECTS = count(1)
REASON = "no table takes this"


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DurableServices]:
    for service in ("pubsub", "bigtable", "bigquery"):
        require(service)
    if find_prism() is None:
        missing(HOW_TO)
    with DurableServices(tmp_path_factory.mktemp("services")) as running:
        yield running


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return live_shop(tmp_path_factory.mktemp("workspaces") / "shop")


@pytest.fixture
def world(services: DurableServices, shop: Path, tmp_path: Path) -> Iterator[LiveWorld]:
    project = f"cjaas-trouble-{next(_PROJECTS)}"
    made = LiveWorld.make(services, shop, project, tmp_path / "live", services.endpoints_between())
    try:
        yield made
    finally:
        made.stop()


def test_each_service_may_be_restarted(
    services: DurableServices, world: LiveWorld, shop: Path, tmp_path: Path
) -> None:
    firehose = Firehose.generated(shop, tmp_path, 6_000, seed=7)
    restarts: list[tuple[Callable[[LiveWorld], None], Callable[[], int]]] = [
        (services.restart_pubsub, lambda: services.pubsub.calls["Acknowledge"]),
        (services.restart_bigtable, lambda: services.bigtable.calls["CheckAndMutateRow"]),
        (services.restart_bigquery, lambda: services.bigtable.calls["CheckAndMutateRow"]),
    ]
    world.start()
    with ThreadPoolExecutor(1) as publisher:
        publishing = publisher.submit(world.publish, [firehose.path], 150.0, as_job=True)
        for restart, calls in restarts:
            before = calls()
            world.eventually("the job is at work", lambda: calls() >= before + 20)  # noqa: B023
            restart(world)
        assert publishing.result() == firehose.messages
    reconcile(world, firehose, published_once=False)


def test_services_may_fail_at_random(
    services: DurableServices, world: LiveWorld, shop: Path, tmp_path: Path
) -> None:
    firehose = Firehose.generated(shop, tmp_path, 4_000, seed=8)
    faults = RandomFaults(services, seed=9)
    try:
        world.start()
        with ThreadPoolExecutor(1) as publisher:
            publishing = publisher.submit(world.publish, [firehose.path], 100.0)
            world.eventually("the job is at work", lambda: faults.bigtable.happened.total() >= 100)
            faults.hanging |= {"CheckAndMutateRow", "Publish", "tape_raw"}
            assert publishing.result() == firehose.messages
        reconcile(world, firehose)
        assert not faults.missing()
    finally:
        calm(services)


def test_poison_is_kept_and_all_else_goes_on(
    services: DurableServices, world: LiveWorld, shop: Path, tmp_path: Path
) -> None:
    generate(shop, tmp_path / "good.ndjson", 3_000, seed=10)
    lines = (tmp_path / "good.ndjson").read_bytes().splitlines()
    hostile = [*poisons(), *gathering_person(300), *giants(world.workspace, 12)]
    untaken = [message for message in hostile if message.error is DeadLetterError.REFUSED_BY_TAPE]
    others = [message for message in hostile if message not in untaken]
    write_among(lines, hostile, tmp_path / "hostile.ndjson", seed=11)
    write_among(lines, others, tmp_path / "others.ndjson", seed=11)
    firehose = Firehose.of_file(shop, tmp_path / "others.ndjson")
    firehose = replace(
        firehose,
        path=tmp_path / "hostile.ndjson",
        dead_letters=firehose.dead_letters + len(untaken),
        refused=frozenset(message.body for message in untaken),
    )
    refusing = AppendFault(refused=lambda row: REASON if REFUSED_QUERY.encode() in row["payload"] else None)
    services.bigquery.usual_append = lambda table: refusing if table == "tape_raw" else AppendFault()
    try:
        world.start()
        assert world.publish([firehose.path]) == firehose.messages
        reconcile(world, firehose)
    finally:
        calm(services)
    assert not left_over(services, world), "every message is acknowledged"
    letters = world.records().letters()
    for message in hostile:
        if message.error is not None:
            letter = next(letter for letter in letters if is_of(letter, message))
            assert letter.detail
            assert (letter.payload_sha256 is None) == (message.error is not DeadLetterError.PAYLOAD_TOO_LARGE)


def is_of(letter: Letter, message: Poison) -> bool:
    """Whether a dead letter is a message's, whole and with the reason that it has to have."""
    kept = letter.attributes == message.attributes or message.error is DeadLetterError.REFUSED_BY_TAPE
    return kept and (letter.payload, letter.error) == (message.body[:MAX_PAYLOAD_BYTES], message.error)


def left_over(services: DurableServices, world: LiveWorld) -> list[Any]:
    """The messages of the firehose that nobody has acknowledged."""
    host = services.emulators["pubsub"].host
    copy = read_pubsub(host, world.config.project, [world.config.subscription])
    return copy.subscriptions[0].messages
