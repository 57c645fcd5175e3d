"""The calls of Pub/Sub that cjaas makes, on protobuf's own messages.

Google's generated clients wrap each message of a response in a proto-plus object, which costs more than
to receive it. These are the same calls over the same channel, without the wrapping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import grpc
from google.api_core import exceptions, grpc_helpers, retry
from google.api_core.gapic_v1 import routing_header
from google.pubsub_v1 import types
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport

from schemas.errors import CjaasError

PubsubMessage: Any = types.PubsubMessage.pb()
PublishRequest: Any = types.PublishRequest.pb()
PullRequest: Any = types.PullRequest.pb()
AcknowledgeRequest: Any = types.AcknowledgeRequest.pb()
ModifyAckDeadlineRequest: Any = types.ModifyAckDeadlineRequest.pb()
Topic: Any = types.Topic.pb()
Subscription: Any = types.Subscription.pb()
GetSubscriptionRequest: Any = types.GetSubscriptionRequest.pb()
DeleteSubscriptionRequest: Any = types.DeleteSubscriptionRequest.pb()

# Neither has annotations.
_wrap_errors: Any = grpc_helpers.wrap_errors
_route: Any = routing_header.to_grpc_metadata

MAX_REQUEST_MESSAGES: Final = 1_000
"""Messages of one Publish request, and of one Pull."""

MAX_REQUEST_BYTES: Final = 9_000_000
"""Of one Publish request, below the service's 10 MB."""

MESSAGE_OVERHEAD_BYTES: Final = 64
"""What a message takes in a request besides its body and attributes, at most."""

_MAX_ACK_IDS: Final = 2_500
_MAX_ACK_BYTES: Final = 512_000
_ACK_OVERHEAD_BYTES: Final = 4
_FIRST_WAIT_SECONDS: Final = 0.1
_LONGEST_WAIT_SECONDS: Final = 10.0

# A Pull's response may exceed gRPC's own limit of 4 MB; the keepalive notices a dead connection, and is
# what Google's subscriber sets.
_OPTIONS: Final = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.keepalive_time_ms", 30_000),
)

Call = Callable[[Any, float], Any]
"""A call: of a request and of the seconds that one attempt may take."""

TRANSIENT: Final = (
    exceptions.Aborted,
    exceptions.Cancelled,
    exceptions.DeadlineExceeded,
    exceptions.InternalServerError,
    exceptions.ResourceExhausted,
    exceptions.ServiceUnavailable,
    exceptions.Unknown,
)
"""Errors after which the same request may succeed: those that Google's own publisher retries."""


class PubSubCalls:
    """An open channel to Pub/Sub. Calls raise `google.api_core.exceptions.GoogleAPICallError`.

    Args:
        emulator_host: `HOST:PORT` of an emulator; without it the service, with the credentials of the
            environment (Application Default Credentials).
    """

    def __init__(self, emulator_host: str | None = None) -> None:
        self._channel = (
            grpc.insecure_channel(emulator_host, options=_OPTIONS)
            if emulator_host
            else SubscriberGrpcTransport.create_channel(options=_OPTIONS)
        )
        self.publish = self._call("Publisher", "Publish", PublishRequest, types.PublishResponse, "topic")
        self.create_topic = self._call("Publisher", "CreateTopic", Topic, types.Topic, "name")
        self.pull = self._call("Subscriber", "Pull", PullRequest, types.PullResponse)
        self.acknowledge = self._call("Subscriber", "Acknowledge", AcknowledgeRequest, None)
        self.modify_ack_deadline = self._call(
            "Subscriber", "ModifyAckDeadline", ModifyAckDeadlineRequest, None
        )
        self.create_subscription = self._call(
            "Subscriber", "CreateSubscription", Subscription, types.Subscription, "name"
        )
        self.get_subscription = self._call(
            "Subscriber", "GetSubscription", GetSubscriptionRequest, types.Subscription
        )
        self.delete_subscription = self._call(
            "Subscriber", "DeleteSubscription", DeleteSubscriptionRequest, None
        )

    def close(self) -> None:
        """Closes the channel; calls under way end with `Cancelled`."""
        self._channel.close()

    def _call(
        self, service: str, method: str, request: Any, response: Any | None, routed_by: str = "subscription"
    ) -> Call:
        call = _wrap_errors(
            self._channel.unary_unary(
                f"/google.pubsub.v1.{service}/{method}",
                request_serializer=request.SerializeToString,
                response_deserializer=bytes if response is None else response.pb().FromString,
            )
        )

        def called(message: Any, timeout_seconds: float) -> Any:
            route = _route(((routed_by, getattr(message, routed_by)),))
            return call(message, timeout=timeout_seconds, metadata=(route,))

        return called


def retried(call: Call, request: Any, attempt_seconds: float, retry_seconds: float) -> Any:
    """The answer to a request, which is repeated as it is after transient errors.

    Raises:
        RetryError: it went on failing for `retry_seconds`.
        GoogleAPICallError: it failed for good.
    """
    again = retry.Retry(
        predicate=retry.if_exception_type(*TRANSIENT),
        initial=_FIRST_WAIT_SECONDS,
        maximum=_LONGEST_WAIT_SECONDS,
        timeout=retry_seconds,
    )
    return again(call)(request, attempt_seconds)


@contextmanager
def explained(resource: str) -> Iterator[None]:
    """Says what to do about what a person has to mend; all other errors rise as they are."""
    try:
        yield
    except exceptions.NotFound as error:
        raise CjaasError(
            f"{resource}: expected it to exist, but Pub/Sub has none: `cjaas up` makes it"
            " locally, and in the cloud whoever sets up the project"
        ) from error
    except exceptions.PermissionDenied as error:
        raise CjaasError(
            f"{resource}: Pub/Sub denies access: give the account that runs this the role"
            " roles/pubsub.publisher on topics, roles/pubsub.subscriber on subscriptions"
        ) from error


def ack_requests(ack_ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Ids in parts that one Acknowledge or ModifyAckDeadline may hold: 2,500 of them, or 512 kB."""
    start = size_bytes = 0
    for end, ack_id in enumerate(ack_ids):
        id_bytes = len(ack_id) + _ACK_OVERHEAD_BYTES
        if end - start == _MAX_ACK_IDS or (size_bytes + id_bytes > _MAX_ACK_BYTES and end > start):
            yield ack_ids[start:end]
            start, size_bytes = end, 0
        size_bytes += id_bytes
    if start < len(ack_ids):
        yield ack_ids[start:]
