"""Topics and subscriptions of a workspace: what they are called, and how they are made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Self

from google.api_core.exceptions import AlreadyExists, NotFound

from schemas.errors import CjaasError
from sinks.pubsub_calls import (
    DeleteSubscriptionRequest,
    GetSubscriptionRequest,
    PubSubCalls,
    Subscription,
    Topic,
    explained,
    retried,
)

ACK_DEADLINE_SECONDS: Final = 60
"""Of every subscription that cjaas makes."""

DAY_SECONDS: Final = 86_400
"""The least time after which Pub/Sub may remove a subscription that nobody uses."""

_ATTEMPT_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = 60.0


def events_topic(workspace: str) -> str:
    """The firehose of a workspace. A subscription to it that a job reads has the same name."""
    return f"{workspace}-events"


def actions_topic(workspace: str, channel: str) -> str:
    """The topic of a workspace's actions through one channel."""
    return f"{workspace}-actions-{channel}"


def topic_path(project: str, topic: str) -> str:
    """A topic's full name."""
    return f"projects/{project}/topics/{topic}"


def subscription_path(project: str, subscription: str) -> str:
    """A subscription's full name."""
    return f"projects/{project}/subscriptions/{subscription}"


class PubSubTopics:
    """Makes topics and subscriptions; what is there already stays as it is.

    Args:
        emulator_host: `HOST:PORT` of an emulator; without it the service.
    """

    def __init__(self, project: str, *, emulator_host: str | None = None) -> None:
        self.project = project
        self._calls = PubSubCalls(emulator_host)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ensure_firehose(self, workspace: str, ack_deadline_seconds: int = ACK_DEADLINE_SECONDS) -> None:
        """A workspace's firehose, with the subscription that its job reads."""
        events = events_topic(workspace)
        self.create_topic(events)
        self.create_subscription(events, events, ack_deadline_seconds=ack_deadline_seconds)

    def ensure_actions(self, workspace: str, channels: Iterable[str]) -> None:
        """A topic for each channel of a workspace."""
        for channel in channels:
            self.create_topic(actions_topic(workspace, channel))

    def create_topic(self, topic: str) -> None:
        """A topic, by its short name."""
        path = topic_path(self.project, topic)
        self._create(self._calls.create_topic, Topic(name=path))

    def create_subscription(
        self,
        subscription: str,
        topic: str,
        *,
        ack_deadline_seconds: int = ACK_DEADLINE_SECONDS,
        expires_after_seconds: int | None = None,
    ) -> None:
        """A subscription to a topic, by their short names.

        Args:
            ack_deadline_seconds: 10 to 600.
            expires_after_seconds: when it is removed if nobody uses it, a day at the least; never without.

        Raises:
            CjaasError: there is no such topic, or the subscription exists and belongs to another.
        """
        path = subscription_path(self.project, subscription)
        wanted = topic_path(self.project, topic)
        request = Subscription(
            name=path,
            topic=wanted,
            ack_deadline_seconds=ack_deadline_seconds,
            # A policy without a time means never; without a policy it would be 31 days.
            expiration_policy={},
        )
        if expires_after_seconds is not None:
            request.expiration_policy.ttl.seconds = expires_after_seconds
        with explained(wanted):
            if self._create(self._calls.create_subscription, request):
                return
            found = self._call(self._calls.get_subscription, GetSubscriptionRequest(subscription=path)).topic
        if found != wanted:
            raise CjaasError(
                f"{path}: expected a subscription to {wanted}, found one to {found}: delete it"
                f" (`gcloud pubsub subscriptions delete {subscription}`) and try again"
            )

    def delete_subscription(self, subscription: str) -> None:
        """Deletes a subscription, if it exists."""
        path = subscription_path(self.project, subscription)
        try:
            self._call(self._calls.delete_subscription, DeleteSubscriptionRequest(subscription=path))
        except NotFound:
            return

    def close(self) -> None:
        """Closes the channel."""
        self._calls.close()

    def _create(self, call: Any, request: Any) -> bool:
        """Whether it was made now."""
        try:
            self._call(call, request)
        except AlreadyExists:
            return False
        return True

    def _call(self, call: Any, request: Any) -> Any:
        return retried(call, request, _ATTEMPT_SECONDS, _RETRY_SECONDS)
