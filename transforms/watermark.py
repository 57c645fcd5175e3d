"""The as-of time of a bounded input: its greatest publish time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import apache_beam as beam

from transforms.core.decode import DecodedBatch


@dataclass(eq=False)
class GreatestPublishTime(beam.PTransform[beam.PCollection[DecodedBatch], beam.PCollection[int | None]]):
    """One element: the greatest publish time of all events in microseconds, None for no events.

    Attributes:
        as_of_us: where it is given, this stands in for it.
    """

    as_of_us: int | None = None

    def expand(self, batches: beam.PCollection[DecodedBatch]) -> beam.PCollection[int | None]:
        """Combined within each worker first."""
        return (
            batches
            | "OfBatch" >> beam.Map(greatest_publish_time, self.as_of_us)
            | "OfAll" >> beam.CombineGlobally(greatest)
        )


def greatest_publish_time(batch: DecodedBatch, as_of_us: int | None) -> int | None:
    """The greatest publish time of a batch, or the as-of time that is given."""
    if as_of_us is not None:
        return as_of_us
    return max((event.publish_us for event in batch.events), default=None)


def greatest(times: Iterable[int | None]) -> int | None:
    """The greatest of those that are there."""
    return max((time for time in times if time is not None), default=None)
