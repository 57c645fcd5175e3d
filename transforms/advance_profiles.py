"""Advancing profiles: fold and decide, shard by shard, with whole persons at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import apache_beam as beam

from schemas.store import ProfileStore, Publisher
from schemas.workspace.model import Workspace
from transforms.commit import advance_shard, wake_shard
from transforms.core.engine import Engine
from transforms.core.fold_event import FoldEvent
from transforms.counting import count_advanced
from transforms.engines import load_engine
from transforms.pausing import paused_collection
from transforms.shard_events import SlicedBatch, decode_slice


@dataclass(eq=False)
class AdvanceProfiles(beam.PTransform[beam.PCollection[tuple[int, SlicedBatch]], beam.PCollection[int]]):
    """Folds all events of a bounded input and decides in event-time order.

    Attributes:
        as_of: the event time at which the job ends, in microseconds, as a singleton; None within it for
            an input without events.
    """

    workspace: Workspace
    store: ProfileStore
    publisher: Publisher
    as_of: beam.pvalue.AsSingleton

    def expand(self, batches: beam.PCollection[tuple[int, SlicedBatch]]) -> beam.PCollection[int]:
        """Gives the shards that were advanced."""
        advance = _AdvanceShard(self.workspace, self.store, self.publisher)
        return (
            batches
            | "GroupByShard" >> beam.GroupByKey()
            | "Advance" >> beam.ParDo(advance, as_of_us=self.as_of)
        )


class _AdvanceShard(beam.DoFn):
    def __init__(self, workspace: Workspace, store: ProfileStore, publisher: Publisher) -> None:
        self._workspace = workspace
        self._store = store
        self._publisher = publisher
        self._engine: Engine | None = None

    def setup(self) -> None:
        self._engine = load_engine(self._workspace)

    def process(self, keyed: tuple[int, Iterable[SlicedBatch]], as_of_us: int | None) -> Iterator[int]:
        assert self._engine is not None
        assert as_of_us is not None, "a shard has events, so there is a greatest publish time"
        shard, batches = keyed
        slices: dict[int, list[bytes]] = {}
        for number, packed in batches:
            slices.setdefault(number, []).append(packed)
        for number in sorted(slices):
            with paused_collection():
                persons: dict[str, list[FoldEvent]] = {}
                for packed in slices.pop(number):
                    for event in decode_slice(packed).events:
                        persons.setdefault(event.person_id, []).append(event)
                count_advanced(
                    advance_shard(self._engine, self._store, self._publisher, shard, persons, as_of_us)
                )
        for woken in wake_shard(self._engine, self._store, self._publisher, shard, as_of_us):
            count_advanced(woken)
        yield shard

    def teardown(self) -> None:
        self._store.close()
