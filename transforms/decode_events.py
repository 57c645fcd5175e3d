"""Decoding raw messages into events and dead letters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.utils.shared import Shared

from schemas.message import MessageBatch
from schemas.metrics import Metric
from schemas.streams import Progress
from schemas.workspace.model import Workspace
from transforms.batch_coders import register_batch_coders
from transforms.core.decode import DecodedBatch, Decoder
from transforms.counting import count
from transforms.pausing import paused_collection


@dataclass(eq=False)
class DecodeEvents(beam.PTransform[beam.PCollection[MessageBatch], beam.PCollection[DecodedBatch]]):
    """Every message of a micro-batch as a valid event or as a dead letter."""

    workspace: Workspace
    pipeline_version: str
    progress: Progress | None = None

    def expand(self, batches: beam.PCollection[MessageBatch]) -> beam.PCollection[DecodedBatch]:
        """One element in, one element out."""
        register_batch_coders()
        decode = _Decode(self.workspace, self.pipeline_version, self.progress)
        return batches | "Decode" >> beam.ParDo(decode).with_output_types(DecodedBatch)


class _Decode(beam.DoFn):
    def __init__(self, workspace: Workspace, pipeline_version: str, progress: Progress | None) -> None:
        self._workspace = workspace
        self._version = pipeline_version
        self._progress = progress
        # One for all threads of a worker: they meet the same names, and compiling takes memory and time.
        self._shared = Shared()
        self._decoder: Decoder | None = None

    def setup(self) -> None:
        self._decoder = self._shared.acquire(lambda: Decoder(self._workspace, self._version))

    def process(self, batch: MessageBatch) -> Iterator[DecodedBatch]:
        assert self._decoder is not None
        with paused_collection():
            decoded = self._decoder.decode(batch)
        count(Metric.READ, len(batch))
        count(Metric.VALID, len(decoded.events))
        for error, number in Counter(letter.error for letter in decoded.dead_letters).items():
            count(Metric.DEAD_LETTERS, number, error)
        count(Metric.UNKNOWN_FIELDS, decoded.unknown_fields)
        count(Metric.IGNORED_IDENTITIES, decoded.ignored_identities)
        yield decoded
        if self._progress is not None:
            size_bytes = sum(map(len, batch.payloads)) + len(batch)
            self._progress.advance(size_bytes, len(batch), len(decoded.dead_letters))
