"""The keyed step of a running job under every fault: nothing lost, nothing twice, no law broken."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from schemas.action import Action
from schemas.decision import Outcome
from schemas.store import NO_TOKEN, Head, Outbox
from schemas.timestamps import HOUR_US, MINUTE_US, datetime_us
from schemas.workspace import Workspace
from tests.fold_events import START_US, fold_event
from tests.journeys import JOURNEY, after, exits, with_journeys
from tests.transforms.cluster import Batch, Cluster, Crash, Fault, Handle, RecordingEngine
from tests.workspaces import small_workspace
from transforms.core.engine import Engine
from transforms.core.fold import prune
from transforms.core.fold_event import FoldEvent
from transforms.core.profile import decode_image, facts
from transforms.core.refold import refold
from transforms.live_shards import LOOK_AGAIN_US, SLACK_US, LiveShards
from transforms.shard_events import Slice

COOLDOWN_US = 40 * MINUTE_US
JOURNEYS = (
    replace(JOURNEY, name="capped", cooldown_us=COOLDOWN_US),
    replace(JOURNEY, name="waits", steps=after(HOUR_US), exits=exits("purchase")),
)
FAULTS: tuple[Fault, ...] = (
    "refused",
    "lost answer",
    "cut rows",
    "late rows",
    "unpublished",
    "published twice",
)
SHARDS = 2
LONG_US = START_US + 1000 * HOUR_US


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return with_journeys(small_workspace(tmp_path_factory.mktemp("workspaces") / "shop"), *JOURNEYS)


class World:
    """Owners of the same shards, over one cluster, and all events that there are."""

    def __init__(self, workspace: Workspace, owners: int) -> None:
        self.workspace = workspace
        self.engine = RecordingEngine(workspace)
        self.batches: dict[str, Batch] = {}
        self.engine.batches = self.batches
        self.cluster = Cluster()
        self.now_us = START_US
        self.handles = [Handle(self.cluster) for _ in range(owners)]
        self.owners = [self._owner(handle) for handle in self.handles]
        self.events: list[FoldEvent] = []

    def _owner(self, handle: Handle) -> LiveShards:
        return LiveShards(
            self.engine, handle, handle, lambda: self.now_us, lambda calls: [c() for c in calls]
        )

    def restart(self, owner: int) -> None:
        """A crashed owner comes back without anything that it knew."""
        self.handles[owner] = Handle(self.cluster)
        self.owners[owner] = self._owner(self.handles[owner])

    def event(self, kind: str, number: int, minute: int, person: int) -> FoldEvent:
        data: dict[str, dict[str, Any]] = {
            "cart_added": {"sku": f"s{number % 3}", "price": 1.0},
            "purchase": {"total": "9.90", "currency": "EUR", "lines": []},
        }
        return fold_event(
            self.engine.plan,
            kind,
            data[kind],
            START_US + minute * MINUTE_US,
            event_id=f"e{number}",
            person_id=f"{person:032x}",
        )

    def deliver(self, owner: int, events: Sequence[FoldEvent], watermark_us: int) -> bool:
        """Hands events to an owner; False where it crashed."""
        batches: dict[int, list[Slice]] = {}
        for event in events:
            shard = int(event.person_id, 16) % SHARDS
            batches.setdefault(shard, [Slice([], [], watermark_us)])[0].events.append(event)
        return self._try(owner, partial(self.owners[owner].advance, batches))

    def wake(self, owner: int, shard: int, watermark_us: int) -> bool:
        """A timer fires; False where the owner crashed."""
        return self._try(owner, partial(self.owners[owner].wake, shard, watermark_us))

    def _try(self, owner: int, call: Any) -> bool:
        try:
            call()
        except Crash:
            self.restart(owner)
            return False
        return True

    def settle(self) -> None:
        """Everything comes again to one owner without a fault, and every wait ends."""
        for handle in self.handles:
            handle.fault = "none"
        self.deliver(0, self.events, self.now_us)
        self.now_us = LONG_US
        for rows in self.cluster.late:
            for row in rows:
                self.cluster.write(row)
        for shard in range(SHARDS):
            while self.owners[0].next_wake_us(shard) is not None:
                assert self.wake(0, shard, LONG_US)

    def check(self) -> None:
        """The laws."""
        self._check_facts()
        self._check_actions()
        self._check_repeated()
        self._check_laws()

    def _check_facts(self) -> None:
        persons: dict[str, list[FoldEvent]] = defaultdict(list)
        for event in self.events:
            persons[event.person_id].append(event)
        plan = self.engine.plan
        live = {}
        for person_id, (_, image) in self.cluster.rows.items():
            profile = decode_image(image)
            prune(profile, plan)
            live[person_id] = facts(profile)
        assert live == {person: facts(refold(person, events, plan)) for person, events in persons.items()}

    def outboxes(self) -> list[Outbox]:
        return [msgspec.msgpack.decode(raw, type=Outbox) for _, _, raw in self.cluster.published]

    def _check_actions(self) -> None:
        bodies: dict[str, set[bytes]] = defaultdict(set)
        sent = set()
        for outbox in self.outboxes():
            for action in outbox.actions:
                bodies[action.action_id].add(action.body)
            sent |= {item.action_id for item in outbox.decisions if item.outcome is Outcome.SENT}
        assert set(bodies) == sent
        assert all(len(versions) == 1 for versions in bodies.values())
        committed = {
            action.action_id for commit in self.cluster.committed for action in commit.outbox.actions
        }
        assert set(bodies) == committed

    def _check_repeated(self) -> None:
        """The committed batches, executed one after another, give the same commits."""
        engine = Engine(self.workspace)
        images: dict[str, bytes] = {}
        heads: dict[int, Head] = {}
        for commit in self.cluster.committed:
            batch = self.batches[commit.token]
            head = heads.get(batch.shard, Head(0, NO_TOKEN, None))
            own = {person: images[person] for person in batch.events if person in images}
            again = engine.advance(batch.shard, head, own, batch.events, batch.as_of_us).commit
            assert (again.token, again.images, again.outbox) == (commit.token, commit.images, commit.outbox)
            heads[batch.shard] = Head(commit.sequence, commit.token, None)
            images.update(commit.images)

    def _check_laws(self) -> None:
        times: dict[str, list[int]] = defaultdict(list)
        seen = set()
        for outbox in self.outboxes():
            for outbound in outbox.actions:
                action = Action.model_validate_json(outbound.body)
                if action.journey == "capped" and action.action_id not in seen:
                    seen.add(action.action_id)
                    times[action.person_id].append(datetime_us(action.decided_at))
        for decided in times.values():
            ordered = sorted(decided)
            gaps = [after - before for before, after in pairwise(ordered)]
            assert all(gap >= COOLDOWN_US for gap in gaps)


class Faults(RuleBasedStateMachine):
    """Owners, faults, zombies and clocks in any order."""

    workspace: Workspace

    @initialize(owners=st.integers(1, 3))
    def begin(self, owners: int) -> None:
        self.world = World(self.workspace, owners)
        self.number = 0

    @rule(
        owner=st.integers(0, 2),
        made=st.lists(
            st.tuples(
                st.sampled_from(["cart_added", "cart_added", "purchase"]),
                st.integers(0, 300),
                st.integers(1, 4),
            ),
            min_size=1,
            max_size=4,
        ),
        fault=st.sampled_from(("none", "none", "none", *FAULTS)),
        again=st.lists(st.integers(0, 30), max_size=3),
    )
    def deliver(self, owner: int, made: list[tuple[str, int, int]], fault: Fault, again: list[int]) -> None:
        world = self.world
        owner %= len(world.owners)
        new = []
        for kind, minute, person in made:
            self.number += 1
            new.append(world.event(kind, self.number, minute, person))
        copies = [world.events[index % len(world.events)] for index in again if world.events]
        world.events += new
        world.handles[owner].fault = fault
        world.deliver(owner, [*copies, *new], world.now_us)
        world.handles[owner].fault = "none"

    @rule(owner=st.integers(0, 2), shard=st.integers(0, SHARDS - 1), fault=st.sampled_from(("none", *FAULTS)))
    def wake(self, owner: int, shard: int, fault: Fault) -> None:
        owner %= len(self.world.owners)
        self.world.handles[owner].fault = fault
        self.world.wake(owner, shard, self.world.now_us)
        self.world.handles[owner].fault = "none"

    @rule(minutes=st.integers(1, 90))
    def time_passes(self, minutes: int) -> None:
        self.world.now_us += minutes * MINUTE_US

    @rule(owner=st.integers(0, 2))
    def drain(self, owner: int) -> None:
        """A drain claims a watermark at infinity; nothing is sent before its time."""
        world = self.world
        owner %= len(world.owners)
        for shard in range(SHARDS):
            world.wake(owner, shard, LONG_US)
            due_us = world.owners[owner].again_us(shard, LONG_US)
            assert due_us is None or due_us <= world.now_us
        early = [
            decision
            for outbox in world.outboxes()
            for decision in outbox.decisions
            if decision.journey == "waits" and decision.outcome is Outcome.SENT
        ]
        assert all(decision.as_of_us <= world.now_us for decision in early)

    @rule(owner=st.integers(0, 2))
    def restart(self, owner: int) -> None:
        self.world.restart(owner % len(self.world.owners))

    @precondition(lambda self: self.world.cluster.late)
    @rule()
    def zombie_writes(self) -> None:
        for row in self.world.cluster.late.pop(0):
            self.world.cluster.write(row)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.settle()
            self.world.check()


def test_no_fault_loses_or_doubles_anything(workspace: Workspace) -> None:
    machine = type("Machine", (Faults,), {"workspace": workspace})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=60, stateful_step_count=25, deadline=None)
    )


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_alone(workspace: Workspace, fault: Fault) -> None:
    world = World(workspace, 2)
    world.events = [world.event("cart_added", number, 7 * number, 1 + number % 3) for number in range(9)]
    assert world.deliver(0, world.events[:4], START_US)
    world.handles[0].fault = fault
    assert not world.deliver(0, world.events[4:], START_US)
    assert world.deliver(1, world.events[2:6], START_US)
    world.settle()
    world.check()


def test_a_wait_ends_at_its_time_and_not_before(workspace: Workspace) -> None:
    world = World(workspace, 1)
    world.events = [world.event("cart_added", 1, 0, 2)]
    assert world.deliver(0, world.events, START_US)
    owner = world.owners[0]
    assert owner.next_wake_us(0) == START_US + HOUR_US
    assert owner.next_wake_us(1) is None
    # The watermark alone says nothing of the time: a drain claims that it is at infinity.
    assert owner.wake(0, LONG_US) is None
    assert owner.again_us(0, LONG_US) is None
    assert owner.again_us(0, START_US) == START_US + LOOK_AGAIN_US
    world.now_us = START_US + HOUR_US
    woken = owner.wake(0, LONG_US)
    assert woken is not None
    assert [item.journey for item in woken.commit.outbox.decisions] == ["waits"]
    assert owner.next_wake_us(0) is None


def test_a_successor_learns_of_waits_that_another_left(workspace: Workspace) -> None:
    world = World(workspace, 2)
    world.events = [world.event("cart_added", 1, 0, 2), world.event("cart_added", 2, 10, 4)]
    assert world.deliver(0, world.events[:1], START_US)
    assert world.owners[1].next_wake_us(0) == START_US + HOUR_US
    assert world.deliver(0, world.events[1:], START_US)
    assert world.deliver(1, [world.event("purchase", 3, 1, 2)], START_US)
    assert world.owners[1].next_wake_us(0) == START_US + HOUR_US


def test_a_shard_that_is_woken_first_is_taken_over(workspace: Workspace) -> None:
    world = World(workspace, 2)
    world.events = [world.event("cart_added", 1, 0, 2)]
    world.handles[0].fault = "cut rows"
    assert not world.deliver(0, world.events, START_US)
    world.now_us = START_US + HOUR_US
    woken = world.owners[1].wake(0, LONG_US)
    assert woken is not None
    assert [item.journey for item in woken.commit.outbox.decisions] == ["waits"]
    world.settle()
    world.check()


def test_a_hint_comes_soon_after_a_wait_of_the_batch(workspace: Workspace) -> None:
    world = World(workspace, 2)
    owner = world.owners[0]
    cart = world.event("cart_added", 1, 0, 2)
    bought = world.event("purchase", 2, 0, 2)
    assert owner.hint_us(0, [Slice([bought])]) == START_US + LOOK_AGAIN_US + SLACK_US
    world.now_us = START_US + HOUR_US - MINUTE_US
    assert owner.hint_us(0, [Slice([bought, cart])]) == START_US + HOUR_US + SLACK_US
    world.events = [cart]
    assert world.deliver(0, world.events, START_US)
    assert owner.hint_us(0, [Slice([bought])]) == START_US + HOUR_US + SLACK_US
    # What another job has left is found when the shard is looked at again.
    assert world.deliver(1, [world.event("cart_added", 3, 1, 4)], START_US)
    world.now_us = START_US + 2 * HOUR_US
    woken = owner.wake_due([0])
    assert woken == []
    first = owner.wake(0, world.now_us)
    assert first is not None
    assert {decision.person_id for decision in first.commit.outbox.decisions} == {f"{2:032x}", f"{4:032x}"}
