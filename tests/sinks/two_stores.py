"""Two store objects on the same storage that commit in turns, beside the same in dicts."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from schemas.store import NO_TOKEN, Commit, DueRow, Head, OutboundAction, Outbox, ProfileStore

NAMES = ["0a", "0b", "7c", "ff"]
LATEST_US = 100
WHO = st.integers(0, 1)
SHARDS = st.integers(0, 1)
PERSONS = st.sampled_from(NAMES)


class Seen(NamedTuple):
    """What a store said of a shard before a commit."""

    head: Head
    images: dict[str, bytes]
    due: list[DueRow]


@dataclass
class Truth:
    """What stands after all commits: heads, images and due times, by shard and person."""

    heads: dict[int, Head] = field(default_factory=dict)
    images: dict[int, dict[str, bytes]] = field(default_factory=dict)
    due: dict[int, dict[str, int]] = field(default_factory=dict)

    def head(self, shard: int) -> Head:
        return self.heads.get(shard, Head(0, NO_TOKEN, None))

    def apply(self, commit: Commit) -> None:
        self.heads[commit.shard] = Head(commit.sequence, commit.token, commit.outbox)
        self.images.setdefault(commit.shard, {}).update(commit.images)
        due = self.due.setdefault(commit.shard, {})
        for row in commit.woken:
            if due.get(row.person_id) == row.time_us:
                del due[row.person_id]
        for person, time_us in commit.deadlines.items():
            due.pop(person, None)
            if time_us is not None:
                due[person] = time_us

    def due_rows(self, shard: int) -> list[DueRow]:
        return sorted(DueRow(time_us, person) for person, time_us in self.due.get(shard, {}).items())


class TwoStores(RuleBasedStateMachine):
    """Each looks, commits on what it saw, acknowledges or not, and restarts, whenever it likes.

    What a store saw under a token must be what stood there at that token; a commit must be applied if and
    only if its token still stands.
    """

    ghosts = False
    """Whether due rows may show that are gone, because a slow writer wrote them late."""

    errors: tuple[type[Exception], ...] = ()
    """What a look or an acknowledgement may fail with."""

    def __init__(self, fresh_store: Callable[[], ProfileStore]) -> None:
        super().__init__()
        first = fresh_store()
        self.stores = [first, pickle.loads(pickle.dumps(first))]
        self.truth = Truth()
        self.seen: dict[tuple[int, int], Seen] = {}
        self.tokens = 0

    @rule(who=WHO, shard=SHARDS, wanted=st.sets(PERSONS))
    def look(self, who: int, shard: int, wanted: set[str]) -> None:
        store = self.stores[who]
        persons = [f"{shard}{name}" for name in sorted(wanted)]
        self.seen.pop((who, shard), None)
        try:
            head = store.head(shard)
        except self.errors:
            return
        self.seen[who, shard] = Seen(head, store.images(persons, shard), store.due(shard, LATEST_US, 100))
        if head.token == self.truth.head(shard).token:
            self.check(shard, persons, self.seen[who, shard])

    def check(self, shard: int, persons: list[str], seen: Seen) -> None:
        head = self.truth.head(shard)
        assert (seen.head.sequence, seen.head.outbox) == (head.sequence, head.outbox)
        images = self.truth.images.get(shard, {})
        assert seen.images == {person: images[person] for person in persons if person in images}
        due = self.truth.due_rows(shard)
        assert seen.due == due or (self.ghosts and set(due) <= set(seen.due))

    @rule(
        who=WHO,
        shard=SHARDS,
        images=st.dictionaries(PERSONS, st.binary(max_size=20)),
        deadlines=st.dictionaries(PERSONS, st.none() | st.integers(0, 5)),
        wake=st.booleans(),
        acknowledge=st.booleans(),
    )
    def advance(
        self,
        who: int,
        shard: int,
        images: dict[str, bytes],
        deadlines: dict[str, int | None],
        wake: bool,
        acknowledge: bool,
    ) -> None:
        seen = self.seen.pop((who, shard), None)
        if seen is None:
            return
        commit = Commit(
            shard,
            seen.head.token,
            seen.head.sequence + 1,
            self.new_token(),
            {f"{shard}{name}": image for name, image in images.items()},
            {f"{shard}{name}": time_us for name, time_us in deadlines.items()},
            Outbox(actions=[OutboundAction("web", f"{self.tokens}", b"{}")], decisions=[]),
            tuple(seen.due) if wake else (),
        )
        stands = seen.head.token == self.truth.head(shard).token
        self.commit(who, commit, stands)
        if acknowledge and self.truth.head(shard).token == commit.token:
            self.acknowledge(who, shard)

    def new_token(self) -> str:
        self.tokens += 1
        return f"t{self.tokens}"

    def commit(self, who: int, commit: Commit, stands: bool) -> None:
        assert self.stores[who].commit(commit) is stands
        if stands:
            self.truth.apply(commit)

    @rule(who=WHO, shard=SHARDS)
    def acknowledge(self, who: int, shard: int) -> None:
        head = self.truth.head(shard)
        try:
            self.stores[who].acknowledge(shard, head.token)
        except self.errors:
            return
        if head.token:
            self.truth.heads[shard] = Head(head.sequence, head.token, None)

    @rule(who=WHO, shard=SHARDS)
    def acknowledge_another(self, who: int, shard: int) -> None:
        with suppress(*self.errors):
            self.stores[who].acknowledge(shard, "another")

    @rule(who=WHO)
    def restart(self, who: int) -> None:
        self.stores[who].close()
        self.stores[who] = pickle.loads(pickle.dumps(self.stores[who]))
        for key in [key for key in self.seen if key[0] == who]:
            del self.seen[key]

    def teardown(self) -> None:
        # Whoever comes last finds it all.
        for store in self.stores:
            store.close()
        last: ProfileStore = pickle.loads(pickle.dumps(self.stores[0]))
        try:
            for shard in (0, 1):
                persons = [f"{shard}{name}" for name in NAMES]
                seen = Seen(last.head(shard), last.images(persons, shard), last.due(shard, LATEST_US, 100))
                assert seen.head.token == self.truth.head(shard).token
                self.check(shard, persons, seen)
            everyone = self.truth.images.get(0, {}) | self.truth.images.get(1, {})
            assert list(last.scan()) == sorted(everyone.items())
        finally:
            last.close()
