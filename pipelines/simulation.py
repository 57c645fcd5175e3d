"""Simulating: one person's events through the engine, an event or a due time at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from schemas.decision import Decision
from schemas.store import NO_TOKEN, Head, OutboundAction
from schemas.workspace.model import Workspace
from transforms.core.engine import Advanced, Engine
from transforms.core.fold_event import FoldEvent, order
from transforms.core.identity import shard_of
from transforms.core.profile import Profile, decode_image
from transforms.core.trail import Passage
from transforms.engines import load_engine

OVERFLOWN = "overflown"
"""What became of an event that was refused because the person's image is full."""


class Tick(NamedTuple):
    """An event, or a time at which something was due, and what the engine made of it.

    Attributes:
        event: None where time alone passed.
        outcome: what became of the event, a `FoldOutcome` or `OVERFLOWN`.
        before: the person's profile until then.
        after: the profile from then on.
        trail: which steps runs left.
    """

    time_us: int
    event: FoldEvent | None
    outcome: str
    before: Profile
    after: Profile
    decisions: Sequence[Decision]
    actions: Sequence[OutboundAction]
    trail: Sequence[Passage]


class Simulation:
    """Advances persons from nothing, in the smallest steps in which a job might."""

    def __init__(self, workspace: Workspace) -> None:
        self._engine = load_engine(workspace)
        self._shards = workspace.shards
        self.plan = self._engine.plan

    def ticks(self, person_id: str, events: Sequence[FoldEvent], as_of_us: int) -> Iterator[Tick]:
        """All that happens up to the as-of time, in the order in which the bounded job lets it happen.

        Args:
            events: of the person, in any order; those after the as-of time are left out.
        """
        stepping = _Stepping(self._engine, person_id, shard_of(person_id, self._shards))
        for event in sorted(events, key=order):
            if event.time_us > as_of_us:
                break
            yield from stepping.due(event.time_us - 1)
            # What is due at the very time of an event comes after it, and after others of that time.
            yield stepping.step(event.time_us, event.time_us - 1, event)
        yield from stepping.due(as_of_us)


class _Stepping:
    """One person's row, stepped on."""

    def __init__(self, engine: Engine, person_id: str, shard: int) -> None:
        self._engine = engine
        self._person_id = person_id
        self._shard = shard
        self._head = Head(0, NO_TOKEN, None)
        self._images: dict[str, bytes] = {}
        self._profile = Profile(person_id)
        self._deadline_us: int | None = None

    def due(self, until_us: int) -> Iterator[Tick]:
        """A tick for each time up to one, inclusive, at which something is due."""
        while self._deadline_us is not None and self._deadline_us <= until_us:
            yield self.step(self._deadline_us, self._deadline_us)

    def step(self, time_us: int, as_of_us: int, event: FoldEvent | None = None) -> Tick:
        """Advances the row."""
        person_id, before = self._person_id, self._profile
        trail: list[Passage] = []
        batch = {person_id: [] if event is None else [event]}
        advanced = self._engine.advance(self._shard, self._head, self._images, batch, as_of_us, trail)
        commit = advanced.commit
        self._images = commit.images
        self._head = Head(commit.sequence, commit.token, None)
        self._profile = decode_image(commit.images[person_id])
        self._deadline_us = commit.deadlines[person_id]
        outbox = commit.outbox
        return Tick(
            time_us,
            event,
            _outcome(advanced),
            before,
            self._profile,
            outbox.decisions,
            outbox.actions,
            trail,
        )


def _outcome(advanced: Advanced) -> str:
    counted = (outcome.value for outcome, number in advanced.outcomes.items() if number)
    return next(counted, OVERFLOWN)
