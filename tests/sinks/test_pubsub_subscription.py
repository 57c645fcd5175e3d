"""Pulling, leases and acknowledgements, against Google's emulator."""

from __future__ import annotations

import pickle
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.pubsub_v1 import PublisherClient, PubsubMessage
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport

from pipelines.local.emulators import PROJECT, Emulator
from schemas.errors import CjaasError
from schemas.streams import MessageSubscription, Pulled
from sinks.pubsub_calls import AcknowledgeRequest, ModifyAckDeadlineRequest, ack_requests
from sinks.pubsub_leases import Held
from sinks.pubsub_subscription import PubSubSubscription
from sinks.pubsub_topics import PubSubTopics, topic_path
from tests.emulators import pubsub_emulator  # noqa: F401
from tests.sinks.pubsub_proxy import PubSubProxy, pubsub_proxy

Open = Callable[..., PubSubSubscription]


@pytest.fixture
def name(pubsub_emulator: Emulator) -> str:  # noqa: F811
    """A topic, and a subscription to it by the same name with the least deadline."""
    name = f"t-{uuid.uuid4().hex}"
    with PubSubTopics(PROJECT, emulator_host=pubsub_emulator.host) as topics:
        topics.create_topic(name)
        topics.create_subscription(name, name, ack_deadline_seconds=10)
    return name


@pytest.fixture
def proxy(pubsub_emulator: Emulator) -> Iterator[PubSubProxy]:  # noqa: F811
    with pubsub_proxy(pubsub_emulator.host) as proxy:
        yield proxy


@pytest.fixture
def open_subscription(
    pubsub_emulator: Emulator,  # noqa: F811
    name: str,
    proxy: PubSubProxy,
) -> Iterator[Open]:
    """Opens instances, which are closed before the proxy is."""
    opened: list[PubSubSubscription] = []

    def open_(host: str = pubsub_emulator.host, **options: float) -> PubSubSubscription:
        options = {"ack_deadline_seconds": 10, **options}
        opened.append(PubSubSubscription(PROJECT, name, emulator_host=host, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_
    for subscription in opened:
        subscription.close()


@pytest.fixture
def publish(pubsub_emulator: Emulator, name: str) -> Iterator[Callable[..., list[str]]]:  # noqa: F811
    """Publishes bodies with Google's own client; gives the message ids."""
    channel = grpc.insecure_channel(pubsub_emulator.host)
    client = PublisherClient(transport=PublisherGrpcTransport(channel=channel))

    def publish_(bodies: list[bytes], **attributes: str) -> list[str]:
        messages = [PubsubMessage(data=body, attributes=attributes) for body in bodies]
        return list(client.publish(topic=topic_path(PROJECT, name), messages=messages).message_ids)

    yield publish_
    channel.close()


def pull(subscription: MessageSubscription, count: int, seconds: float = 20) -> Pulled:
    """So many messages."""
    pulled = Pulled([], [], [], [], [])
    until = time.monotonic() + seconds
    while len(pulled.payloads) < count:
        assert time.monotonic() < until, f"{len(pulled.payloads)} of {count} messages in time"
        more = subscription.pull(count - len(pulled.payloads), 1)
        for column in Pulled.__struct_fields__:
            getattr(pulled, column).extend(getattr(more, column))
    return pulled


def nothing_comes(subscription: MessageSubscription) -> bool:
    return not subscription.pull(10, 0.3).payloads


def test_messages_arrive_exactly(open_subscription: Open, publish: Callable[..., list[str]]) -> None:
    subscription = open_subscription()
    before_us = time.time_ns() // 1000
    bodies = [b"%d \xff\x00" % number for number in range(1_000)]
    message_ids = publish(bodies, **{"ce-id": "ä", "x": ""})
    pulled = pull(subscription, 1_000)
    subscription.acknowledge(pulled.ack_ids)
    assert dict(zip(pulled.message_ids, pulled.payloads, strict=True)) == dict(
        zip(message_ids, bodies, strict=True)
    )
    assert pulled.attributes == [{"ce-id": "ä", "x": ""}] * 1_000
    assert all(type(time_us) is int for time_us in pulled.publish_us)
    assert before_us - 1_000_000 <= min(pulled.publish_us)
    assert max(pulled.publish_us) <= time.time_ns() // 1000 + 1_000_000
    assert nothing_comes(subscription)


def test_a_pull_gives_what_is_there_up_to_its_limit(
    open_subscription: Open, publish: Callable[..., list[str]]
) -> None:
    subscription = open_subscription()
    assert subscription.pull(10, 0.05) == Pulled([], [], [], [], [])
    publish([b"1"])
    # Far from the wait, and without cutting short the request that waits since the pull before.
    started = time.monotonic()
    assert subscription.pull(10, 20).payloads == [b"1"]
    assert time.monotonic() - started < 10
    publish([b"x"] * 30)
    sizes = [len(subscription.pull(7, 5).payloads) for _ in range(3)]
    assert all(1 <= size <= 7 for size in sizes)


def test_what_is_released_comes_again(open_subscription: Open, publish: Callable[..., list[str]]) -> None:
    subscription = open_subscription()
    (message_id,) = publish([b"1"])
    first = pull(subscription, 1)
    subscription.release(first.ack_ids)
    again = pull(subscription, 1, seconds=5)
    assert (again.payloads, again.message_ids) == ([b"1"], [message_id])
    assert subscription.outstanding() == (1, 1)


def test_another_instance_acknowledges_and_the_puller_forgets(
    open_subscription: Open, publish: Callable[..., list[str]]
) -> None:
    puller, other = open_subscription(), open_subscription()
    publish([b"12", b"345"])
    pulled = pull(puller, 2)
    assert puller.outstanding() == (2, 5)
    other.acknowledge(pulled.ack_ids)
    assert puller.outstanding() == (0, 0)


def test_an_instance_that_never_pulled_acknowledges_alone(
    open_subscription: Open, publish: Callable[..., list[str]], proxy: PubSubProxy
) -> None:
    puller = open_subscription()
    publish([b"1"])
    pulled = pull(puller, 1)
    # By another host it shares nothing with the puller, as another process does.
    other: PubSubSubscription = pickle.loads(pickle.dumps(open_subscription(proxy.host)))
    other.acknowledge(pulled.ack_ids)
    other.close()
    (request,) = proxy.requests("Acknowledge")
    assert list(AcknowledgeRequest.FromString(request).ack_ids) == pulled.ack_ids
    assert {method for method, _ in proxy.calls} == {"Acknowledge"}
    # The puller gives it back, and still it does not come again.
    puller.release(pulled.ack_ids)
    assert nothing_comes(puller)


def test_leases_are_extended_until_they_are_acknowledged(
    open_subscription: Open, publish: Callable[..., list[str]], proxy: PubSubProxy
) -> None:
    subscription = open_subscription(proxy.host)
    publish([b"1", b"2"])
    pulled = pull(subscription, 2)
    subscription.acknowledge(pulled.ack_ids[:1])
    (raw,) = proxy.wait_for("ModifyAckDeadline")
    request = ModifyAckDeadlineRequest.FromString(raw)
    assert list(request.ack_ids) == pulled.ack_ids[1:]
    assert request.ack_deadline_seconds == 10
    subscription.acknowledge(pulled.ack_ids[1:])
    assert subscription.outstanding() == (0, 0)


def test_acknowledgements_wait_for_each_other(
    open_subscription: Open, publish: Callable[..., list[str]], proxy: PubSubProxy
) -> None:
    subscription = open_subscription(proxy.host)
    publish([b"x"] * 50)
    pulled = pull(subscription, 50)
    for ack_id in pulled.ack_ids:
        subscription.acknowledge([ack_id])
    subscription.close()
    requests = [AcknowledgeRequest.FromString(raw) for raw in proxy.requests("Acknowledge")]
    assert [ack_id for request in requests for ack_id in request.ack_ids] == pulled.ack_ids
    assert len(requests) < 10


def test_an_acknowledgement_is_repeated_and_counted_when_it_fails_for_good(
    open_subscription: Open, publish: Callable[..., list[str]], proxy: PubSubProxy
) -> None:
    subscription = open_subscription(proxy.host)
    publish([b"1", b"2"])
    pulled = pull(subscription, 2)
    proxy.fail("Acknowledge", grpc.StatusCode.UNAVAILABLE)
    subscription.acknowledge(pulled.ack_ids[:1])
    first, second = proxy.wait_for("Acknowledge", 2)
    assert first == second
    proxy.fail("Acknowledge", grpc.StatusCode.INVALID_ARGUMENT)
    subscription.acknowledge(pulled.ack_ids[1:])
    leases = subscription._leases
    assert leases is not None
    subscription.close()
    assert leases.lost_acks == 1


def test_pulls_wait_while_too_much_is_outstanding(
    open_subscription: Open, publish: Callable[..., list[str]]
) -> None:
    subscription = open_subscription(max_outstanding_messages=5)
    publish([b"x"] * 20)
    pulled = pull(subscription, 5)
    assert nothing_comes(subscription)
    assert subscription.outstanding() == (5, 5)
    subscription.acknowledge(pulled.ack_ids[:2])
    assert len(pull(subscription, 2).payloads) == 2
    assert subscription.outstanding()[0] == 5


def test_pulls_wait_while_too_many_bytes_are_outstanding(
    open_subscription: Open, publish: Callable[..., list[str]]
) -> None:
    subscription = open_subscription(max_outstanding_bytes=1_000)
    publish([b"x" * 1_000])
    pulled = pull(subscription, 1)
    publish([b"y"])
    assert nothing_comes(subscription)
    subscription.acknowledge(pulled.ack_ids)
    assert pull(subscription, 1).payloads == [b"y"]


def test_closing_gives_back_what_no_pull_gave_out(
    open_subscription: Open, publish: Callable[..., list[str]]
) -> None:
    first = open_subscription()
    publish([b"%d" % number for number in range(20)])
    taken = pull(first, 1)
    first.close()
    rest = pull(open_subscription(), 19, seconds=8)
    assert not set(rest.payloads) & set(taken.payloads)


def test_a_closed_instance_loses_no_message_to_its_last_request(
    open_subscription: Open, publish: Callable[..., list[str]], proxy: PubSubProxy
) -> None:
    first = open_subscription(proxy.host)
    assert nothing_comes(first)
    proxy.wait_for("Pull")
    first.close()
    proxy.wait_for_the_end_of_all("Pull")
    publish([b"1"])
    # The emulator may learn late that a request was cancelled: then the message comes after its deadline.
    assert pull(open_subscription(), 1, seconds=60).payloads == [b"1"]


def test_an_error_that_passes_is_no_error(
    open_subscription: Open, publish: Callable[..., list[str]], proxy: PubSubProxy
) -> None:
    proxy.fail("Pull", grpc.StatusCode.UNAVAILABLE, times=2)
    subscription = open_subscription(proxy.host)
    publish([b"1"])
    assert pull(subscription, 1).payloads == [b"1"]
    assert len(proxy.requests("Pull")) >= 3


def test_a_missing_subscription_is_named(pubsub_emulator: Emulator) -> None:  # noqa: F811
    subscription = PubSubSubscription(PROJECT, "absent", emulator_host=pubsub_emulator.host)
    try:
        for _ in range(2):
            with pytest.raises(CjaasError, match=r"subscriptions/absent: .*cjaas up"):
                subscription.pull(1, 20)
    finally:
        subscription.close()


def test_several_threads_share_one_instance(
    open_subscription: Open, publish: Callable[..., list[str]]
) -> None:
    subscription = open_subscription()
    message_ids = publish([b"x"] * 1_000)

    def work(_: int) -> list[str]:
        pulled = pull(subscription, 250)
        subscription.acknowledge(pulled.ack_ids)
        return pulled.message_ids

    with ThreadPoolExecutor(4) as pool:
        found = [message_id for part in pool.map(work, range(4)) for message_id in part]
    assert sorted(found) == sorted(message_ids)
    assert subscription.outstanding() == (0, 0)


def test_leases_are_due_at_a_third_and_given_up_in_the_end() -> None:
    held = Held(extend_after_seconds=20, max_hold_seconds=60)
    held.add(["a", "b"], [1, 2], now=0)
    held.add(["c"], [4], now=5)
    assert held.take_due(19) == []
    assert held.take_due(20) == ["a", "b"]
    assert held.take_due(21) == []
    held.forget(["a", "unknown"])
    assert (len(held), held.size_bytes) == (2, 6)
    assert held.take_due(40) == ["b", "c"]
    assert held.take_due(60) == ["c"]
    assert (len(held), held.size_bytes, held.given_up) == (1, 4, 1)
    assert held.take_due(65) == []
    assert (len(held), held.size_bytes, held.given_up) == (0, 0, 2)


def test_requests_hold_2500_ids_or_512_kb() -> None:
    short = [str(number) for number in range(5_001)]
    assert [len(part) for part in ack_requests(short)] == [2_500, 2_500, 1]
    long = ["x" * 996] * 1_025
    assert [len(part) for part in ack_requests(long)] == [512, 512, 1]
    assert [len(part) for part in ack_requests(["x" * 600_000, "y"])] == [1, 1]
    assert list(ack_requests([])) == []
