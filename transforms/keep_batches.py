"""Appending micro-batches to the tape and to the dead letters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam

from schemas.dead_letter import DeadLetterError
from schemas.metrics import Metric
from schemas.streams import DeadLetterSink, Tape
from schemas.workspace.model import Workspace
from transforms.batch_coders import register_batch_coders
from transforms.core.decode import DecodedBatch
from transforms.core.refused_by_tape import refuse_events
from transforms.counting import count
from transforms.pausing import paused_collection


@dataclass(eq=False)
class AppendTape(beam.PTransform[beam.PCollection[DecodedBatch], beam.PCollection[DecodedBatch]]):
    """Valid events onto the tape: at least once, and one event in the view where a batch is retried.

    Gives the batches on as they stand on the tape: events that its storage refuses are dead letters.
    What follows folds those, and only those, that replay will find.
    """

    tape: Tape
    workspace: Workspace
    pipeline_version: str

    def expand(self, batches: beam.PCollection[DecodedBatch]) -> beam.PCollection[DecodedBatch]:
        """One element in, one element out."""
        register_batch_coders()
        append = _AppendTape(self.tape, self.workspace.name, self.pipeline_version)
        return batches | "Append" >> beam.ParDo(append).with_output_types(DecodedBatch)


class _AppendTape(beam.DoFn):
    def __init__(self, tape: Tape, workspace: str, pipeline_version: str) -> None:
        self._tape = tape
        self._workspace = workspace
        self._version = pipeline_version

    def process(self, batch: DecodedBatch) -> Iterator[DecodedBatch]:
        if batch.events:
            with paused_collection():
                rejected = self._tape.append(batch.origin, batch.events, self._workspace)
            batch = refuse_events(batch, rejected, self._workspace, self._version)
            count(Metric.VALID, -len(rejected))
            count(Metric.DEAD_LETTERS, len(rejected), DeadLetterError.REFUSED_BY_TAPE)
        yield batch

    def teardown(self) -> None:
        self._tape.close()


@dataclass(eq=False)
class KeepDeadLetters(beam.PTransform[beam.PCollection[DecodedBatch], beam.PCollection[None]]):
    """Refused messages into the dead letters, whole."""

    sink: DeadLetterSink

    def expand(self, batches: beam.PCollection[DecodedBatch]) -> beam.PCollection[None]:
        """Gives nothing further."""
        return batches | "Append" >> beam.ParDo(_KeepDeadLetters(self.sink))


class _KeepDeadLetters(beam.DoFn):
    def __init__(self, sink: DeadLetterSink) -> None:
        self._sink = sink

    def process(self, batch: DecodedBatch) -> None:
        if batch.dead_letters:
            self._sink.append(batch.origin, batch.dead_letters)

    def teardown(self) -> None:
        self._sink.close()
