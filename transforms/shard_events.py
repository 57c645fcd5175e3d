"""Micro-batches by shard: what travels through the shuffle is a batch a shard, never single events."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
import msgspec
import zstandard

from schemas.metrics import Metric
from schemas.workspace.model import Workspace
from transforms.core.decode import DecodedBatch
from transforms.core.fold import is_late
from transforms.core.fold_event import FoldEvent, reduce_event
from transforms.core.identity import shard_of
from transforms.core.plan import Plan
from transforms.counting import count
from transforms.pausing import paused_collection

SlicedBatch = tuple[int, bytes]
"""A slice of a shard, and fold events of its persons as compressed MessagePack."""

_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(list[FoldEvent])


def decode_slice(packed: bytes) -> list[FoldEvent]:
    """The fold events of a sliced batch."""
    return _DECODER.decode(zstandard.decompress(packed))


@dataclass(eq=False)
class ShardEvents(beam.PTransform[beam.PCollection[DecodedBatch], beam.PCollection[tuple[int, SlicedBatch]]]):
    """Events that are not late, reduced to what profiles need, by shard.

    Attributes:
        slices: how many slices of whole persons a shard is folded in, so that one fits in memory.
    """

    workspace: Workspace
    slices: int = 1

    def expand(self, batches: beam.PCollection[DecodedBatch]) -> beam.PCollection[tuple[int, SlicedBatch]]:
        """At most one element for each shard and slice."""
        shard = _ShardEvents(self.workspace, self.slices)
        return batches | "GroupBatch" >> beam.ParDo(shard).with_output_types(tuple[int, tuple[int, bytes]])


class _ShardEvents(beam.DoFn):
    def __init__(self, workspace: Workspace, slices: int) -> None:
        self._workspace = workspace
        self._slices = slices
        self._plan: Plan | None = None

    def setup(self) -> None:
        self._plan = Plan(self._workspace)

    def process(self, batch: DecodedBatch) -> Iterator[tuple[int, SlicedBatch]]:
        assert self._plan is not None
        lateness_us = self._workspace.allowed_lateness_us
        projections = {name: plan.project for name, plan in self._plan.types.items()}
        parts: dict[int, list[FoldEvent]] = {}
        groups = self._workspace.shards * self._slices
        late = 0
        with paused_collection():
            for event in batch.events:
                if is_late(event.time_us, event.publish_us, lateness_us):
                    late += 1
                    continue
                group = shard_of(event.person_id, groups)
                reduced = reduce_event(event, projections[event.type])
                part = parts.get(group)
                if part is None:
                    parts[group] = [reduced]
                else:
                    part.append(reduced)
        count(Metric.LATE, late)
        compress = zstandard.ZstdCompressor(level=1).compress
        for group, events in parts.items():
            yield group // self._slices, (group % self._slices, compress(_ENCODER.encode(events)))
