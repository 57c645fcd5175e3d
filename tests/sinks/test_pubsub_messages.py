"""Publishing event files and watching topics, against Google's emulator."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from pipelines.local.emulators import PROJECT, Emulator
from sinks.event_files import EventFiles
from sinks.pubsub_calls import PublishRequest
from sinks.pubsub_messages import Published, publish_batches, publish_lines, tail
from sinks.pubsub_publisher import TopicWriter
from sinks.pubsub_topics import PubSubTopics
from tests.emulators import pubsub_emulator  # noqa: F401
from tests.sinks.pubsub_proxy import PubSubProxy, pubsub_proxy

STRUCTURED = {"content-type": "application/cloudevents+json"}


@pytest.fixture
def topic(pubsub_emulator: Emulator) -> str:  # noqa: F811
    topic = f"t-{uuid.uuid4().hex}"
    with PubSubTopics(PROJECT, emulator_host=pubsub_emulator.host) as topics:
        topics.create_topic(topic)
    return topic


@pytest.fixture
def proxy(pubsub_emulator: Emulator) -> Iterator[PubSubProxy]:  # noqa: F811
    with pubsub_proxy(pubsub_emulator.host) as proxy:
        yield proxy


@pytest.fixture
def writer(proxy: PubSubProxy) -> Iterator[TopicWriter]:
    writer = TopicWriter(PROJECT, emulator_host=proxy.host)
    yield writer
    writer.close()


def sizes(proxy: PubSubProxy) -> list[int]:
    return [len(PublishRequest.FromString(request).messages) for request in proxy.requests("Publish")]


def test_lines_become_structured_messages(writer: TopicWriter, topic: str, proxy: PubSubProxy) -> None:
    lines = [b'{"id":"1"}\n', b"\n", b'{"id":"\xc3\xa4"}\r\n', b"  \n", b'{"id":"3"}']
    with tail(PROJECT, topic, emulator_host=proxy.host, idle_seconds=20) as messages:
        counts = publish_lines(writer, topic, lines)
        found = list(islice(messages, 3))
    assert sorted(message.body for message in found) == [b'{"id":"1"}', b'{"id":"3"}', b'{"id":"\xc3\xa4"}']
    assert [message.attributes for message in found] == [STRUCTURED] * 3
    assert counts.messages == 3
    assert counts.size_bytes > 30
    assert sizes(proxy) == [3]


def test_event_files_keep_their_attributes(
    writer: TopicWriter, topic: str, proxy: PubSubProxy, tmp_path: Path
) -> None:
    path = tmp_path / "events.ndjson"
    message = {"data": "eA==", "attributes": {"ce-id": "2"}, "messageId": "7"}
    path.write_text('{"id": "1"}\n' + json.dumps(message) + "\n")
    files = EventFiles((str(path),))
    batches = [batch for split in files.splits() for batch in files.read(split)]
    assert publish_batches(writer, topic, batches).messages == 2
    (raw,) = proxy.requests("Publish")
    assert [(sent.data, dict(sent.attributes)) for sent in PublishRequest.FromString(raw).messages] == [
        (b'{"id": "1"}', STRUCTURED),
        (b"x", {"ce-id": "2"}),
    ]


def test_a_rate_is_kept(writer: TopicWriter, topic: str, proxy: PubSubProxy) -> None:
    clock = [100.0]
    sent_at: list[float] = []

    def sleep(seconds: float) -> None:
        assert seconds > 0
        clock[0] += seconds
        sent_at.append(clock[0])

    lines = [b"x"] * 250
    counts = publish_lines(writer, topic, lines, 1_000, now=lambda: clock[0], sleep=sleep)
    assert counts.messages == 250
    assert sizes(proxy) == [50] * 5
    assert sent_at == pytest.approx([100.05, 100.1, 100.15, 100.2])


def test_full_speed_is_a_thousand_a_request(writer: TopicWriter, topic: str, proxy: PubSubProxy) -> None:
    def sleep(seconds: float) -> None:
        raise AssertionError("nothing to wait for")

    assert publish_lines(writer, topic, iter([b"x"] * 2_500), sleep=sleep).messages == 2_500
    assert sizes(proxy) == [1_000, 1_000, 500]
    assert publish_lines(writer, topic, []) == Published(0, 0)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_is_above_zero(writer: TopicWriter, topic: str, rate: float) -> None:
    with pytest.raises(ValueError, match="rate above 0"):
        publish_lines(writer, topic, [b"x"], rate)


def test_watching_ends_with_its_subscription(
    writer: TopicWriter,
    topic: str,
    proxy: PubSubProxy,
    pubsub_emulator: Emulator,  # noqa: F811
) -> None:
    publish_lines(writer, topic, [b"before"])
    with tail(PROJECT, topic, emulator_host=proxy.host, idle_seconds=0.5) as messages:
        publish_lines(writer, topic, [b"after"])
        assert [message.body for message in messages] == [b"after"]
    assert len(proxy.requests("Acknowledge")) == 1
    with pytest.raises(KeyboardInterrupt), tail(PROJECT, topic, emulator_host=proxy.host):
        raise KeyboardInterrupt
    created, deleted = (proxy.requests(f"{verb}Subscription") for verb in ("Create", "Delete"))
    assert len(created) == len(deleted) == 2
