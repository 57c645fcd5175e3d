"""The shards of a running job: what it knows of waits, and when it looks."""

from __future__ import annotations

from typing import get_args

import pytest

from schemas.timestamps import HOUR_US, MINUTE_US
from tests.journeys import with_journeys
from tests.transforms.cluster import Fault, Mishap, Point
from tests.transforms.fault_job import JOURNEYS
from tests.transforms.fault_world import INFINITY_US, World, person_id
from tests.workspaces import small_workspace
from transforms.core.engine import Advanced, Engine
from transforms.live_shards import LOOK_AGAIN_US, SLACK_US
from transforms.shard_events import Slice

POINTS: tuple[Point, ...] = get_args(Point)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    shop = small_workspace(tmp_path_factory.mktemp("workspaces") / "shop")
    return Engine(with_journeys(shop, *JOURNEYS))


@pytest.mark.parametrize("mishap", Mishap)
@pytest.mark.parametrize("point", POINTS)
def test_each_fault_alone(engine: Engine, point: Point, mishap: Mishap) -> None:
    world = World(engine, 2)
    events = [world.publish("cart_added", 7 * number, 1 + number % 3) for number in range(9)]
    assert world.deliver(0, events[:4])
    assert not world.deliver(0, events[4:], Fault(point, mishap))
    assert world.deliver(1, events[2:6])
    world.settle()


def test_a_wait_ends_at_its_time_and_not_before(engine: Engine) -> None:
    world = World(engine, 1)
    assert world.deliver(0, [world.publish("cart_added", 0, 2)])
    due_us = world.now_us + HOUR_US
    job = world.jobs[0]
    shards = job.shards
    assert shards.next_wake_us(0) == due_us
    assert shards.next_wake_us(1) is None
    # The watermark alone says nothing of the time: a drain claims that it is at infinity.
    assert job.wake(0, INFINITY_US) is None
    assert shards.again_us(0, INFINITY_US) is None
    assert shards.again_us(0, world.now_us) == world.now_us + LOOK_AGAIN_US
    world.now_us = due_us
    assert _woken(job.wake(0, due_us)) == [("waits", person_id(2))]
    assert shards.next_wake_us(0) is None


def test_a_successor_learns_of_waits_that_another_left(engine: Engine) -> None:
    world = World(engine, 2)
    due_us = world.now_us + HOUR_US
    assert world.deliver(0, [world.publish("cart_added", 0, 2)])
    assert world.jobs[1].shards.next_wake_us(0) == due_us
    assert world.deliver(0, [world.publish("cart_added", 10, 4)])
    assert world.deliver(1, [world.publish("purchase", 1, 2)])
    assert world.jobs[1].shards.next_wake_us(0) == due_us


def test_a_shard_that_is_woken_first_is_taken_over(engine: Engine) -> None:
    world = World(engine, 2)
    assert not world.deliver(0, [world.publish("cart_added", 0, 2)], Fault("amid rows", Mishap.CRASH, mask=0))
    assert not world.cluster.rows
    world.now_us += HOUR_US + SLACK_US
    assert world.fire(1)
    decided = [item.journey for outbox in world.cluster.published for item in outbox.decisions]
    assert decided == ["capped", "waits"]
    world.settle()


def test_a_hint_comes_soon_after_a_wait_of_the_batch(engine: Engine) -> None:
    world = World(engine, 2)
    start_us = world.now_us
    job = world.jobs[0]
    shards = job.shards
    cart, bought = world.publish("cart_added", 0, 2), world.publish("purchase", 0, 2)
    assert shards.hint_us(0, [Slice([bought])]) == start_us + LOOK_AGAIN_US + SLACK_US
    world.now_us = start_us + HOUR_US - MINUTE_US
    assert shards.hint_us(0, [Slice([bought, cart])]) == start_us + HOUR_US + SLACK_US
    assert world.deliver(0, [cart])
    assert shards.hint_us(0, [Slice([bought])]) == start_us + HOUR_US + SLACK_US
    # What another job has left is found when the shard is looked at again.
    assert world.deliver(1, [world.publish("cart_added", 1, 4)])
    world.now_us = start_us + 2 * HOUR_US
    assert shards.wake_due([0]) == []
    assert _woken(job.wake(0, world.now_us)) == [("waits", person_id(2)), ("waits", person_id(4))]


def _woken(advanced: Advanced | None) -> list[tuple[str, str]]:
    """The journeys whose waits ended, and of whom."""
    assert advanced is not None
    return [(str(item.journey), item.person_id) for item in advanced.commit.outbox.decisions]
