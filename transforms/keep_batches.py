"""Appending micro-batches to the tape and to the dead letters."""

from __future__ import annotations

from dataclasses import dataclass

import apache_beam as beam

from schemas.streams import DeadLetterSink, Tape
from schemas.workspace.model import Workspace
from transforms.core.decode import DecodedBatch
from transforms.pausing import paused_collection


@dataclass(eq=False)
class AppendTape(beam.PTransform[beam.PCollection[DecodedBatch], beam.PCollection[None]]):
    """Valid events onto the tape: at least once, and one copy where a batch is retried."""

    tape: Tape
    workspace: Workspace

    def expand(self, batches: beam.PCollection[DecodedBatch]) -> beam.PCollection[None]:
        """Gives nothing further."""
        return batches | "Append" >> beam.ParDo(_AppendTape(self.tape, self.workspace.name))


class _AppendTape(beam.DoFn):
    def __init__(self, tape: Tape, workspace: str) -> None:
        self._tape = tape
        self._workspace = workspace

    def process(self, batch: DecodedBatch) -> None:
        if batch.events:
            with paused_collection():
                self._tape.append(batch.origin, batch.events, self._workspace)


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
