"""Reading raw messages from a bounded source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam

from schemas.message import MessageBatch
from schemas.streams import EventSource, Split
from transforms.batch_coders import register_batch_coders


@dataclass(eq=False)
class ReadEvents(beam.PTransform[beam.pvalue.PBegin, beam.PCollection[MessageBatch]]):
    """The messages of a bounded source, in micro-batches."""

    source: EventSource

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[MessageBatch]:
        """Splits travel; what they hold is read where it is decoded."""
        register_batch_coders()
        return (
            begin
            | "ListSplits" >> beam.Create(self.source.splits())
            | "ReadSplit" >> beam.ParDo(_ReadSplit(self.source)).with_output_types(MessageBatch)
        )


class _ReadSplit(beam.DoFn):
    def __init__(self, source: EventSource) -> None:
        self._source = source

    def process(self, split: Split) -> Iterator[MessageBatch]:
        yield from self._source.read(split)
