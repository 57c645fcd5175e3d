"""What an emulator of Pub/Sub holds, read out and put into another one that goes on where it ended.

The emulator counts messages and deliveries from 1: a new one would give ids a second time, and an
acknowledgement that comes late would be of another message. Real ids are never given twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sinks.pubsub_calls import (
    AcknowledgeRequest,
    GetSubscriptionRequest,
    ModifyAckDeadlineRequest,
    PublishRequest,
    PubSubCalls,
    PullRequest,
    ack_requests,
)
from sinks.pubsub_topics import PubSubTopics, subscription_path, topic_path

_SECONDS = 20.0
_MESSAGES_A_REQUEST = 1_000
_COUNTED = "counted"


class Subscribed(NamedTuple):
    """A subscription, by short names, and its messages that were not acknowledged."""

    name: str
    topic: str
    ack_deadline_seconds: int
    messages: list[Any]


class PubSubCopy(NamedTuple):
    """An emulator's state, as far as it is one project's.

    Attributes:
        last_id: of a message or a delivery, the greater one.
    """

    project: str
    last_id: int
    subscriptions: list[Subscribed]


def read_pubsub(host: str, project: str, subscriptions: Sequence[str]) -> PubSubCopy:
    """What is held for these subscriptions, whoever has leased it; nobody else may be there."""
    calls = PubSubCalls(host)
    try:
        last_id = _count(calls, host, project, 1)
        held = [_read(calls, project, name, last_id) for name in subscriptions]
        return PubSubCopy(project, last_id, held)
    finally:
        calls.close()


def write_pubsub(host: str, copy: PubSubCopy) -> None:
    """Makes topics and subscriptions, each of its own topic, and publishes what was not acknowledged."""
    calls = PubSubCalls(host)
    try:
        assert _count(calls, host, copy.project, copy.last_id) >= copy.last_id
        with PubSubTopics(copy.project, emulator_host=host) as topics:
            for held in copy.subscriptions:
                topics.create_topic(held.topic)
                topics.create_subscription(
                    held.name, held.topic, ack_deadline_seconds=held.ack_deadline_seconds
                )
                _publish(calls, topic_path(copy.project, held.topic), held.messages)
    finally:
        calls.close()


def _count(calls: PubSubCalls, host: str, project: str, more: int) -> int:
    """Uses up so many ids, and gives the last one."""
    topic, subscription = topic_path(project, _COUNTED), subscription_path(project, _COUNTED)
    with PubSubTopics(project, emulator_host=host) as topics:
        topics.create_topic(_COUNTED)
        topics.create_subscription(_COUNTED, _COUNTED)
    _publish(calls, topic, [{"data": b"1"}] * more)
    found = [0]
    while more:
        received = _pull(calls, subscription)
        found += [int(item.message.message_id) for item in received]
        found += [int(item.ack_id.rpartition(":")[2]) for item in received]
        request = AcknowledgeRequest(subscription=subscription, ack_ids=[item.ack_id for item in received])
        calls.acknowledge(request, _SECONDS)
        more -= len(received)
    return max(found)


def _read(calls: PubSubCalls, project: str, name: str, last_id: int) -> Subscribed:
    path = subscription_path(project, name)
    found = calls.get_subscription(GetSubscriptionRequest(subscription=path), _SECONDS)
    for ack_ids in ack_requests([f"{path}:{number}" for number in range(1, last_id + 1)]):
        request = ModifyAckDeadlineRequest(subscription=path, ack_ids=ack_ids, ack_deadline_seconds=0)
        calls.modify_ack_deadline(request, _SECONDS)
    messages = [item.message for received in _pulls(calls, path) for item in received]
    return Subscribed(name, found.topic.rpartition("/")[2], found.ack_deadline_seconds, messages)


def _pulls(calls: PubSubCalls, path: str) -> Iterator[Any]:
    """Pulls until nothing is left."""
    while received := _pull(calls, path, at_once=True):
        yield received


def _pull(calls: PubSubCalls, path: str, *, at_once: bool = False) -> Any:
    request = PullRequest(subscription=path, max_messages=_MESSAGES_A_REQUEST, return_immediately=at_once)
    return calls.pull(request, _SECONDS).received_messages


def _publish(calls: PubSubCalls, path: str, messages: Sequence[Any]) -> None:
    for start in range(0, len(messages), _MESSAGES_A_REQUEST):
        part = [_anew(message) for message in messages[start : start + _MESSAGES_A_REQUEST]]
        calls.publish(PublishRequest(topic=path, messages=part), _SECONDS)


def _anew(message: Any) -> dict[str, Any]:
    """A message as its publisher sent it."""
    if isinstance(message, dict):
        return message
    return {"data": message.data, "attributes": dict(message.attributes)}
