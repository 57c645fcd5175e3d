"""Programs: a journey's steps laid out flat, each with what comes after it."""

from __future__ import annotations

from typing import NamedTuple

from schemas.workspace.model import Journey, Workspace
from schemas.workspace.steps import Exit, Step, Wait, WaitFor, inner_steps, walk_steps


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
    """By event type, the shortest wait of a known length that an event of it may begin, in microseconds.

    An event begins waits in journeys that it enters, that wait for it, or that wait for a condition, which
    any event may fulfil.
    """
    waits: dict[str, int] = {}
    for journey in workspace.versions():
        lengths = [
            step.duration_us if isinstance(step, Wait) else step.timeout_us
            for step in walk_steps(journey.steps)
            if isinstance(step, Wait | WaitFor)
        ]
        if lengths:
            for event_type in _moved_by(journey, workspace):
                waits[event_type] = min([*lengths, waits.get(event_type, lengths[0])])
    return waits


def _moved_by(journey: Journey, workspace: Workspace) -> set[str]:
    """The event types that may move a run of a journey on."""
    moving = set(journey.entry_events)
    for step in walk_steps(journey.steps):
        if isinstance(step, WaitFor):
            moving |= set(workspace.registry.types()) if step.condition is not None else set(step.events)
    return moving
