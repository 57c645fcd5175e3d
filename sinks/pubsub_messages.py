"""Messages of Pub/Sub: publishing lines and micro-batches of event files, and watching a topic."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from schemas.message import MessageBatch
from sinks.pubsub_calls import MAX_REQUEST_MESSAGES, PubsubMessage
from sinks.pubsub_publisher import TopicWriter
from sinks.pubsub_subscription import PubSubSubscription
from sinks.pubsub_topics import DAY_SECONDS, PubSubTopics

STRUCTURED: Final = {"content-type": "application/cloudevents+json"}
"""The attributes of a message whose body is a whole CloudEvent, after Pub/Sub's protocol binding."""

_REQUESTS_PER_SECOND: Final = 20
_TAIL_MESSAGES: Final = 100
_TAIL_WAIT_SECONDS: Final = 1.0


class Published(msgspec.Struct, frozen=True):
    """What was published: messages, and their bytes."""

    messages: int
    size_bytes: int


class TailedMessage(msgspec.Struct, frozen=True, gc=False):
    """One message of a topic; its publish time is in microseconds."""

    body: bytes
    attributes: dict[str, str]
    message_id: str
    publish_us: int


def pubsub_messages(batch: MessageBatch) -> list[Any]:
    """A micro-batch as messages to publish; ids and publish times are for Pub/Sub to give anew."""
    return [
        PubsubMessage(data=payload, attributes=STRUCTURED if attributes is None else attributes)
        for payload, attributes in zip(batch.payloads, batch.attributes, strict=True)
    ]


def publish_lines(
    writer: TopicWriter,
    topic: str,
    lines: Iterable[bytes],
    rate: float | None = None,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Published:
    """Publishes lines as structured-mode CloudEvents; blank ones are none."""
    stripped = (line.strip() for line in lines)
    messages = (PubsubMessage(data=line, attributes=STRUCTURED) for line in stripped if line)
    return _publish(writer, topic, messages, rate, now, sleep)


def publish_batches(
    writer: TopicWriter,
    topic: str,
    batches: Iterable[MessageBatch],
    rate: float | None = None,
    *,
    now: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Published:
    """Publishes micro-batches, as event files are read: lines with attributes of their own keep them."""
    messages = (message for batch in batches for message in pubsub_messages(batch))
    return _publish(writer, topic, messages, rate, now, sleep)


def _publish(
    writer: TopicWriter,
    topic: str,
    messages: Iterator[Any],
    rate: float | None,
    now: Callable[[], float],
    sleep: Callable[[float], None],
) -> Published:
    """Publishes in order: at a rate of messages a second, in some 20 requests a second, or at full speed.

    Raises:
        ValueError: the rate is not above 0.
    """
    if rate is not None and not rate > 0:
        raise ValueError(f"expected a rate above 0 messages per second, found {rate}")
    part_size = MAX_REQUEST_MESSAGES
    if rate is not None:
        part_size = max(1, min(part_size, int(rate / _REQUESTS_PER_SECOND)))
    start = now()
    count = size_bytes = 0
    part: list[Any] = []

    def flush() -> None:
        nonlocal count, size_bytes
        if rate is not None and (wait_seconds := start + count / rate - now()) > 0:
            sleep(wait_seconds)
        size_bytes += writer.write(topic, part)
        count += len(part)
        part.clear()

    for message in messages:
        part.append(message)
        if len(part) == part_size:
            flush()
    if part:
        flush()
    return Published(count, size_bytes)


@contextmanager
def tail(
    project: str,
    topic: str,
    *,
    emulator_host: str | None = None,
    idle_seconds: float | None = None,
) -> Iterator[Iterator[TailedMessage]]:
    """Watches a topic from now on, through a subscription that is deleted at the end.

    Args:
        topic: its short name.
        idle_seconds: after how long without a message it ends; never without.

    Yields:
        The messages as they come, each at least once.
    """
    # Two that watch at once need a subscription each. One that is killed leaves its own for a day.
    name = f"{topic}-tail-{os.getpid()}-{time.monotonic_ns()}"
    with PubSubTopics(project, emulator_host=emulator_host) as topics:
        topics.create_subscription(name, topic, expires_after_seconds=DAY_SECONDS)
        subscription = PubSubSubscription(project, name, emulator_host=emulator_host)
        try:
            yield _messages(subscription, idle_seconds)
        finally:
            subscription.close()
            topics.delete_subscription(name)


def _messages(subscription: PubSubSubscription, idle_seconds: float | None) -> Iterator[TailedMessage]:
    wait_seconds = _TAIL_WAIT_SECONDS if idle_seconds is None else idle_seconds
    while True:
        pulled = subscription.pull(_TAIL_MESSAGES, wait_seconds)
        if not pulled.ack_ids and idle_seconds is not None:
            return
        columns = zip(pulled.payloads, pulled.attributes, pulled.message_ids, pulled.publish_us, strict=True)
        for body, attributes, message_id, publish_us in columns:
            yield TailedMessage(body, attributes, message_id, publish_us)
        subscription.acknowledge(pulled.ack_ids)
