"""Microseconds of CPU per message of Pub/Sub: ours against Google's high-level clients, on the emulator.

Run `.venv/bin/python benchmarks/pubsub.py`. Contestants take turns, each with a topic of its own, and the
median round counts. CPU is of this process with all its threads, from connecting to having closed; the
emulator and the feeder have their own. Tables: messages pulled and acknowledged, from a backlog and at a
rate; actions published; the time from publishing a single message to having it.

Like with like: all give payload, message id, attributes, publish time and an acknowledgement for each
message. Google's publisher is given the attributes, ours reads them from the actions' bodies.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from google.cloud import pubsub_v1  # type: ignore[attr-defined]
from google.pubsub_v1 import SubscriberClient
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.local.emulators import PROJECT, start_emulator
from schemas.store import OutboundAction, Outbox
from sinks.pubsub_calls import PubsubMessage
from sinks.pubsub_messages import publish_lines
from sinks.pubsub_publisher import PubSubActions, TopicWriter
from sinks.pubsub_subscription import PubSubSubscription
from sinks.pubsub_topics import PubSubTopics, subscription_path, topic_path

LINE = msgspec.json.encode(
    {"specversion": "1.0", "id": "e", "type": "page_viewed", "data": {"path": "x" * 400}}
)
BODY = {
    "workspace": "shop",
    "person_id": "a" * 32,
    "channel": "email",
    "category": "commercial",
    "journey": "cart",
    "data": {"name": "x" * 200},
    "sequence": 1,
    "expires_at": "2999-01-01T00:00:00Z",
}
COMMIT_ACTIONS = 100
LATENCIES = 50


class Cost(NamedTuple):
    """What a round took: CPU of a message, and how many a second."""

    cpu_us: float
    per_second: float


class Meter:
    """Counts messages, and tells when all are there."""

    def __init__(self, expected: int) -> None:
        self.done = threading.Event()
        self.done_at = 0.0
        self._expected = expected
        self._lock = threading.Lock()
        self._count = 0

    def note(self, messages: int) -> None:
        """So many more."""
        with self._lock:
            self._count += messages
            if self._count >= self._expected and not self.done.is_set():
                self.done_at = time.perf_counter()
                self.done.set()

    def cost(self, pull: Callable[[], None]) -> Cost:
        """Of one message: CPU from connecting to having closed, time until all are there.

        A contestant that reads ahead has worked before its first message is counted, and one that
        acknowledges later works after its last.
        """
        cpu, wall = time.process_time(), time.perf_counter()
        pull()
        return Cost(
            (time.process_time() - cpu) / self._expected * 1e6, self._expected / (self.done_at - wall)
        )


def pull_ours(host: str, name: str, meter: Meter) -> None:
    """`PubSubSubscription`, acknowledging each batch."""
    subscription = PubSubSubscription(PROJECT, name, emulator_host=host)
    while not meter.done.is_set():
        pulled = subscription.pull(1_000, 1)
        if pulled.ack_ids:
            subscription.acknowledge(pulled.ack_ids)
            meter.note(len(pulled.ack_ids))
    subscription.close()


def pull_generated(host: str, name: str, meter: Meter) -> None:
    """Google's generated client, by Pull and Acknowledge."""
    path = subscription_path(PROJECT, name)
    with pubsub_v1.SubscriberClient() as client:
        generated: SubscriberClient = client.api
        while not meter.done.is_set():
            received = generated.pull(subscription=path, max_messages=1_000, timeout=10).received_messages
            for item in received:
                message = item.message
                _ = message.data, message.message_id, dict(message.attributes), message.publish_time
            generated.acknowledge(subscription=path, ack_ids=[item.ack_id for item in received])
            meter.note(len(received))


def pull_streaming(host: str, name: str, meter: Meter) -> None:
    """Google's high-level client: `subscribe` with a callback, by StreamingPull."""

    def callback(message: Any) -> None:
        _ = message.data, message.message_id, dict(message.attributes), message.publish_time
        message.ack()
        meter.note(1)

    with pubsub_v1.SubscriberClient() as client:
        under_way = client.subscribe(subscription_path(PROJECT, name), callback=callback)
        meter.done.wait(120)
        under_way.cancel()
        under_way.result()


PULLERS: dict[str, Callable[[str, str, Meter], None]] = {
    "PubSubSubscription": pull_ours,
    "google generated client, Pull": pull_generated,
    "google SubscriberClient.subscribe": pull_streaming,
}


def publish_ours(host: str, workspace: str, actions: list[OutboundAction]) -> Cost:
    """`PubSubActions`, an outbox of a commit at a time."""
    start = time.process_time(), time.perf_counter()
    publisher = PubSubActions(PROJECT, workspace, lambda: time.time_ns() // 1_000, emulator_host=host)
    for index in range(0, len(actions), COMMIT_ACTIONS):
        assert not publisher.publish(0, 1, Outbox(actions[index : index + COMMIT_ACTIONS], []))
    publisher.close()
    return _since(start, len(actions))


def publish_futures(host: str, workspace: str, actions: list[OutboundAction]) -> Cost:
    """Google's high-level client: a future a message, awaited a commit at a time."""
    start = time.process_time(), time.perf_counter()
    client = pubsub_v1.PublisherClient()
    topic = topic_path(PROJECT, f"{workspace}-actions-email")
    for index in range(0, len(actions), COMMIT_ACTIONS):
        futures = [
            client.publish(
                topic,
                action.body,
                workspace=workspace,
                channel="email",
                journey="cart",
                category="commercial",
                action_id=action.action_id,
                sequence="1",
            )
            for action in actions[index : index + COMMIT_ACTIONS]
        ]
        for future in futures:
            future.result()
    client.stop()
    return _since(start, len(actions))


PUBLISHERS = {
    "PubSubActions": publish_ours,
    "google PublisherClient.publish, futures": publish_futures,
}


def _since(start: tuple[float, float], count: int) -> Cost:
    cpu, wall = time.process_time() - start[0], time.perf_counter() - start[1]
    return Cost(cpu / count * 1e6, count / wall)


class Bench:
    """An emulator with topics of their own for each round."""

    def __init__(self, host: str, messages: int, rate: int) -> None:
        self.host = host
        self.messages = messages
        self.rate = rate
        self._topics = PubSubTopics(PROJECT, emulator_host=host)
        self._writer = TopicWriter(PROJECT, emulator_host=host)
        self._number = 0

    def backlog(self, puller: Callable[[str, str, Meter], None]) -> Cost:
        """Messages that are all there."""
        topic = self._topic()
        publish_lines(self._writer, topic, [LINE] * self.messages)
        meter = Meter(self.messages)
        return meter.cost(lambda: puller(self.host, topic, meter))

    def paced(self, puller: Callable[[str, str, Meter], None]) -> Cost:
        """Messages that come at a rate."""
        topic = self._topic()
        feed = [sys.executable, __file__, "--feed", self.host, topic]
        feed += ["--messages", str(self.messages), "--rate", str(self.rate)]
        meter = Meter(self.messages)
        with subprocess.Popen(feed):
            return meter.cost(lambda: puller(self.host, topic, meter))

    def latency_ms(self, puller: Callable[[str, str, Meter], None]) -> float:
        """The median time from publishing one message to having it."""
        topic = self._topic()
        arrived = threading.Event()

        class Announcing(Meter):
            def note(self, messages: int) -> None:
                arrived.set()
                super().note(messages)

        meter = Announcing(LATENCIES)
        worker = threading.Thread(target=puller, args=(self.host, topic, meter))
        worker.start()
        found = []
        for _ in range(LATENCIES):
            # Apart from each other, so that none finds the one before it on its way.
            time.sleep(0.1)
            arrived.clear()
            start = time.perf_counter()
            self._writer.write(topic, [PubsubMessage(data=LINE)])
            if not arrived.wait(20):
                raise RuntimeError(f"{puller.__name__}: a message did not arrive")
            found.append((time.perf_counter() - start) * 1e3)
        worker.join()
        return statistics.median(found)

    def published(self, publisher: Callable[[str, str, list[OutboundAction]], Cost]) -> Cost:
        """Actions of commits of 100."""
        self._number += 1
        workspace = f"shop{self._number}"
        self._topics.ensure_actions(workspace, ["email"])
        actions = []
        for number in range(self.messages):
            action_id = f"{number:032x}"
            body = {"action_id": action_id, **BODY, "workspace": workspace}
            actions.append(OutboundAction("email", action_id, msgspec.json.encode(body)))
        return publisher(self.host, workspace, actions)

    def _topic(self) -> str:
        self._number += 1
        topic = f"bench-{self._number}"
        self._topics.create_topic(topic)
        self._topics.create_subscription(topic, topic)
        return topic


def _table(title: str, costs: dict[str, list[Cost]]) -> Table:
    out = Table(title=title)
    for name in ("", "CPU µs a message", "messages/s"):
        out.add_column(name, justify="right" if name else "left")
    for name, rounds in costs.items():
        cpu_us = statistics.median(cost.cpu_us for cost in rounds)
        per_second = statistics.median(cost.per_second for cost in rounds)
        out.add_row(name, f"{cpu_us:.1f}", f"{per_second:,.0f}")
    return out


def _rounds(run: Callable[[Any], Cost], contestants: dict[str, Any], rounds: int) -> dict[str, list[Cost]]:
    costs: dict[str, list[Cost]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            costs[name].append(run(contestant))
    return costs


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--rate", type=int, default=1_500, help="messages a second of the paced rounds")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--feed", nargs=2, metavar=("HOST", "TOPIC"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.feed:
        host, topic = arguments.feed
        writer = TopicWriter(PROJECT, emulator_host=host)
        publish_lines(writer, topic, [LINE] * arguments.messages, arguments.rate)
        writer.close()
        return
    console = Console(width=110)
    with tempfile.TemporaryDirectory() as folder, start_emulator("pubsub", Path(folder, "log")) as emulator:
        # How Google's clients are told of an emulator.
        os.environ["PUBSUB_EMULATOR_HOST"] = emulator.host
        os.environ["PUBSUB_PROJECT_ID"] = PROJECT
        bench = Bench(emulator.host, arguments.messages, arguments.rate)
        for puller in PULLERS.values():
            # So that the emulator's own compiler has seen all of it.
            bench.backlog(puller)
        rounds = arguments.rounds
        console.print(_table("Pulled and acknowledged, backlog", _rounds(bench.backlog, PULLERS, rounds)))
        title = f"Pulled and acknowledged, {arguments.rate:,} a second"
        console.print(_table(title, _rounds(bench.paced, PULLERS, rounds)))
        title = f"Actions published, commits of {COMMIT_ACTIONS}"
        console.print(_table(title, _rounds(bench.published, PUBLISHERS, rounds)))
        out = Table(title="A single message, from publishing it to having it")
        out.add_column("")
        out.add_column("median ms", justify="right")
        for name, puller in PULLERS.items():
            out.add_row(name, f"{bench.latency_ms(puller):.1f}")
        console.print(out)


if __name__ == "__main__":
    main()
