"""Programs: a journey's steps laid out flat, each with what comes after it."""

from __future__ import annotations

from typing import NamedTuple

from schemas.timestamps import MINUTE_US
from schemas.workspace.entries import EventEntry
from schemas.workspace.model import Journey, Workspace
from schemas.workspace.steps import (
    Exit,
    Step,
    Wait,
    WaitFor,
    WaitUntilField,
    WaitUntilLocal,
    inner_steps,
    walk_steps,
)
from transforms.core.watch import watched_by

UNKNOWN_US = MINUTE_US
"""So long a wait of an unknown length is taken to last: its end may be noticed as much too late."""


class Node(NamedTuple):
    """A step, where its ways begin, and what comes after it; None for the end of the run.

    Attributes:
        ways: of the step's inner steps, the path of the first of each, or what comes after for none.
        after: where the run goes on behind the step.
    """

    step: Step
    ways: tuple[str | None, ...]
    after: str | None


class Program:
    """The nodes of a journey by path.

    Attributes:
        start: the path of the first step, None for none.
    """

    def __init__(self, steps: tuple[Step, ...]) -> None:
        self.nodes: dict[str, Node] = {}
        self.start = self._lay(steps, None)

    def _lay(self, steps: tuple[Step, ...], after: str | None) -> str | None:
        """Lays steps out from the last to the first; gives where they begin."""
        for step in reversed(steps):
            follows = None if isinstance(step, Exit) else after
            ways = tuple(self._lay(inner, follows) for inner in inner_steps(step))
            assert step.path not in self.nodes, "two steps of one path would make a loop"
            self.nodes[step.path] = Node(step, ways, follows)
            after = step.path
        return after


def shortest_waits(workspace: Workspace) -> dict[str, int]:
    """By event type, the shortest wait that an event of it may begin, in microseconds.

    An event begins waits in journeys that it enters, that wait for it, or that watch a condition which it
    may change.
    """
    waits: dict[str, int] = {}

    def begins(event_type: str, wait_us: int) -> None:
        waits[event_type] = min(wait_us, waits.get(event_type, wait_us))

    for journey in workspace.versions():
        lengths = [length for step in walk_steps(journey.steps) if (length := _length_us(step)) is not None]
        if lengths:
            for event_type in _moved_by(journey, workspace):
                begins(event_type, min(lengths))
        for event_type in workspace.registry.types():
            if watched_by(journey, event_type, workspace):
                begins(event_type, UNKNOWN_US)
    return waits


def _length_us(step: Step) -> int | None:
    """How long a run waits at a step at least; None for a step that does not wait."""
    match step:
        case Wait():
            return step.duration_us
        case WaitFor():
            return step.timeout_us if step.condition is None else min(step.timeout_us, UNKNOWN_US)
        case WaitUntilField() | WaitUntilLocal():
            return UNKNOWN_US
    return None


def _moved_by(journey: Journey, workspace: Workspace) -> set[str]:
    """The event types that may move a run of a journey on."""
    moving = set(journey.entry.events) if isinstance(journey.entry, EventEntry) else set[str]()
    for step in walk_steps(journey.steps):
        if isinstance(step, WaitFor):
            moving |= set(workspace.registry.types()) if step.condition is not None else set(step.events)
    return moving | {name for name in workspace.registry.types() if watched_by(journey, name, workspace)}
