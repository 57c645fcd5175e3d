"""Topics and subscriptions, against Google's emulator."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest
from google.api_core.exceptions import NotFound

from pipelines.local.emulators import PROJECT, Emulator
from schemas.errors import CjaasError
from sinks.pubsub_calls import GetSubscriptionRequest, PubSubCalls
from sinks.pubsub_topics import DAY_SECONDS, PubSubTopics, subscription_path, topic_path
from tests.emulators import pubsub_emulator  # noqa: F401


@pytest.fixture
def topics(pubsub_emulator: Emulator) -> Iterator[PubSubTopics]:  # noqa: F811
    with PubSubTopics(PROJECT, emulator_host=pubsub_emulator.host) as topics:
        yield topics


@pytest.fixture
def calls(pubsub_emulator: Emulator) -> Iterator[PubSubCalls]:  # noqa: F811
    calls = PubSubCalls(pubsub_emulator.host)
    yield calls
    calls.close()


@pytest.fixture
def name() -> str:
    return f"w{uuid.uuid4().hex[:20]}"


def found(calls: PubSubCalls, subscription: str) -> object:
    request = GetSubscriptionRequest(subscription=subscription_path(PROJECT, subscription))
    return calls.get_subscription(request, 10)


def test_a_workspace_is_made_once(topics: PubSubTopics, calls: PubSubCalls, name: str) -> None:
    for _ in range(2):
        topics.ensure_firehose(name)
        topics.ensure_actions(name, ["email", "push"])
    subscription = found(calls, f"{name}-events")
    assert (subscription.topic, subscription.ack_deadline_seconds) == (  # type: ignore[attr-defined]
        topic_path(PROJECT, f"{name}-events"),
        60,
    )
    topics.create_subscription(f"{name}-pushes", f"{name}-actions-push")
    assert found(calls, f"{name}-pushes")


def test_deleting_twice_is_deleting(topics: PubSubTopics, calls: PubSubCalls, name: str) -> None:
    topics.create_topic(name)
    topics.create_subscription(name, name, expires_after_seconds=DAY_SECONDS)
    topics.delete_subscription(name)
    topics.delete_subscription(name)
    with pytest.raises(NotFound):
        found(calls, name)


def test_another_topics_subscription_is_no_substitute(topics: PubSubTopics, name: str) -> None:
    topics.create_topic(name)
    topics.create_topic(f"{name}-other")
    topics.create_subscription(name, f"{name}-other")
    with pytest.raises(CjaasError, match=f"expected a subscription to .*/{name}, found one to .*-other"):
        topics.create_subscription(name, name)


def test_a_subscription_to_no_topic_names_the_topic(topics: PubSubTopics, name: str) -> None:
    with pytest.raises(CjaasError, match=f"topics/{name}: expected it to exist"):
        topics.create_subscription(name, name)
