"""The keyed step over an in-memory store: races, crashes, and what is published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from schemas.store import NO_TOKEN, Commit, CommitTooLargeError, DueRow, Head, Outbox
from schemas.timestamps import HOUR_US, MINUTE_US
from schemas.workspace import Workspace
from tests.fold_events import START_US, fold_event
from tests.journeys import JOURNEY, after, by_person, with_journeys
from tests.workspaces import small_workspace
from transforms import commit as keyed_step
from transforms.commit import advance_shard, commit_parts, wake_shard
from transforms.core.engine import Engine
from transforms.core.fold_event import FoldEvent
from transforms.core.profile import decode_image, facts

JOURNEYS = (replace(JOURNEY, name="at_once"), replace(JOURNEY, name="waits", steps=after(HOUR_US)))


class Crash(Exception):  # noqa: N818 (a crash is no error of the code under test)
    """The process ends here."""


class MemoryStore:
    """A profile store in memory.

    Attributes:
        before_commit: where another writer comes in.
        most_persons: of one commit.
    """

    def __init__(self) -> None:
        self.heads: dict[int, Head] = {}
        self.rows: dict[str, bytes] = {}
        self.deadlines: dict[str, tuple[int, int]] = {}
        self.commits: list[Commit] = []
        self.before_commit: list[Callable[[], Any]] = []
        self.most_persons = 1_000

    def head(self, shard: int) -> Head:
        return self.heads.get(shard, Head(0, NO_TOKEN, None))

    def images(self, person_ids: Sequence[str], shard: int | None = None) -> dict[str, bytes]:
        return {person_id: self.rows[person_id] for person_id in person_ids if person_id in self.rows}

    def commit(self, commit: Commit) -> bool:
        if len(commit.images) > self.most_persons:
            raise CommitTooLargeError("too many persons")
        if self.before_commit:
            self.before_commit.pop()()
        head = self.head(commit.shard)
        if head.token != commit.expected_token:
            return False
        assert commit.sequence > head.sequence
        assert head.outbox is None, "the outbox of the last commit is not out yet"
        # As bytes: what is published after a crash is what was stored.
        stored = msgspec.msgpack.decode(msgspec.msgpack.encode(commit.outbox), type=Outbox)
        self.heads[commit.shard] = Head(commit.sequence, commit.token, stored)
        self.rows.update(commit.images)
        for person_id, time_us in commit.deadlines.items():
            self.deadlines.pop(person_id, None)
            if time_us is not None:
                self.deadlines[person_id] = (commit.shard, time_us)
        self.commits.append(commit)
        return True

    def acknowledge(self, shard: int, token: str) -> None:
        head = self.head(shard)
        if head.token == token:
            self.heads[shard] = Head(head.sequence, head.token, None)

    def due(self, shard: int, until_us: int, limit: int) -> list[DueRow]:
        rows = [
            DueRow(time_us, person_id)
            for person_id, (own, time_us) in self.deadlines.items()
            if own == shard and time_us <= until_us
        ]
        return sorted(rows)[:limit]

    def scan(self) -> Iterable[tuple[str, bytes]]:
        return sorted(self.rows.items())

    def close(self) -> None:
        pass


class Topic:
    """Where outboxes go; raises in the place of the next publications that it is told to."""

    def __init__(self) -> None:
        self.published: list[tuple[int, int, Outbox]] = []
        self.crashes: list[str] = []

    def publish(self, shard: int, sequence: int, outbox: Outbox, *, again: bool = False) -> None:
        crash = self.crashes.pop() if self.crashes else None
        if crash == "before":
            raise Crash
        self.published.append((shard, sequence, outbox))
        if crash == "after":
            raise Crash

    def bodies(self) -> dict[str, set[bytes]]:
        found: dict[str, set[bytes]] = {}
        for _, _, outbox in self.published:
            for action in outbox.actions:
                found.setdefault(action.action_id, set()).add(action.body)
        return found

    def sent_ids(self) -> set[str | None]:
        return {
            decision.action_id
            for _, _, outbox in self.published
            for decision in outbox.decisions
            if decision.outcome.value == "sent"
        }


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return with_journeys(small_workspace(tmp_path_factory.mktemp("workspaces") / "shop"), *JOURNEYS)


@pytest.fixture(scope="module")
def engine(workspace: Workspace) -> Engine:
    return Engine(workspace)


def cart(engine: Engine, event_id: str, minute: int = 0, person: int = 1) -> FoldEvent:
    return fold_event(
        engine.plan,
        "cart_added",
        {"sku": event_id, "price": 1.0},
        START_US + minute * MINUTE_US,
        event_id=event_id,
        person_id=f"{person:032x}",
    )


def run(engine: Engine, store: MemoryStore, topic: Topic, *events: FoldEvent) -> None:
    newest_us = max(event.time_us for event in events)
    advance_shard(engine, store, topic, 0, by_person(events), newest_us)


def test_batch_is_committed_published_and_acknowledged(engine: Engine) -> None:
    store, topic = MemoryStore(), Topic()
    advanced = advance_shard(engine, store, topic, 3, by_person([cart(engine, "a")]), START_US)
    assert [commit.token for commit in store.commits] == [advanced.commit.token]
    assert topic.published == [(3, advanced.commit.sequence, advanced.commit.outbox)]
    assert store.head(3) == Head(advanced.commit.sequence, advanced.commit.token, None)
    assert store.rows == advanced.commit.images
    assert [action.channel for action in advanced.commit.outbox.actions] == ["web"]


def test_the_same_batch_again_publishes_nothing_new(engine: Engine) -> None:
    store, topic = MemoryStore(), Topic()
    run(engine, store, topic, cart(engine, "a"))
    first = topic.bodies()
    run(engine, store, topic, cart(engine, "a"))
    assert topic.bodies() == first
    assert topic.published[1][2] == Outbox([], [])
    assert store.commits[1].sequence > store.commits[0].sequence


def test_lost_race_is_run_again_on_what_the_other_wrote(engine: Engine) -> None:
    store, topic = MemoryStore(), Topic()
    store.before_commit.append(lambda: run(engine, store, topic, cart(engine, "theirs", 1)))
    run(engine, store, topic, cart(engine, "ours", 2))
    assert len(store.commits) == 2
    assert store.commits[1].expected_token == store.commits[0].token
    causes = [
        [decision.cause.event_id for decision in commit.outbox.decisions if decision.journey == "at_once"]
        for commit in store.commits
    ]
    assert causes == [["theirs"], ["ours"]]
    person_id = f"{1:032x}"
    expected, _ = MemoryStore(), None
    run(engine, expected, Topic(), cart(engine, "theirs", 1))
    run(engine, expected, Topic(), cart(engine, "ours", 2))
    assert store.rows[person_id] == expected.rows[person_id]


def test_lost_race_of_the_same_batch_folds_it_once(engine: Engine) -> None:
    store, topic = MemoryStore(), Topic()
    store.before_commit.append(lambda: run(engine, store, topic, cart(engine, "a")))
    run(engine, store, topic, cart(engine, "a"))
    assert len(topic.bodies()) == 1
    assert all(len(bodies) == 1 for bodies in topic.bodies().values())


@pytest.mark.parametrize("crash", ["before", "after"])
@pytest.mark.parametrize("again", ["the same batch", "another batch", "a wake"])
def test_crash_between_commit_and_acknowledge(engine: Engine, crash: str, again: str) -> None:
    store, topic = MemoryStore(), Topic()
    topic.crashes.append(crash)
    with pytest.raises(Crash):
        run(engine, store, topic, cart(engine, "a"))
    committed = store.commits[0]
    assert store.head(0).outbox == committed.outbox
    if again == "the same batch":
        run(engine, store, topic, cart(engine, "a"))
    elif again == "another batch":
        run(engine, store, topic, cart(engine, "b", 5, person=2))
    else:
        wake_shard(engine, store, topic, 0, START_US + 2 * HOUR_US)
    expected = {action.action_id: {action.body} for action in committed.outbox.actions}
    assert {id_: topic.bodies()[id_] for id_ in expected} == expected
    assert topic.bodies().keys() == topic.sent_ids()
    # The outbox that was left goes out under its own sequence, before anything that follows.
    assert topic.published[0][:2] == (0, committed.sequence)
    assert [sequence for _, sequence, _ in topic.published] == sorted(
        sequence for _, sequence, _ in topic.published
    )
    assert store.head(0).outbox is None


def test_takeover_publishes_what_another_left(engine: Engine, workspace: Workspace) -> None:
    store, dead = MemoryStore(), Topic()
    dead.crashes.append("before")
    with pytest.raises(Crash):
        run(engine, store, dead, cart(engine, "a"))
    successor = Topic()
    run(Engine(workspace), store, successor, cart(engine, "b", 5))
    assert [sequence for _, sequence, _ in successor.published] == [
        commit.sequence for commit in store.commits
    ]
    assert successor.published[0][2] == store.commits[0].outbox
    assert dead.published == []


def test_repeated_crashes_end_in_one_body_an_action(engine: Engine) -> None:
    store, topic = MemoryStore(), Topic()
    batches = [[cart(engine, "a")], [cart(engine, "b", 5)], [cart(engine, "c", 9, person=2)]]
    for batch in batches:
        topic.crashes += ["before", "after", "after"]
        for _ in range(5):
            try:
                run(engine, store, topic, *batch)
            except Crash:
                continue
    topic.crashes.clear()
    run(engine, store, topic, cart(engine, "d", 20))
    assert len(topic.bodies()) == 4
    assert all(len(bodies) == 1 for bodies in topic.bodies().values())
    assert topic.bodies().keys() == topic.sent_ids()


def test_waking_ends_what_is_due_and_nothing_else(engine: Engine) -> None:
    store, topic = MemoryStore(), Topic()
    run(engine, store, topic, cart(engine, "a", 0, person=1), cart(engine, "b", 30, person=2))
    assert wake_shard(engine, store, topic, 0, START_US + HOUR_US - 1) == []
    woken = wake_shard(engine, store, topic, 0, START_US + HOUR_US)
    decisions = [decision for advanced in woken for decision in advanced.commit.outbox.decisions]
    assert [(decision.journey, decision.cause.event_id) for decision in decisions] == [("waits", "a")]
    assert [row.person_id for row in store.due(0, START_US + 10 * HOUR_US, 9)] == [f"{2:032x}"]
    assert wake_shard(engine, store, topic, 0, START_US + HOUR_US) == []
    assert wake_shard(engine, store, topic, 1, START_US + 10 * HOUR_US) == []


def test_many_due_persons_are_woken_in_several_commits(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyed_step, "MAX_DUE", 2)
    store, topic = MemoryStore(), Topic()
    run(engine, store, topic, *(cart(engine, f"e{person}", person, person) for person in range(5)))
    woken = wake_shard(engine, store, topic, 0, START_US + 2 * HOUR_US)
    assert [len(advanced.commit.images) for advanced in woken] == [2, 2, 1]
    causes = [decision.cause.event_id for advanced in woken for decision in advanced.commit.outbox.decisions]
    assert causes == ["e0", "e1", "e2", "e3", "e4"]
    assert store.deadlines == {}


@pytest.mark.parametrize("most_persons", [1, 2, 3, 5, 7])
def test_what_is_too_much_for_one_commit_is_committed_in_parts(engine: Engine, most_persons: int) -> None:
    store, topic = MemoryStore(), Topic()
    store.most_persons = most_persons
    events = [cart(engine, f"e{number}", number, number % 7) for number in range(21)]
    parts = commit_parts(engine, store, topic, 0, by_person(events), START_US + 20 * MINUTE_US)
    assert [part.commit for part in parts] == store.commits
    assert max(len(commit.images) for commit in store.commits) <= most_persons
    persons = [person for commit in store.commits for person in commit.images]
    assert sorted(persons) == sorted({event.person_id for event in events})
    # The last one is for the caller to publish; those before are out, each before the next commit.
    assert store.head(0).outbox == store.commits[-1].outbox
    assert [outbox for _, _, outbox in topic.published] == [commit.outbox for commit in store.commits[:-1]]
    whole, other = MemoryStore(), Topic()
    advance_shard(engine, whole, other, 0, by_person(events), START_US + 20 * MINUTE_US)
    assert store.deadlines == whole.deadlines
    assert {person: facts(decode_image(image)) for person, image in store.rows.items()} == {
        person: facts(decode_image(image)) for person, image in whole.rows.items()
    }


def test_a_person_that_is_too_much_is_told(engine: Engine) -> None:
    store, topic = MemoryStore(), Topic()
    store.most_persons = 0
    with pytest.raises(CommitTooLargeError):
        commit_parts(engine, store, topic, 0, by_person([cart(engine, "a")]), START_US)


def test_those_who_are_too_many_to_be_woken_at_once_are_woken_in_parts(engine: Engine) -> None:
    store, topic = MemoryStore(), Topic()
    run(engine, store, topic, *(cart(engine, f"e{person}", person, person) for person in range(5)))
    store.most_persons = 2
    woken = wake_shard(engine, store, topic, 0, START_US + 2 * HOUR_US)
    assert [len(advanced.commit.images) for advanced in woken] == [2, 1, 2]
    causes = [decision.cause.event_id for advanced in woken for decision in advanced.commit.outbox.decisions]
    assert causes == ["e0", "e1", "e2", "e3", "e4"]
    assert store.deadlines == {}
    assert store.head(0).outbox is None
