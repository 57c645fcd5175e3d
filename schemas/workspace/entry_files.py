"""The shape of a journey's entry and exits in its file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, TypeAdapter

from schemas.workspace.condition_file import ConditionFile, FileModel
from schemas.workspace.entries import Reentry
from schemas.workspace.values import ClockTime, Duration, EventTypes, Text

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class _AgainFile(FileModel):
    cooldown: Duration | None = Field(
        default=None,
        description="For how long after a run's first sent action no other run starts or sends; absent: no "
        "cooldown.",
    )
    reentry: Annotated[Reentry, Field(strict=False)] = Field(
        default=Reentry.AFTER_EXIT,
        description="Whether a person may enter again, per key. once: never. after_exit: when the run has "
        "ended. restart: a run under way begins anew. always: each entry has a run of its own.",
    )


class EventEntryFile(_AgainFile):
    """An event starts a run."""

    event: EventTypes = Field(description="The event type that starts a run, or a list of them.")
    where: ConditionFile | None = Field(
        default=None,
        description="Which of these events are candidates, a condition on their fields; absent: all.",
    )
    key: Text | None = Field(
        default=None,
        description="Dot path of the field of which each value has a run of its own, such as an order's "
        "number; absent: a person has one run.",
    )


class ConditionEntryFile(_AgainFile):
    """A condition that comes to hold starts a run."""

    condition: ConditionFile = Field(
        description="On attributes. A run starts when it comes to hold, be it by the passage of time."
    )


class ScheduleFile(FileModel):
    """A time of the day, and of the week."""

    at: ClockTime = Field(description='The time of the day in the workspace\'s time zone, such as "09:00".')
    days: list[Day] | None = Field(
        default=None, min_length=1, description="The days of the week; absent: every day."
    )


class ScheduleEntryFile(_AgainFile):
    """A schedule starts a run."""

    schedule: ScheduleFile = Field(description="When.")
    condition: ConditionFile | None = Field(
        default=None, description="On attributes, must hold at that time; absent: everybody."
    )


def _entry_tag(value: Any) -> str:
    if isinstance(value, dict):
        if "schedule" in value:
            return "<schedule>"
        if "condition" in value:
            return "<condition>"
    return "<event>"


EntryFile = Annotated[
    Annotated[EventEntryFile, Tag("<event>")]
    | Annotated[ConditionEntryFile, Tag("<condition>")]
    | Annotated[ScheduleEntryFile, Tag("<schedule>")],
    Discriminator(_entry_tag),
]


class ExitEventFile(FileModel):
    """An event that ends a run."""

    event: Text = Field(description="The event type.")
    where: ConditionFile | None = Field(
        default=None, description="Which of its type do, a condition on its fields; absent: all."
    )
    key: Text | None = Field(
        default=None,
        description="Dot path of the field whose value is the key of the run to end; absent: all runs.",
    )


def _exit_tag(value: Any) -> str:
    return "<event>" if isinstance(value, dict) else "<type>"


ExitFile = Annotated[
    Annotated[Text, Tag("<type>")] | Annotated[ExitEventFile, Tag("<event>")], Discriminator(_exit_tag)
]

ENTRY: TypeAdapter[EntryFile] = TypeAdapter(EntryFile)
EXITS: TypeAdapter[list[ExitFile]] = TypeAdapter(list[ExitFile])
