"""What every peer is put together from: cjaas's own pure functions and sinks, without Beam.

Peers differ in the framework that moves events between these parts, and in nothing else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from schemas.event import Event
from schemas.workspace import Workspace, load_workspace
from sinks.action_files import FilePublisher
from sinks.dead_letter_files import DeadLetterFiles
from sinks.event_files import EventFiles
from sinks.parquet_tape import ParquetTape
from sinks.sqlite_profiles import SqliteProfiles
from transforms.commit import advance_shard
from transforms.core.decode import DecodedBatch, Decoder
from transforms.core.engine import Engine
from transforms.core.fold import FoldOutcome, is_late
from transforms.core.fold_event import FoldEvent, reduce_event
from transforms.core.identity import shard_of

VERSION = "benchmark"

Persons = Mapping[str, Sequence[FoldEvent]]


class Job:
    """One run of the job: where it reads, what it computes with, where it writes."""

    def __init__(self, workspace: Path, source: Path, output: Path) -> None:
        self.workspace: Workspace = load_workspace(workspace, os.environ)
        self.source = EventFiles((str(source),))
        self.output = output
        self.tape = ParquetTape(output / "tape")
        self.dead_letters = DeadLetterFiles(output / "dead_letters")

    def decoder(self) -> Decoder:
        """A decoder of the workspace's events."""
        return Decoder(self.workspace, VERSION)

    def reduction(self) -> Reduction:
        """What makes fold events of events."""
        return Reduction(self.workspace)

    def profiles(self) -> Profiles:
        """What folds and decides, into the output."""
        return Profiles(self.workspace, self.output)

    def keep(self, decoded: DecodedBatch) -> None:
        """Writes a decoded batch's events to the tape and its dead letters beside it."""
        if decoded.events:
            self.tape.append(decoded.origin, decoded.events, self.workspace.name)
        if decoded.dead_letters:
            self.dead_letters.append(decoded.origin, decoded.dead_letters)

    def finish(self, folded: int) -> None:
        """Joins each channel's actions, and says how many events were folded."""
        FilePublisher(self.output).finish()
        (self.output / "summary.json").write_text(json.dumps({"folded": folded}))


class Reduction:
    """Fold events of events; late ones give none."""

    def __init__(self, workspace: Workspace) -> None:
        self._lateness_us = workspace.allowed_lateness_us

    def of(self, event: Event) -> FoldEvent | None:
        """The fold event of one event, None for a late one."""
        if is_late(event.time_us, event.publish_us, self._lateness_us):
            return None
        return reduce_event(event)

    def of_all(self, events: Iterable[Event]) -> Iterator[FoldEvent]:
        """The fold events of those that are not late."""
        lateness_us = self._lateness_us
        for event in events:
            if not is_late(event.time_us, event.publish_us, lateness_us):
                yield reduce_event(event)


class Profiles:
    """Folds whole persons and decides for them in event-time order; writes what comes of it.

    Attributes:
        folded: how many events were folded so far.
    """

    def __init__(self, workspace: Workspace, output: Path) -> None:
        self._shards = workspace.shards
        self._engine = Engine(workspace)
        self._store = SqliteProfiles(output / "profiles.sqlite")
        self._publisher = FilePublisher(output)
        self.folded = 0

    def advance(self, persons: Persons, as_of_us: int) -> None:
        """Commits whole persons, a commit for each shard that they lie in."""
        shards: dict[int, dict[str, Sequence[FoldEvent]]] = {}
        for person_id, events in persons.items():
            shards.setdefault(shard_of(person_id, self._shards), {})[person_id] = events
        for shard in sorted(shards):
            self.advance_shard(shard, shards[shard], as_of_us)

    def advance_shard(self, shard: int, persons: Persons, as_of_us: int) -> None:
        """Commits whole persons of one shard."""
        advanced = advance_shard(self._engine, self._store, self._publisher, shard, persons, as_of_us)
        self.folded += advanced.outcomes[FoldOutcome.FOLDED]

    def close(self) -> None:
        """Closes the store."""
        self._store.close()
