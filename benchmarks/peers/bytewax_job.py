"""The job in Bytewax.

Its best form: a source item is a micro-batch of lines, so that reading, decoding and the tape run per
batch; events are keyed by person with the lowest-level stateful operator, which takes all values of a
key at once; whole persons are gathered by shard at the end of the input.
"""

# mypy: allow-subclassing-any

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.run import cli_main

from benchmarks.peers.parts import Job, Profiles
from schemas.message import MessageBatch
from transforms.core.decode import DecodedBatch
from transforms.core.fold_event import FoldEvent
from transforms.core.identity import shard_of

_Person = tuple[str, list[FoldEvent]]


def run(job: Job) -> None:
    """Runs the job with one worker in this process."""
    decoder, reduction, profiles = job.decoder(), job.reduction(), job.profiles()
    shards = job.workspace.shards

    def by_person(decoded: DecodedBatch) -> list[tuple[str, FoldEvent]]:
        return [(event.person_id, event) for event in reduction.of_all(decoded.events)]

    def by_shard(person: _Person) -> tuple[str, _Person]:
        return str(shard_of(person[0], shards)), person

    def clocks(decoded: DecodedBatch) -> list[tuple[str, int]]:
        as_of_us = max((event.publish_us for event in decoded.events), default=0)
        return [(str(shard), as_of_us) for shard in range(shards)]

    flow = Dataflow("journey")
    batches = op.input("read", flow, _Source(job))
    decoded = op.map("decode", batches, decoder.decode)
    op.output("keep", decoded, _Keep(job))
    events = op.flat_map("by_person", decoded, by_person)
    persons = op.stateful_batch("persons", events, lambda _: _Gather())
    in_shards = op.map("by_shard", persons, by_shard)
    times = op.flat_map("clocks", decoded, clocks)
    both = op.merge("with_clocks", in_shards, times)
    ready = op.stateful_batch("shards", both, lambda _: _GatherShard())
    op.output("advance", ready, _Advance(profiles))
    cli_main(flow, workers_per_process=1)
    profiles.close()
    job.finish(profiles.folded)


class _Source(FixedPartitionedSource[MessageBatch, None]):
    def __init__(self, job: Job) -> None:
        self._job = job

    def list_parts(self) -> list[str]:
        return ["file"]

    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _Lines:
        return _Lines(self._job)


class _Lines(StatefulSourcePartition[MessageBatch, None]):
    def __init__(self, job: Job) -> None:
        self._batches = self._read(job)

    def next_batch(self) -> list[MessageBatch]:
        return [next(self._batches)]

    def next_awake(self) -> datetime | None:
        return None

    def snapshot(self) -> None:
        return None

    @staticmethod
    def _read(job: Job) -> Iterator[MessageBatch]:
        for split in job.source.splits():
            yield from job.source.read(split)


class _Keep(DynamicSink[DecodedBatch]):
    """Writes the tape and the dead letters."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _KeepPartition:
        return _KeepPartition(self._job)


class _KeepPartition(StatelessSinkPartition[DecodedBatch]):
    def __init__(self, job: Job) -> None:
        self._job = job

    def write_batch(self, items: list[DecodedBatch]) -> None:
        for decoded in items:
            self._job.keep(decoded)


class _Gather(StatefulBatchLogic[FoldEvent, list[FoldEvent], None]):
    """All events of one person, at the end of the input."""

    def __init__(self) -> None:
        self._events: list[FoldEvent] = []

    def on_batch(self, values: list[FoldEvent]) -> tuple[list[list[FoldEvent]], bool]:
        self._events += values
        return [], StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[list[list[FoldEvent]], bool]:
        return [self._events], StatefulBatchLogic.DISCARD

    def snapshot(self) -> None:
        return None


class _GatherShard(StatefulBatchLogic[_Person | int, tuple[dict[str, list[FoldEvent]], int], None]):
    """All persons of one shard and the greatest publish time, at the end of the input."""

    def __init__(self) -> None:
        self._persons: dict[str, list[FoldEvent]] = {}
        self._as_of_us = 0

    def on_batch(
        self, values: list[_Person | int]
    ) -> tuple[list[tuple[dict[str, list[FoldEvent]], int]], bool]:
        for value in values:
            if isinstance(value, int):
                self._as_of_us = max(self._as_of_us, value)
            else:
                self._persons[value[0]] = value[1]
        return [], StatefulBatchLogic.RETAIN

    def on_eof(self) -> tuple[list[tuple[dict[str, list[FoldEvent]], int]], bool]:
        return [(self._persons, self._as_of_us)], StatefulBatchLogic.DISCARD

    def snapshot(self) -> None:
        return None


class _Advance(DynamicSink[tuple[str, tuple[dict[str, list[FoldEvent]], int]]]):
    """Folds, decides and commits a shard at a time."""

    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    def build(self, step_id: str, worker_index: int, worker_count: int) -> _AdvancePartition:
        return _AdvancePartition(self._profiles)


class _AdvancePartition(StatelessSinkPartition[tuple[str, tuple[dict[str, list[FoldEvent]], int]]]):
    def __init__(self, profiles: Profiles) -> None:
        self._profiles = profiles

    def write_batch(self, items: list[tuple[str, tuple[dict[str, list[FoldEvent]], int]]]) -> None:
        for shard, (persons, as_of_us) in items:
            if persons:
                self._profiles.advance_shard(int(shard), persons, as_of_us)
