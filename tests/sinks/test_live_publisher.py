"""Decisions and actions of a running job: what crashes and the clock may do to them."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decision import Decision, Outcome, Reason
from schemas.store import OutboundAction, Outbox
from sinks.live_publisher import LivePublisher, expired_decision
from tests.sinks.profile_store_contract import DECISION


class CrashError(Exception):
    pass


class World:
    """Topics, a table of decisions and a clock, which outlive the publishers that use them."""

    def __init__(self) -> None:
        self.now = 0
        self.expires: dict[str, int] = {}
        self.published: list[str] = []
        self.rows: list[Decision] = []
        self.log: list[str] = []
        self.steps_left = 1_000_000
        self.stalls: dict[int, Callable[[], None]] = {}

    def publisher(self, *, asked: bool = True) -> LivePublisher:
        return LivePublisher(self, self, self.recorded_sent) if asked else LivePublisher(self, self)

    def expired(self, actions: Sequence[OutboundAction]) -> list[str]:
        self._step("look")
        return [each.action_id for each in actions if self.expires[each.action_id] <= self.now]

    def send(self, actions: Sequence[OutboundAction]) -> None:
        # A crash may leave a part of them published.
        for each in actions:
            self._step("send")
            self.published.append(each.action_id)
        self._step("sent")

    def append(self, decisions: Sequence[Decision]) -> None:
        self._step("append")
        self.rows += decisions
        self._step("appended")

    def recorded_sent(self, decisions: Sequence[Decision]) -> set[str]:
        self._step("ask")
        asked = {decision.decision_id for decision in decisions}
        return {
            row.decision_id for row in self.rows if row.outcome is Outcome.SENT and row.decision_id in asked
        }

    def outcomes(self) -> dict[str, set[Outcome]]:
        """By the id of the action that was decided upon."""
        found: dict[str, set[Outcome]] = {}
        for row in self.rows:
            if row.action_id is not None:
                found.setdefault(row.action_id, set()).add(row.outcome)
        return found

    def sent(self) -> set[str]:
        """What `SELECT action_id FROM decisions WHERE outcome = 'sent'` gives."""
        return {action_id for action_id, outcomes in self.outcomes().items() if Outcome.SENT in outcomes}

    def _step(self, name: str) -> None:
        self.steps_left -= 1
        if self.steps_left < 0:
            raise CrashError
        self.log.append(name)
        self.stalls.pop(len(self.log), lambda: None)()


def outbox(world: World, *expires: int) -> Outbox:
    """An outbox of one sent action for each expiry, and a suppressed one."""
    actions = [
        OutboundAction("web", f"a{number}", b'{"expires_at":"at %d"}' % time)
        for number, time in enumerate(expires)
    ]
    world.expires = {each.action_id: time for each, time in zip(actions, expires, strict=True)}
    sent = [
        msgspec.structs.replace(
            DECISION, decision_id=f"d-{each.action_id}", outcome=Outcome.SENT, action_id=each.action_id
        )
        for each in actions
    ]
    return Outbox(actions, [DECISION, *sent])


def test_decisions_go_first() -> None:
    world = World()
    box = outbox(world, 10, 10)
    world.publisher().publish(0, 1, box)
    assert world.log == ["look", "append", "appended", "send", "send", "sent"]
    assert (world.rows, world.published) == (box.decisions, ["a0", "a1"])


def test_an_empty_outbox_touches_nothing() -> None:
    world = World()
    world.publisher().publish(0, 1, Outbox([], []))
    assert world.log == []


def test_what_expired_is_recorded_so_and_not_published() -> None:
    world = World()
    box = outbox(world, 10, 5)
    world.now = 5
    world.publisher().publish(0, 1, box)
    # The first attempt has no record to ask.
    assert world.log == ["look", "append", "appended", "send", "sent"]
    assert world.published == ["a0"]
    assert world.outcomes() == {"a0": {Outcome.SENT}, "a1": {Outcome.EXPIRED}}
    (row,) = [row for row in world.rows if row.outcome is Outcome.EXPIRED]
    assert row == expired_decision(box.decisions[2], box.actions[1])
    assert (row.decision_id, row.action_id, row.change) == ("d-a1", "a1", box.decisions[2].change)
    assert (row.reason, row.evidence["expires_at"]) == (Reason.EXPIRED, "at 5")
    assert world.rows[:2] == box.decisions[:2]


@pytest.mark.parametrize("asked", [True, False])
def test_what_was_recorded_as_sent_is_published_although_it_expired(asked: bool) -> None:
    world = World()
    box = outbox(world, 10)
    world.steps_left = 3
    with pytest.raises(CrashError):
        world.publisher(asked=asked).publish(0, 1, box)
    assert world.published == []
    world.now, world.steps_left = 10, 100
    world.publisher(asked=asked).publish(0, 1, box, again=True)
    if asked:
        assert (world.published, world.outcomes()) == (["a0"], {"a0": {Outcome.SENT}})
    else:
        # The price of not asking.
        assert (world.published, world.outcomes()) == ([], {"a0": {Outcome.SENT, Outcome.EXPIRED}})


@given(
    expires=st.lists(st.integers(1, 6), max_size=4),
    attempts=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 14)), max_size=5),
)
def test_published_ids_are_those_of_sent_decisions(
    expires: list[int], attempts: list[tuple[int, int]]
) -> None:
    """Attempts: by how much the clock goes on before each, and after how many steps it crashes."""
    world = World()
    box = outbox(world, *expires)

    for number, (passed, steps) in enumerate(attempts):
        world.now += passed
        world.steps_left = steps
        # One that ends well may still come again: its commit is acknowledged later.
        with suppress(CrashError):
            world.publisher().publish(0, 1, box, again=number > 0)
        # Never is an action out that no decision knows of.
        assert set(world.published) <= world.sent()
    world.steps_left = 1_000
    world.publisher().publish(0, 1, box, again=bool(attempts))
    assert set(world.published) == world.sent()
    assert all(len(outcomes) == 1 for outcomes in world.outcomes().values())
    assert set(world.outcomes()) == {each.action_id for each in box.actions}


@given(
    expires=st.lists(st.integers(1, 6), max_size=4),
    stall=st.tuples(st.integers(1, 6), st.integers(0, 6)),
    crash=st.integers(0, 14),
)
def test_two_jobs_that_publish_one_outbox_publish_what_is_recorded_as_sent(
    expires: list[int], stall: tuple[int, int], crash: int
) -> None:
    """One stalls at a step, for so long, while another one takes over, crashes, and tries again."""
    world = World()
    box = outbox(world, *expires)

    def other() -> None:
        world.now += stall[1]
        left, world.steps_left = world.steps_left, crash
        with suppress(CrashError):
            world.publisher().publish(0, 1, box, again=True)
        world.steps_left = left
        world.publisher().publish(0, 1, box, again=True)
        assert set(world.published) <= world.sent()

    world.stalls[stall[0]] = other
    world.publisher().publish(0, 1, box)
    assert set(world.published) == world.sent()
    assert set(world.outcomes()) == {each.action_id for each in box.actions}


class Nowhere:
    def expired(self, actions: Sequence[OutboundAction]) -> list[str]:
        return []

    def send(self, actions: Sequence[OutboundAction]) -> None:
        pass

    def append(self, decisions: Sequence[Decision]) -> None:
        pass


def test_it_travels() -> None:
    copy = pickle.loads(pickle.dumps(LivePublisher(Nowhere(), Nowhere())))
    copy.publish(0, 1, outbox(World(), 1))
    assert copy.recorded_sent([DECISION]) == ()
