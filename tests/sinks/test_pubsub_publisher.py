"""Actions on their topics, against Google's emulator."""

from __future__ import annotations

import pickle
import uuid
from collections.abc import Iterator
from itertools import islice

import grpc
import msgspec
import pytest
from google.api_core.exceptions import InvalidArgument, RetryError

from pipelines.local.emulators import PROJECT, Emulator
from schemas.action import Action
from schemas.errors import CjaasError
from schemas.store import OutboundAction, Outbox
from sinks import pubsub_publisher
from sinks.pubsub_calls import PublishRequest, PubsubMessage
from sinks.pubsub_messages import TailedMessage, tail
from sinks.pubsub_publisher import PubSubActions, TopicWriter
from sinks.pubsub_topics import PubSubTopics, actions_topic
from tests.emulators import pubsub_emulator  # noqa: F401
from tests.sinks.pubsub_proxy import PubSubProxy, pubsub_proxy

EXPIRES_US = 1_767_229_200_000_000
"""2026-01-01T01:00:00Z."""


def action(number: int, workspace: str, *, channel: str = "email", expires_at: str = "") -> OutboundAction:
    body = Action.model_validate(
        {
            "action_id": f"{number:032x}",
            "workspace": workspace,
            "person_id": "a" * 32,
            "channel": channel,
            "category": "commercial",
            "journey": "cart",
            "journey_version": 2,
            "step": "remind",
            "template": "cart-ä",
            "data": {"sequence": "no", "expires_at": "never"},
            "priority": 1,
            "sequence": 700 + number,
            "cause": {
                "event_id": "e1",
                "source": "/web",
                "type": "cart_added",
                "time": "2026-01-01T00:00:00Z",
            },
            "decided_at": "2026-01-01T00:00:00Z",
            "expires_at": expires_at or "2026-01-01T01:00:00Z",
        }
    )
    return OutboundAction(channel, body.action_id, body.model_dump_json(exclude_none=True).encode())


@pytest.fixture
def workspace(pubsub_emulator: Emulator) -> str:  # noqa: F811
    """A workspace with the channels email and push."""
    workspace = f"w{uuid.uuid4().hex[:20]}"
    with PubSubTopics(PROJECT, emulator_host=pubsub_emulator.host) as topics:
        topics.ensure_actions(workspace, ["email", "push"])
    return workspace


@pytest.fixture
def proxy(pubsub_emulator: Emulator) -> Iterator[PubSubProxy]:  # noqa: F811
    with pubsub_proxy(pubsub_emulator.host) as proxy:
        yield proxy


@pytest.fixture
def actions(workspace: str, proxy: PubSubProxy) -> Iterator[PubSubActions]:
    actions = PubSubActions(
        PROJECT, workspace, lambda: EXPIRES_US - 1, emulator_host=proxy.host, retry_seconds=5
    )
    yield actions
    actions.close()


def published(messages: Iterator[TailedMessage], count: int) -> list[TailedMessage]:
    found = list(islice(messages, count))
    assert len(found) == count
    return found


def test_actions_go_to_their_channels_with_their_attributes(
    actions: PubSubActions, workspace: str, proxy: PubSubProxy
) -> None:
    outbox = Outbox([action(1, workspace), action(2, workspace, channel="push"), action(3, workspace)], [])
    email, push = (actions_topic(workspace, channel) for channel in ("email", "push"))
    with (
        tail(PROJECT, email, emulator_host=proxy.host, idle_seconds=20) as emails,
        tail(PROJECT, push, emulator_host=proxy.host, idle_seconds=20) as pushes,
    ):
        assert actions.publish(3, 9, outbox) == []
        found = sorted(published(emails, 2), key=lambda message: message.attributes["action_id"])
        (pushed,) = published(pushes, 1)
    assert [message.body for message in found] == [outbox.actions[0].body, outbox.actions[2].body]
    assert found[0].attributes == {
        "workspace": workspace,
        "channel": "email",
        "journey": "cart",
        "category": "commercial",
        "action_id": f"{1:032x}",
        "sequence": "701",
    }
    assert pushed.body == outbox.actions[1].body
    assert len(proxy.requests("Publish")) == 2


@pytest.mark.parametrize("lost", [False, True])
def test_a_request_is_repeated_as_it_is(
    actions: PubSubActions, workspace: str, proxy: PubSubProxy, lost: bool
) -> None:
    proxy.fail("Publish", grpc.StatusCode.UNAVAILABLE, 2, lost=lost)
    outbox = Outbox([action(1, workspace), action(2, workspace)], [])
    actions.publish(0, 1, outbox)
    actions.publish(0, 1, outbox)
    requests = proxy.requests("Publish")
    assert len(requests) == 4
    assert len(set(requests)) == 1


def test_what_stays_wrong_rises(actions: PubSubActions, workspace: str, proxy: PubSubProxy) -> None:
    outbox = Outbox([action(1, workspace)], [])
    proxy.fail("Publish", grpc.StatusCode.INVALID_ARGUMENT)
    with pytest.raises(InvalidArgument):
        actions.publish(0, 1, outbox)
    assert len(proxy.requests("Publish")) == 1
    impatient = PubSubActions(PROJECT, workspace, lambda: 0, emulator_host=proxy.host, retry_seconds=0.2)
    proxy.fail("Publish", grpc.StatusCode.UNAVAILABLE, 100)
    with pytest.raises(RetryError):
        impatient.publish(0, 1, outbox)
    impatient.close()


def test_a_channel_without_a_topic_is_named(actions: PubSubActions, workspace: str) -> None:
    with pytest.raises(CjaasError, match=f"{workspace}-actions-fax: .*cjaas up"):
        actions.publish(0, 1, Outbox([action(1, workspace, channel="fax")], []))


def test_another_workspaces_action_is_refused(
    actions: PubSubActions, workspace: str, proxy: PubSubProxy
) -> None:
    with pytest.raises(CjaasError, match=r"action 0+2: expected one of workspace .* other"):
        actions.publish(0, 1, Outbox([action(1, workspace), action(2, "other")], []))
    assert proxy.requests("Publish") == []


@pytest.mark.parametrize(
    ("now_us", "expired"),
    [(EXPIRES_US - 1, []), (EXPIRES_US, [1]), (EXPIRES_US + 3_600_000_000, [1, 2])],
)
def test_what_has_expired_is_not_published(
    workspace: str, proxy: PubSubProxy, now_us: int, expired: list[int]
) -> None:
    first, second = action(1, workspace), action(2, workspace, expires_at="2026-01-01T02:00:00Z")
    actions = PubSubActions(PROJECT, workspace, lambda: now_us, emulator_host=proxy.host)
    found = actions.publish(0, 1, Outbox([first, second], []))
    actions.close()
    assert found == [f"{number:032x}" for number in expired]
    sent = [
        message.data
        for request in proxy.requests("Publish")
        for message in PublishRequest.FromString(request).messages
    ]
    assert sent == [each.body for number, each in ((1, first), (2, second)) if number not in expired]


def test_expiry_is_read_as_it_is_written(workspace: str, proxy: PubSubProxy) -> None:
    actions = PubSubActions(PROJECT, workspace, lambda: EXPIRES_US, emulator_host=proxy.host)
    times = ("2026-01-01T01:00:00.000001Z", "2026-01-01T02:00:00+01:00", "2026-01-01T01:00:00+01:00")
    late = actions.expired([action(n, workspace, expires_at=time) for n, time in enumerate(times)])
    assert late == [f"{1:032x}", f"{2:032x}"]
    assert proxy.calls == []


def wall_clock_us() -> int:
    return EXPIRES_US


def test_it_travels(workspace: str, proxy: PubSubProxy) -> None:
    original = PubSubActions(PROJECT, workspace, wall_clock_us, emulator_host=proxy.host)
    late = action(1, workspace)
    assert original.publish(0, 1, Outbox([late], [])) == [late.action_id]
    copy = pickle.loads(pickle.dumps(original))
    copy.send([late])
    copy.close()
    original.send([late])
    original.close()
    assert len(proxy.requests("Publish")) == 2


def test_requests_hold_1000_messages_and_9_mb(
    proxy: PubSubProxy, workspace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = TopicWriter(PROJECT, emulator_host=proxy.host)
    topic = actions_topic(workspace, "email")
    writer.write(topic, [PubsubMessage(data=b"x")] * 2_001)
    monkeypatch.setattr(pubsub_publisher, "MAX_REQUEST_BYTES", 1_000)
    writer.write(topic, [PubsubMessage(data=b"x" * size) for size in (400, 400, 400, 5_000, 1)])
    writer.write(topic, [])
    writer.close()
    requests = [PublishRequest.FromString(request) for request in proxy.requests("Publish")]
    assert [len(request.messages) for request in requests] == [1_000, 1_000, 1, 2, 1, 1, 1]


def test_the_fields_that_are_read_are_the_actions_own() -> None:
    read = {
        name
        for struct in (pubsub_publisher._Envelope, pubsub_publisher._Expiry)
        for name in struct.__struct_fields__
    }
    assert read <= set(Action.model_fields)
    assert msgspec.json.decode(action(1, "shop").body, type=pubsub_publisher._Envelope).sequence == 701
