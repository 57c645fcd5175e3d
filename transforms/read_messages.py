"""Reading a subscription as a stream of micro-batches, on any runner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
from apache_beam.io.restriction_trackers import OffsetRange, OffsetRestrictionTracker
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.shared import Shared
from apache_beam.utils.timestamp import Timestamp

from schemas.message import MessageBatch
from schemas.metrics import Metric
from schemas.streams import MessageSubscription, Pulled
from transforms.batch_coders import register_batch_coders
from transforms.core.delivery import DeliveryWatermark
from transforms.counting import gauge

MAX_MESSAGES = 2_000
"""As many messages a micro-batch has at most."""
WAIT_SECONDS = 0.5
"""So long a read waits for the first of them."""
_FULL_MESSAGES = 100
"""A pull that gives so many says that more are waiting."""
_MORE_SECONDS = 0.02
"""So long a read waits for those."""

_ENDLESS = OffsetRange(0, 1 << 62)


@dataclass(eq=False)
class ReadMessages(beam.PTransform[beam.pvalue.PBegin, beam.PCollection[MessageBatch]]):
    """A subscription's messages, leased until a later step acknowledges them.

    Attributes:
        readers: how many reads go on at once.
        now_us: the wall clock in microseconds.
    """

    subscription: MessageSubscription
    now_us: Callable[[], int]
    readers: int = 1

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection[MessageBatch]:
        """A micro-batch a bundle, so that nothing waits for the next read."""
        register_batch_coders()
        return (
            begin
            | "ListReaders" >> beam.Create(range(self.readers))
            | "Pull" >> beam.ParDo(_Pull(self.subscription, self.now_us)).with_output_types(MessageBatch)
        )


class _Unsplit(OffsetRestrictionTracker):
    """Lets a read end after each batch, and never be two: as many go on as there are readers."""

    def try_split(self, fraction_of_remainder: float) -> Any:
        return super().try_split(fraction_of_remainder) if fraction_of_remainder == 0 else None


class _Endlessly(RestrictionProvider):
    """Offsets count reads; there is no end, and a drain ends it."""

    def initial_restriction(self, element: int) -> OffsetRange:
        return _ENDLESS

    def create_tracker(self, restriction: OffsetRange) -> OffsetRestrictionTracker:
        return _Unsplit(restriction)

    def restriction_size(self, element: int, restriction: OffsetRange) -> int:
        return 1

    def truncate(self, element: int, restriction: OffsetRange) -> None:
        return None


_RESTRICTION = beam.DoFn.RestrictionParam(_Endlessly())
_WATERMARK = beam.DoFn.WatermarkEstimatorParam(ManualWatermarkEstimator.default_provider())


class _Delivery:
    """A subscription and how far it has come: one for all instances of a worker.

    A read goes on in whatever instance comes next. If each had a subscription of its own, messages that one
    has pulled ahead would wait, leased, until its turn comes again.
    """

    def __init__(self, subscription: MessageSubscription) -> None:
        self.subscription = subscription
        self.watermark = DeliveryWatermark()


class _Pull(beam.DoFn):
    def __init__(self, subscription: MessageSubscription, now_us: Callable[[], int]) -> None:
        self._subscription = subscription
        self._now_us = now_us
        self._shared = Shared()
        self._delivery: _Delivery | None = None

    def setup(self) -> None:
        self._delivery = self._shared.acquire(lambda: _Delivery(self._subscription))

    @beam.DoFn.unbounded_per_element()
    def process(
        self, element: int, tracker: Any = _RESTRICTION, estimator: Any = _WATERMARK
    ) -> Iterator[TimestampedValue]:
        assert self._delivery is not None
        subscription, watermark = self._delivery.subscription, self._delivery.watermark
        if not tracker.try_claim(tracker.current_restriction().start):
            return
        pulled = pull_batch(subscription)
        now_us = self._now_us()
        if pulled.payloads:
            earliest_us = min(pulled.publish_us)
            watermark.delivered(earliest_us, now_us)
            batch = pulled.batch(subscription.name, watermark.read_us(now_us))
            gauge(Metric.DELIVERY_LAG, (now_us - earliest_us) // 1000)
            yield TimestampedValue(batch, Timestamp(micros=earliest_us))
        watermark_us = watermark.read_us(now_us)
        gauge(Metric.WATERMARK_AGE, (now_us - watermark_us) // 1000)
        estimator.set_watermark(Timestamp(micros=watermark_us))
        # The runner passes a bundle on when it ends: it ends here.
        tracker.defer_remainder()


def pull_batch(subscription: MessageSubscription) -> Pulled:
    """What one read gives: what is there at once, and with a backlog as much as makes a good batch."""
    pulled = subscription.pull(MAX_MESSAGES, WAIT_SECONDS)
    more = pulled
    while len(more.payloads) >= _FULL_MESSAGES and len(pulled.payloads) < MAX_MESSAGES:
        more = subscription.pull(MAX_MESSAGES - len(pulled.payloads), _MORE_SECONDS)
        pulled = Pulled(
            [*pulled.payloads, *more.payloads],
            [*pulled.message_ids, *more.message_ids],
            [*pulled.attributes, *more.attributes],
            [*pulled.publish_us, *more.publish_us],
            [*pulled.ack_ids, *more.ack_ids],
        )
    return pulled
