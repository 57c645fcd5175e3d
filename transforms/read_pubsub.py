"""Reading Pub/Sub by the runner's own source, which is durable on Dataflow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.io.gcp.pubsub import PubsubMessage, ReadFromPubSub
from apache_beam.transforms.window import GlobalWindows
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from schemas.message import MessageBatch
from schemas.timestamps import datetime_us
from transforms.batch_coders import register_batch_coders
from transforms.read_messages import MAX_MESSAGES


@dataclass(eq=False)
class ReadPubSub(beam.PTransform[beam.pvalue.PBegin, beam.PCollection[MessageBatch]]):
    """The same micro-batches as `ReadMessages` gives, acknowledged by the runner.

    Attributes:
        subscription: `projects/PROJECT/subscriptions/NAME`.
    """

    subscription: str

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[MessageBatch]:
        """A bundle's messages together."""
        register_batch_coders()
        return (
            begin
            | "Read" >> ReadFromPubSub(subscription=self.subscription, with_attributes=True)
            | "Batch" >> beam.ParDo(_Batch(self.subscription)).with_output_types(MessageBatch)
        )


class _Batch(beam.DoFn):
    def __init__(self, subscription: str) -> None:
        self._subscription = subscription
        self._messages: list[PubsubMessage] = []

    def start_bundle(self) -> None:
        self._messages = []

    def process(self, message: PubsubMessage) -> Iterator[MessageBatch]:
        self._messages.append(message)
        if len(self._messages) >= MAX_MESSAGES:
            yield self._gathered()

    def finish_bundle(self) -> Iterator[WindowedValue]:
        if self._messages:
            batch = self._gathered()
            earliest_us = min(time_us for time_us in batch.publish_us if time_us is not None)
            yield GlobalWindows.windowed_value(batch, Timestamp(micros=earliest_us))

    def _gathered(self) -> MessageBatch:
        messages, self._messages = self._messages, []
        return MessageBatch(
            f"{self._subscription}@{messages[0].message_id}",
            [message.data for message in messages],
            [message.message_id for message in messages],
            [dict(message.attributes) for message in messages],
            [datetime_us(message.publish_time) for message in messages],
        )
