"""The keyed step of a running job under every fault: nothing lost, nothing twice, no law broken."""

from __future__ import annotations

import random
from inspect import getmodule, getsource
from textwrap import dedent
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from schemas.timestamps import MINUTE_US
from tests.journeys import with_journeys
from tests.transforms import other_writers
from tests.transforms.cluster import Cluster, Fault, Handle, Mishap, Point
from tests.transforms.fault_job import JOURNEYS
from tests.transforms.fault_world import World, again
from tests.transforms.history import Change
from tests.workspaces import small_workspace
from transforms import commit, live_shards
from transforms.core import engine as engine_module
from transforms.core import fold as fold_module
from transforms.core.engine import Engine
from transforms.live_shards import LiveShards

POINTS: tuple[Point, ...] = get_args(Point)
SLOTS = st.integers(0, 2)
FAULTS = st.none() | st.builds(
    Fault,
    st.sampled_from(POINTS),
    st.sampled_from(Mishap),
    st.sampled_from([0, 0, 0, 1]),
    st.integers(0, 255),
)
NUMBERS = st.integers(0, 30)
PERSONS = st.integers(1, 4)
NEW_EVENTS = st.lists(
    st.tuples(st.sampled_from(["cart_added", "cart_added", "purchase"]), st.integers(0, 300), PERSONS),
    min_size=1,
    max_size=4,
)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    shop = small_workspace(tmp_path_factory.mktemp("workspaces") / "shop")
    return Engine(with_journeys(shop, *JOURNEYS))


class Faults(RuleBasedStateMachine):
    """Jobs, another writer, faults, processes that resume late, and clocks, in any order."""

    engine: Engine

    @initialize(jobs=st.integers(2, 3), most_persons=st.sampled_from([1, 1000]))
    def begin(self, jobs: int, most_persons: int) -> None:
        self.world = World(self.engine, jobs, most_persons)

    def slot(self, number: int) -> int:
        return number % len(self.world.jobs)

    @rule(slot=SLOTS, new=NEW_EVENTS, fault=FAULTS, lag=st.sampled_from([0, 0, 5, 60]))
    def events_come(self, slot: int, new: list[tuple[str, int, int]], fault: Fault | None, lag: int) -> None:
        events = [self.world.publish(*item) for item in new]
        self.world.deliver(self.slot(slot), events, fault, lag_us=lag * MINUTE_US)

    @precondition(lambda self: self.world.events)
    @rule(
        slot=SLOTS,
        new=st.just([]) | NEW_EVENTS,
        pending=st.lists(NUMBERS, max_size=6),
        copies=st.lists(st.tuples(NUMBERS, st.integers(0, 90)), max_size=3),
        fault=FAULTS,
        order=st.randoms(use_true_random=False),
    )
    def events_come_again(
        self,
        slot: int,
        new: list[tuple[str, int, int]],
        pending: list[int],
        copies: list[tuple[int, int]],
        fault: Fault | None,
        order: random.Random,
    ) -> None:
        """What is not acknowledged, in other batches, in another order, with copies and new events."""
        world = self.world
        events = [world.pending[number % len(world.pending)] for number in pending if world.pending]
        events += [again(world.events[number % len(world.events)], minutes) for number, minutes in copies]
        events += [world.publish(*item) for item in new]
        order.shuffle(events)
        world.deliver(self.slot(slot), events, fault)

    @rule(slot=SLOTS, fault=FAULTS)
    def timers_fire(self, slot: int, fault: Fault | None) -> None:
        self.world.fire(self.slot(slot), fault)

    @precondition(lambda self: self.world.cluster.dues)
    @rule(slot=SLOTS, fault=FAULTS)
    def waits_end(self, slot: int, fault: Fault | None) -> None:
        self.world.now_us = max(self.world.now_us, min(self.world.due_us()))
        self.world.fire(self.slot(slot), fault)

    @rule(slot=SLOTS, fault=FAULTS)
    def drain(self, slot: int, fault: Fault | None) -> None:
        self.world.drain(self.slot(slot), fault)

    @rule(change=st.sampled_from(Change), person=PERSONS, fault=FAULTS)
    def another_writer_comes(self, change: Change, person: int, fault: Fault | None) -> None:
        self.world.rewrite(change, person, (person + 1) % 4 + 1, fault)

    @precondition(lambda self: self.world.suspended)
    @rule(number=NUMBERS, fault=FAULTS, stays=st.booleans())
    def zombie_resumes(self, number: int, fault: Fault | None, stays: bool) -> None:
        self.world.resume(number % len(self.world.suspended), fault, stays=stays)

    @rule(minutes=st.integers(1, 90))
    def time_passes(self, minutes: int) -> None:
        self.world.now_us += minutes * MINUTE_US

    @rule(slot=SLOTS, minutes=st.integers(-4, 4))
    def clock_is_set(self, slot: int, minutes: int) -> None:
        self.world.jobs[self.slot(slot)].skew_us = minutes * MINUTE_US

    @rule(slot=SLOTS)
    def restart(self, slot: int) -> None:
        self.world.restart(self.slot(slot))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.settle()


def _search(engine: Engine, **further: Any) -> None:
    machine = type("Machine", (Faults,), {"engine": engine})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=300, stateful_step_count=25, deadline=None, **further)
    )


def test_no_fault_loses_or_doubles_anything(engine: Engine) -> None:
    _search(engine)


class Mutant(NamedTuple):
    """A function with a fault of its own: one text in its source instead of another."""

    owner: Any
    function: str
    text: str
    instead: str

    def make(self, patch: pytest.MonkeyPatch) -> None:
        original = getattr(self.owner, self.function)
        source = dedent(getsource(original))
        assert source.count(self.text) == 1, "the mutant is of older code"
        made: dict[str, Any] = {}
        exec(
            compile(source.replace(self.text, self.instead), self.function, "exec"),
            vars(getmodule(original)),
            made,
        )
        # Wherever its name is imported.
        for owner in (self.owner, commit, engine_module, live_shards, other_writers):
            if getattr(owner, self.function, None) is original:
                patch.setattr(owner, self.function, made[self.function])


MUTANTS = {
    "a head's rows are not written again": Mutant(Handle, "_read_head", "self._write_rows(commit)", "pass"),
    "a cache outlives another's commit": Mutant(Handle, "_read_head", "self._cache.pop(shard, None)", "pass"),
    "a commit whatever the token": Mutant(Cluster, "replace", "head.token != commit.expected_token", "False"),
    "older rows overwrite": Mutant(
        Cluster, "write", 'sequence >= self.rows.get(person_id, (0, b""))[0]', "True"
    ),
    "an outbox is acknowledged, not published": Mutant(
        commit, "take_over", "publisher.publish(shard, head.sequence, head.outbox, again=True)", "pass"
    ),
    "an outbox stays where it is": Mutant(commit, "take_over", "head.outbox is not None", "False"),
    "a refused commit counts": Mutant(
        commit,
        "commit_shard",
        "if store.commit(advanced.commit):",
        "if store.commit(advanced.commit) or True:",
    ),
    "a head is acknowledged before it is published": Mutant(
        commit,
        "_settle",
        "publisher.publish(",
        "store.acknowledge(commit.shard, commit.token); publisher.publish(",
    ),
    "one shard's outbox alone is published": Mutant(
        LiveShards,
        "advance",
        "for action in commit.outbox.actions",
        "for action in commits[0].outbox.actions",
    ),
    "the watermark alone is the clock": Mutant(
        LiveShards,
        "_clock_us",
        "min(self._watermarks.get(shard, 0), self._now_us())",
        "self._watermarks.get(shard, 0)",
    ),
    "another's waits are not looked for": Mutant(
        LiveShards, "wake", "self._looked_us[shard] = watermark_us", "return None"
    ),
    "a drain takes its firings for real": Mutant(
        LiveShards, "again_us", "woken_us > self._now_us()", "False"
    ),
    "woken waits stay": Mutant(commit, "commit_shard", "if woken:", "if False:"),
    "fingerprints are not looked at": Mutant(fold_module, "fold", "seen is not print_", "False"),
    "the order of arrival shows": Mutant(
        Engine, "advance", "sorted(events[person_id], key=order)", "events[person_id]"
    ),
    "a token says nothing of the events": Mutant(
        Engine,
        "advance",
        "_pack(e.print64, e.publish_us, e.content32) for e in ordered",
        'b"" for e in ordered',
    ),
    "the clock is the sequence": Mutant(
        Engine, "advance", "max(head.sequence + 1, as_of_us // 1000)", "as_of_us // 1000"
    ),
    "messages are settled before they are worked on": Mutant(World, "_go_on", "if ended:", "if True:"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_each_law_can_fail(engine: Engine, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[name].make(monkeypatch)
    with pytest.raises(AssertionError):
        _search(
            engine,
            phases=(Phase.generate,),
            derandomize=True,
            database=None,
            print_blob=False,
            report_multiple_bugs=False,
        )
