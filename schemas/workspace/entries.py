"""What starts a run of a journey, and what ends it at any time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schemas.workspace.condition import Condition


class Reentry(StrEnum):
    """Whether a person, with a key, may enter a journey again."""

    ONCE = "once"
    AFTER_EXIT = "after_exit"
    RESTART = "restart"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class EventEntry:
    """An event starts a run.

    Attributes:
        events: the event types that do.
        where: which of them do, a condition on their fields; None for all.
        key: the path of the field of which each value has a run of its own; None for one run a person.
    """

    events: tuple[str, ...]
    where: Condition | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class ConditionEntry:
    """A run starts when a condition on the person's attributes comes to hold."""

    condition: Condition


@dataclass(frozen=True, slots=True)
class ScheduleEntry:
    """A run starts at a time of the day.

    Attributes:
        minute: of the day, 0 to 1439.
        days: of the week, Monday is 0; None for all.
        condition: on attributes, must hold at that time; None for everybody.
    """

    minute: int
    days: frozenset[int] | None = None
    condition: Condition | None = None


Entry = EventEntry | ConditionEntry | ScheduleEntry


@dataclass(frozen=True, slots=True)
class ExitEvent:
    """An event that ends a run.

    Attributes:
        where: which of its type do, a condition on its fields; None for all.
        key: the path of the field whose value is the key of the run to end; None for all runs.
    """

    event: str
    where: Condition | None = None
    key: str | None = None
