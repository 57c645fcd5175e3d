"""Whether a running job has done all that it promises: held against the bounded job, and executed again."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from schemas.action import Action
from schemas.decision import Decision, Outcome
from schemas.store import NO_TOKEN, Head
from schemas.timestamps import datetime_us
from schemas.workspace import Workspace
from tests.pipelines.command_line import well
from tests.pipelines.live_records import bounded_facts, bounded_payloads
from tests.pipelines.live_world import LiveWorld
from tests.pipelines.recorded_job import Recorded, read_batches
from transforms.engines import load_engine


@dataclass(frozen=True)
class Firehose:
    """Messages in a file, and what the bounded job makes of them.

    Attributes:
        path: the file.
        output: the bounded job's.
        valid: how many messages belong on the tape.
        dead_letters: how many belong in the dead letters.
        refused: bodies of those that the storage of the running job's tape refuses; the bounded job's takes
            all, and did not read them.
    """

    path: Path
    output: Path
    valid: int
    dead_letters: int
    refused: frozenset[bytes] = frozenset()

    @property
    def messages(self) -> int:
        """How many there are."""
        return self.valid + self.dead_letters

    @classmethod
    def generated(cls, shop: Path, folder: Path, events: int, seed: int) -> Firehose:
        """Events of one day."""
        path = folder / "events.ndjson"
        valid = generate(shop, path, events, seed)
        firehose = cls.of_file(shop, path)
        assert (firehose.messages, firehose.valid) == (events, valid)
        return firehose

    @classmethod
    def of_file(cls, shop: Path, path: Path) -> Firehose:
        """Messages that are there."""
        output = path.with_name(f"{path.stem}-bounded")
        run = ("run", "--workspace", shop, "--input", path, "--output", output, "--json")
        summary = json.loads(well(*run).out)
        return cls(path, output, summary["valid"], sum(summary["dead_letters"].values()))


def generate(shop: Path, path: Path, events: int, seed: int) -> int:
    """Writes events of one day to a file; gives how many are valid."""
    options = ("--workspace", shop, "--events", events, "--days", 1, "--seed", seed)
    counts = json.loads(well("generate", *options, "--output", path, "--json").out)
    valid: int = counts["valid"]
    return valid


def reconcile(world: LiveWorld, firehose: Firehose, *, published_once: bool = True) -> None:
    """Everything that went in is where it belongs, once; what was decided can be repeated.

    Args:
        published_once: whether each message has one id; not so where the publisher had to publish again.
    """
    expected = bounded_facts(firehose.output, world.workspace)
    tape, letters = bounded_payloads(firehose.output)
    records = world.records
    world.eventually(
        "every profile's facts as the bounded job has them", lambda: records().facts() == expected
    )

    def everything() -> bool:
        world.settle()
        ids = not published_once or records().received() == (firehose.valid, firehose.dead_letters)
        return ids and records().payloads() == (tape, letters | firehose.refused) and records().is_published()

    world.eventually("every message on the tape or in the dead letters, every outbox out", everything)
    world.stop()
    bodies = world.actions()
    sent = records().sent()
    assert sent == bodies.keys()
    assert len(sent) > 0
    assert all(len(versions) == 1 for versions in bodies.values()), "one body an id"
    recorded = [batch for path in world.directory.glob("*/batches") for batch in read_batches(path)]
    images, decisions = execute_again(world.workspace, recorded, records().heads())
    assert images == records().images()
    assert sent_ids(decisions) == sent
    assert {decision.decision_id for decision in decisions} == records().decision_ids()
    check_laws(
        world.workspace, [Action.model_validate_json(next(iter(versions))) for versions in bodies.values()]
    )


def check_laws(workspace: Workspace, actions: list[Action]) -> None:
    """No person has an action of another run of a journey within its cooldown."""
    cooldowns = {journey.name: journey.cooldown_us for journey in workspace.journeys}
    runs: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for action in actions:
        run = runs[action.person_id, action.journey][action.cause.event_id]
        run.append(datetime_us(action.decided_at))
    checked = 0
    for (_, journey), by_cause in runs.items():
        cooldown_us = cooldowns[journey]
        if cooldown_us is not None:
            checked += 1
            spans = sorted((min(times), max(times)) for times in by_cause.values())
            assert all(first - last >= cooldown_us for (_, last), (first, _) in pairwise(spans))
    assert checked > 0


def execute_again(
    workspace: Workspace, recorded: Iterable[Recorded], heads: Mapping[int, str]
) -> tuple[dict[str, bytes], list[Decision]]:
    """Executes what was committed: the batches on the chain of tokens that ends in each shard's head."""
    by_token = {batch.token: batch for batch in recorded}
    engine = load_engine(workspace)
    images: dict[str, bytes] = {}
    decisions: list[Decision] = []
    for shard, token in heads.items():
        chain: list[Recorded] = []
        while token != NO_TOKEN:
            chain.append(by_token[token])
            token = chain[-1].expected_token
        head = Head(0, NO_TOKEN, None)
        for batch in reversed(chain):
            own = {person: images[person] for person in batch.events if person in images}
            commit = engine.advance(shard, head, own, batch.events, batch.as_of_us).commit
            assert commit.token == batch.token
            head = Head(commit.sequence, commit.token, None)
            images.update(commit.images)
            decisions += commit.outbox.decisions
    return images, decisions


def sent_ids(decisions: Iterable[Decision]) -> set[str | None]:
    """The ids of the actions that decisions sent."""
    return {decision.action_id for decision in decisions if decision.outcome is Outcome.SENT}
