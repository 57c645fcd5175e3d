"""What every profile store keeps, whatever it is made of.

A test module derives from `ProfileStoreContract` and gives two fixtures: `open_store`, which opens the
same storage anew each time, and `fresh_store`, which opens an empty one each time.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from schemas.decision import Cause, Decision, Gate, Outcome, Reason
from schemas.store import NO_TOKEN, Commit, DueRow, Head, OutboundAction, Outbox, ProfileStore
from tests.sinks.two_stores import TwoStores

Open = Callable[[], ProfileStore]

NOTHING = Outbox(actions=[], decisions=[])
DECISION = Decision(
    decision_id="d" * 32,
    workspace="shop",
    person_id="a" * 32,
    shard=3,
    sequence=7,
    journey="cart",
    journey_version=2,
    step=None,
    outcome=Outcome.SUPPRESSED,
    reason=Reason.CONDITION_NOT_MET,
    gate=Gate.CONDITION,
    evidence={"found": [1, 2.5, None, "ä", 10**30, -(2**63)], "deep": {"x": True}},
    change={},
    cause=Cause("e1", "/web", "cart_added", 1_767_225_600_000_001),
    action_id=None,
    as_of_us=-1,
)
OUTBOX = Outbox(actions=[OutboundAction("web", "f" * 32, b'{"n":"\xc3\xa4"}')], decisions=[DECISION])


def commit(
    token: str,
    expected: str = NO_TOKEN,
    *,
    shard: int = 0,
    sequence: int = 1,
    images: dict[str, bytes] | None = None,
    deadlines: dict[str, int | None] | None = None,
    outbox: Outbox = NOTHING,
    woken: tuple[DueRow, ...] = (),
) -> Commit:
    return Commit(shard, expected, sequence, token, images or {}, deadlines or {}, outbox, woken)


class ProfileStoreContract:
    @pytest.fixture
    def store(self, open_store: Open) -> ProfileStore:
        return open_store()

    def test_an_empty_store_has_nothing(self, store: ProfileStore) -> None:
        assert store.head(5) == Head(sequence=0, token=NO_TOKEN, outbox=None)
        assert store.images(["a"]) == {}
        assert store.images([]) == {}
        assert store.due(5, 2**62, 10) == []
        assert list(store.scan()) == []

    def test_a_commit_is_there_as_a_whole(self, store: ProfileStore) -> None:
        assert store.commit(
            commit("t1", shard=3, sequence=7, images={"p": b"\x00\xff"}, deadlines={"p": 5}, outbox=OUTBOX)
        )
        assert store.head(3) == Head(sequence=7, token="t1", outbox=OUTBOX)
        assert store.images(["p", "q"]) == {"p": b"\x00\xff"}
        assert store.due(3, 5, 10) == [DueRow(5, "p")]
        assert list(store.scan()) == [("p", b"\x00\xff")]

    def test_an_image_is_replaced(self, store: ProfileStore) -> None:
        assert store.commit(commit("t1", images={"p": b"old", "q": b"kept"}))
        assert store.commit(commit("t2", "t1", sequence=2, images={"p": b"new"}))
        assert store.images(["p", "q"]) == {"p": b"new", "q": b"kept"}

    def test_a_commit_that_lost_the_race_writes_nothing(self, open_store: Open) -> None:
        winner, loser = open_store(), open_store()
        assert winner.head(0) == loser.head(0)
        assert winner.commit(commit("won", images={"p": b"won"}, deadlines={"p": 1}, outbox=OUTBOX))
        assert not loser.commit(
            commit("lost", sequence=9, images={"p": b"lost", "q": b"lost"}, deadlines={"p": None, "q": 2})
        )
        assert loser.head(0) == Head(sequence=1, token="won", outbox=OUTBOX)
        assert list(loser.scan()) == [("p", b"won")]
        assert loser.due(0, 9, 9) == [DueRow(1, "p")]

    def test_the_first_commit_expects_no_token(self, store: ProfileStore) -> None:
        assert not store.commit(commit("t2", "t1", images={"p": b"x"}))
        assert list(store.scan()) == []

    def test_a_repeated_commit_loses_to_itself(self, store: ProfileStore) -> None:
        again = commit("t1", images={"p": b"x"})
        assert store.commit(again)
        assert not store.commit(again)

    def test_shards_do_not_hinder_each_other(self, open_store: Open) -> None:
        one, other = open_store(), open_store()
        assert one.commit(commit("a1", shard=1, images={"1": b"x"}, deadlines={"1": 1}))
        assert other.commit(commit("b1", shard=2, images={"2": b"y"}, deadlines={"2": 1}))
        assert (one.head(2).token, other.head(1).token) == ("b1", "a1")
        assert one.due(1, 9, 9) == [DueRow(1, "1")]

    def test_who_takes_over_finds_the_outbox(self, open_store: Open) -> None:
        writer = open_store()
        assert writer.commit(commit("t1", outbox=OUTBOX))
        writer.close()
        successor = open_store()
        assert successor.head(0).outbox == OUTBOX
        successor.acknowledge(0, "t1")
        assert open_store().head(0) == Head(sequence=1, token="t1", outbox=None)

    def test_acknowledging_another_commit_does_nothing(self, store: ProfileStore) -> None:
        assert store.commit(commit("t1", outbox=OUTBOX))
        store.acknowledge(0, "t0")
        store.acknowledge(1, "t1")
        assert store.head(0).outbox == OUTBOX

    def test_a_person_has_one_due_row(self, store: ProfileStore) -> None:
        assert store.commit(commit("t1", deadlines={"p": 10, "q": 20, "r": 30}))
        assert store.commit(commit("t2", "t1", deadlines={"p": 40, "q": None, "s": None}))
        assert store.due(0, 100, 10) == [DueRow(30, "r"), DueRow(40, "p")]

    def test_due_rows_that_were_looked_at_go(self, store: ProfileStore) -> None:
        assert store.commit(commit("t1", deadlines={"p": 10, "q": 20, "r": 30, "s": 40}))
        looked_at = (DueRow(10, "p"), DueRow(20, "q"), DueRow(30, "r"), DueRow(15, "s"), DueRow(1, "x"))
        assert store.commit(
            commit("t2", "t1", sequence=2, deadlines={"q": 20, "r": 35}, woken=looked_at),
        )
        assert store.due(0, 100, 10) == [DueRow(20, "q"), DueRow(35, "r"), DueRow(40, "s")]
        assert store.commit(commit("t3", "t2", sequence=3, deadlines={"p": 10}))
        assert store.due(0, 10, 10) == [DueRow(10, "p")]

    def test_images_of_a_shard_are_those_of_its_head(self, open_store: Open) -> None:
        one, other = open_store(), open_store()
        one.head(0)
        assert one.commit(commit("t1", images={"p": b"1", "q": b"1"}))
        one.acknowledge(0, "t1")
        assert one.images(["p", "q", "r"], 0) == {"p": b"1", "q": b"1"}
        assert other.head(0).token == "t1"
        assert other.images(["p", "r"], 0) == {"p": b"1"}
        assert other.commit(commit("t2", "t1", sequence=2, images={"p": b"2", "r": b"2"}))
        assert not one.commit(commit("x2", "t1", sequence=2, images={"p": b"lost"}))
        assert one.head(0).token == "t2"
        assert one.images(["p", "q", "r"], 0) == {"p": b"2", "q": b"1", "r": b"2"}

    def test_due_rows_come_earliest_first_up_to_the_time_and_the_limit(self, store: ProfileStore) -> None:
        assert store.commit(commit("t1", deadlines={"d": 2, "c": 1, "b": 2, "a": 3, "e": -4}))
        rows = [DueRow(-4, "e"), DueRow(1, "c"), DueRow(2, "b"), DueRow(2, "d"), DueRow(3, "a")]
        assert store.due(0, 3, 10) == rows
        assert store.due(0, 2, 10) == rows[:4]
        assert store.due(0, 3, 2) == rows[:2]

    def test_many_rows_are_read_and_scanned_in_order(self, store: ProfileStore) -> None:
        images = {f"{(number * 7919) % 10_007:032x}": b"%d" % number for number in range(2_501)}
        assert store.commit(commit("t1", images=images))
        assert list(store.scan()) == sorted(images.items())
        wanted = [*images, "absent", *images]
        assert store.images(wanted) == images

    def test_a_store_travels_and_opens_again(self, store: ProfileStore) -> None:
        assert store.commit(commit("t1", images={"p": b"x"}))
        copy: ProfileStore = pickle.loads(pickle.dumps(store))
        assert copy.images(["p"]) == {"p": b"x"}
        copy.close()
        store.close()
        store.close()
        assert store.images(["p"]) == {"p": b"x"}

    def test_it_behaves_as_a_model_in_memory(self, fresh_store: Open) -> None:
        class Machine(StoreMachine):
            def __init__(self) -> None:
                super().__init__(fresh_store)

        run_state_machine_as_test(
            Machine,
            settings=settings(max_examples=25, stateful_step_count=20, deadline=None),
        )

    def test_two_that_commit_in_turns_lose_nothing(self, fresh_store: Open) -> None:
        class Machine(TwoStores):
            def __init__(self) -> None:
                super().__init__(fresh_store)

        run_state_machine_as_test(
            Machine,
            settings=settings(max_examples=25, stateful_step_count=25, deadline=None),
        )


_PERSONS = st.sampled_from(["0a", "0b", "7c", "ff"])
_SHARDS = st.integers(0, 1)


@dataclass
class _Model:
    heads: dict[int, Head] = field(default_factory=dict)
    images: dict[str, bytes] = field(default_factory=dict)
    due: dict[str, tuple[int, int]] = field(default_factory=dict)

    def head(self, shard: int) -> Head:
        return self.heads.get(shard, Head(0, NO_TOKEN, None))


class StoreMachine(RuleBasedStateMachine):
    """Commits, lost races, acknowledgements and restarts, beside the same in dicts."""

    def __init__(self, fresh_store: Open) -> None:
        super().__init__()
        self.store = fresh_store()
        self.model = _Model()
        self.tokens = 0

    @rule(
        shard=_SHARDS,
        stale=st.booleans(),
        images=st.dictionaries(_PERSONS, st.binary(max_size=20)),
        deadlines=st.dictionaries(_PERSONS, st.none() | st.integers(-5, 5)),
        outbox=st.sampled_from([NOTHING, OUTBOX]),
    )
    def commit(
        self,
        shard: int,
        stale: bool,
        images: dict[str, bytes],
        deadlines: dict[str, int | None],
        outbox: Outbox,
    ) -> None:
        # A person lives in one shard.
        images = {f"{shard}{person}": image for person, image in images.items()}
        deadlines = {f"{shard}{person}": time_us for person, time_us in deadlines.items()}
        head = self.model.head(shard)
        self.tokens += 1
        expected = "stale" if stale else head.token
        entry = Commit(shard, expected, head.sequence + 1, f"t{self.tokens}", images, deadlines, outbox)
        assert self.store.commit(entry) is not stale
        if stale:
            return
        self.model.heads[shard] = Head(entry.sequence, entry.token, outbox)
        self.model.images |= images
        for person, time_us in deadlines.items():
            self.model.due.pop(person, None)
            if time_us is not None:
                self.model.due[person] = (shard, time_us)

    @rule(shard=_SHARDS, stale=st.booleans())
    def acknowledge(self, shard: int, stale: bool) -> None:
        head = self.model.head(shard)
        self.store.acknowledge(shard, "stale" if stale else head.token)
        if not stale and shard in self.model.heads:
            self.model.heads[shard] = Head(head.sequence, head.token, None)

    @rule()
    def restart(self) -> None:
        self.store.close()
        self.store = pickle.loads(pickle.dumps(self.store))

    @rule(shard=_SHARDS, until_us=st.integers(-6, 6), limit=st.integers(1, 4))
    def look_for_due_rows(self, shard: int, until_us: int, limit: int) -> None:
        rows = sorted(
            DueRow(time_us, person)
            for person, (owner, time_us) in self.model.due.items()
            if owner == shard and time_us <= until_us
        )
        assert self.store.due(shard, until_us, limit) == rows[:limit]

    @invariant()
    def rows_agree(self) -> None:
        assert list(self.store.scan()) == sorted(self.model.images.items())
        assert [self.store.head(shard) for shard in (0, 1)] == [self.model.head(shard) for shard in (0, 1)]

    def teardown(self) -> None:
        self.store.close()
