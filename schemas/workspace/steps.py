"""The steps of a journey: a small program, whose nodes are named by their path in the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from schemas.workspace.condition import Condition, Lookup


@dataclass(frozen=True, slots=True)
class AttributeSource:
    """Takes the value of a profile's attribute, or what is looked up by it."""

    name: str
    lookup: Lookup | None = None


@dataclass(frozen=True, slots=True)
class FieldSource:
    """Takes the value of a field of the entry event, by its dot path, or what is looked up by it.

    Attributes:
        numeric: whether it is a number, also where events write it as text: decimals.
    """

    path: str
    lookup: Lookup | None = None
    numeric: bool = False


@dataclass(frozen=True, slots=True)
class LiteralSource:
    """Is the value itself, any JSON value."""

    value: Any


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Takes the score that a model gives the person now."""

    name: str


DataSource = AttributeSource | FieldSource | ModelSource | LiteralSource


@dataclass(frozen=True, slots=True)
class Send:
    """Sends an action.

    Attributes:
        name: the step's name, unique in the journey.
        channels: those that it may go through, the best first.
        template: the message template to fill.
        data: what to fill the template with, by the template's own names.
        expires_after_us: how long after it was decided the action may be shown, in microseconds.
    """

    path: str
    name: str
    channels: tuple[str, ...]
    template: str
    data: dict[str, DataSource]
    expires_after_us: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Waits for a while."""

    path: str
    duration_us: int


@dataclass(frozen=True, slots=True)
class WaitUntilLocal:
    """Waits until the clock in the workspace's time zone shows a time, today or tomorrow.

    Attributes:
        minute: of the day, 0 to 1439.
    """

    path: str
    minute: int


@dataclass(frozen=True, slots=True)
class WaitUntilField:
    """Waits until a moment that a field of the entry event names; not at all where that is over.

    Attributes:
        field: dot path of a timestamp or a date.
        offset_us: added to that moment; negative for before it.
    """

    path: str
    field: str
    offset_us: int


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Waits for an event, or for a condition to hold; not at all where it holds already.

    Attributes:
        events: one of these types ends the wait; none where a condition does.
        where: which of these events do, a condition on their fields; None for all.
        condition: on attributes and the entry event's fields; None where an event ends the wait.
        timeout_us: after so long the wait is over in any case.
        then: what follows when it came.
        otherwise: what follows when it did not.
    """

    path: str
    events: tuple[str, ...]
    where: Condition | None
    condition: Condition | None
    timeout_us: int
    then: tuple[Step, ...]
    otherwise: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of a branch.

    Attributes:
        condition: when it is taken; None for always.
    """

    condition: Condition | None
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """Takes the first way whose condition holds, and goes on behind the branch where none does."""

    path: str
    arms: tuple[Arm, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """One way of a split.

    Attributes:
        percent: of all persons, by a stable hash of the person; all shares make 100 at most.
    """

    name: str
    percent: float
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """Takes a way by a stable hash of the person, and goes on behind the split for the rest.

    Attributes:
        name: unique in the journey; the hash's salt, so that two splits do not take the same persons.
    """

    path: str
    name: str
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Update:
    """Writes an attribute of the person; no value takes it away."""

    path: str
    attribute: str
    source: DataSource


@dataclass(frozen=True, slots=True)
class Exit:
    """Ends the run."""

    path: str


Step = Send | Wait | WaitUntilLocal | WaitUntilField | WaitFor | Branch | Split | Update | Exit


def walk_steps(steps: tuple[Step, ...]) -> Iterator[Step]:
    """All steps, those of branches too, in the order of the file."""
    for step in steps:
        yield step
        for inner in inner_steps(step):
            yield from walk_steps(inner)


def inner_steps(step: Step) -> tuple[tuple[Step, ...], ...]:
    """The ways that a step leads to."""
    match step:
        case WaitFor():
            return step.then, step.otherwise
        case Branch():
            return tuple(arm.steps for arm in step.arms)
        case Split():
            return tuple(share.steps for share in step.shares)
    return ()
