"""Outbound topics on Pub/Sub: one message an action."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from schemas.errors import CjaasError
from schemas.store import OutboundAction, Outbox
from schemas.timestamps import datetime_us
from sinks.pubsub_calls import (
    MAX_REQUEST_BYTES,
    MAX_REQUEST_MESSAGES,
    MESSAGE_OVERHEAD_BYTES,
    PublishRequest,
    PubSubCalls,
    PubsubMessage,
    explained,
    retried,
)
from sinks.pubsub_topics import actions_topic, topic_path

_ATTEMPT_SECONDS: Final = 30.0
_RETRY_SECONDS: Final = 120.0


class _Envelope(msgspec.Struct, frozen=True, gc=False):
    """What of an action's body becomes attributes of its message."""

    workspace: str
    channel: str
    journey: str
    category: str
    action_id: str
    sequence: int


class _Expiry(msgspec.Struct, frozen=True, gc=False):
    expires_at: datetime


_ENVELOPE = msgspec.json.Decoder(_Envelope)
_EXPIRY = msgspec.json.Decoder(_Expiry)


class TopicWriter:
    """Publishes messages to topics of one project, in requests of up to 1,000 messages and 9 MB.

    It opens when it is first used, and travels to other processes closed.

    Args:
        emulator_host: `HOST:PORT` of an emulator; without it the service.
        retry_seconds: how long a request that fails for a while is repeated.
    """

    def __init__(
        self, project: str, *, emulator_host: str | None = None, retry_seconds: float = _RETRY_SECONDS
    ) -> None:
        self.project = project
        self.emulator_host = emulator_host
        self.retry_seconds = retry_seconds
        self._calls: PubSubCalls | None = None
        self._process = 0
        self._opening = threading.Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuilt_writer, (self.project, self.emulator_host, self.retry_seconds)

    def write(self, topic: str, messages: Sequence[Any]) -> int:
        """Publishes messages to a topic, by its short name; all are safe when it returns.

        Returns:
            The bytes of all messages.

        Raises:
            CjaasError: there is no such topic, or it may not be written.
            GoogleAPICallError: a request is refused.
            RetryError: requests failed until `retry_seconds` had passed; some may have been published.
        """
        path = topic_path(self.project, topic)
        calls = self._opened()
        size_bytes = 0
        with explained(path):
            for part, part_bytes in _requests(messages):
                request = PublishRequest(topic=path, messages=part)
                retried(calls.publish, request, _ATTEMPT_SECONDS, self.retry_seconds)
                size_bytes += part_bytes
        return size_bytes

    def close(self) -> None:
        """Closes the channel."""
        with self._opening:
            calls, self._calls = self._calls, None
            if calls is not None and self._process == os.getpid():
                calls.close()

    def _opened(self) -> PubSubCalls:
        with self._opening:
            if self._calls is None or self._process != os.getpid():
                self._calls = PubSubCalls(self.emulator_host)
                self._process = os.getpid()
            return self._calls


class PubSubActions:
    """Publishes the actions of an outbox to `WORKSPACE-actions-CHANNEL`.

    The messages follow from the outbox alone: again means the same bytes under the same action ids.

    Args:
        now_us: the wall clock, by which actions expire.
        emulator_host: `HOST:PORT` of an emulator; without it the service.
        retry_seconds: how long a request that fails for a while is repeated.
    """

    def __init__(
        self,
        project: str,
        workspace: str,
        now_us: Callable[[], int],
        *,
        emulator_host: str | None = None,
        retry_seconds: float = _RETRY_SECONDS,
    ) -> None:
        self.workspace = workspace
        self._now_us = now_us
        self._writer = TopicWriter(project, emulator_host=emulator_host, retry_seconds=retry_seconds)

    def __repr__(self) -> str:
        return f"PubSubActions({self._writer.project!r}, {self.workspace!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        writer = self._writer
        arguments = (writer.project, self.workspace, self._now_us, writer.emulator_host, writer.retry_seconds)
        return _rebuilt_actions, arguments

    def expired(self, actions: Sequence[OutboundAction]) -> list[str]:
        """The ids of those actions that it is too late for, by the wall clock."""
        now_us = self._now_us()
        return [
            action.action_id
            for action in actions
            if datetime_us(_EXPIRY.decode(action.body).expires_at) <= now_us
        ]

    def send(self, actions: Sequence[OutboundAction]) -> None:
        """Publishes actions, whatever the time; all are safe when it returns.

        Raises:
            CjaasError: a channel has no topic, or an action is another workspace's.
            GoogleAPICallError: a request is refused.
            RetryError: requests failed for too long.
        """
        channels: dict[str, list[Any]] = {}
        for action in actions:
            channels.setdefault(action.channel, []).append(self._message(action))
        for channel, messages in channels.items():
            self._writer.write(actions_topic(self.workspace, channel), messages)

    def publish(self, shard: int, sequence: int, outbox: Outbox) -> list[str]:
        """Publishes those actions of an outbox that have not expired; gives the ids of those that have."""
        expired = self.expired(outbox.actions)
        late = set(expired)
        self.send([action for action in outbox.actions if action.action_id not in late])
        return expired

    def close(self) -> None:
        """Closes the channel."""
        self._writer.close()

    def _message(self, action: OutboundAction) -> Any:
        envelope = _ENVELOPE.decode(action.body)
        if envelope.workspace != self.workspace:
            raise CjaasError(
                f"action {envelope.action_id}: expected one of workspace {self.workspace}, found one of"
                f" {envelope.workspace}: check which store the job of each workspace reads"
            )
        return PubsubMessage(
            data=action.body,
            attributes={
                "workspace": envelope.workspace,
                "channel": envelope.channel,
                "journey": envelope.journey,
                "category": envelope.category,
                "action_id": envelope.action_id,
                "sequence": str(envelope.sequence),
            },
        )


def _requests(messages: Sequence[Any]) -> Iterator[tuple[Sequence[Any], int]]:
    """Messages in parts that one request may hold, with the size of each; a giant goes by itself."""
    start = part_bytes = 0
    for end, message in enumerate(messages):
        size_bytes = message.ByteSize() + MESSAGE_OVERHEAD_BYTES
        full = end - start == MAX_REQUEST_MESSAGES or part_bytes + size_bytes > MAX_REQUEST_BYTES
        if full and end > start:
            yield messages[start:end], part_bytes
            start, part_bytes = end, 0
        part_bytes += size_bytes
    if start < len(messages):
        yield messages[start:], part_bytes


def _rebuilt_writer(project: str, emulator_host: str | None, retry_seconds: float) -> TopicWriter:
    return TopicWriter(project, emulator_host=emulator_host, retry_seconds=retry_seconds)


def _rebuilt_actions(
    project: str, workspace: str, now_us: Callable[[], int], emulator_host: str | None, retry_seconds: float
) -> PubSubActions:
    return PubSubActions(project, workspace, now_us, emulator_host=emulator_host, retry_seconds=retry_seconds)
