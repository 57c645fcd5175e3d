"""The shape of a journey's steps in its file."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, TypeAdapter

from schemas.timestamps import DAY_US
from schemas.workspace.condition_file import COLUMN, LOOKED_UP, TABLE, ConditionFile, FileModel
from schemas.workspace.values import AttributeName, ClockTime, Duration, EventTypes, Name, Percent, Text


class AttributeSourceFile(FileModel):
    """Takes the value of a profile's attribute."""

    model_config = ConfigDict(json_schema_extra={"dependentRequired": LOOKED_UP})

    attribute: AttributeName = Field(description="The attribute whose value to take.")
    table: Name | None = TABLE
    column: Text | None = COLUMN


class FieldSourceFile(FileModel):
    """Takes the value of a field of the entry event."""

    model_config = ConfigDict(json_schema_extra={"dependentRequired": LOOKED_UP})

    field: Text = Field(description="Dot path of the entry event's field, or $time, $id, $source, $type.")
    table: Name | None = TABLE
    column: Text | None = COLUMN


class ModelSourceFile(FileModel):
    """Takes what a model gives for the person."""

    model: Name = Field(description="The model whose score to take, 0 to 1.")


class LiteralSourceFile(FileModel):
    """Is the value itself."""

    value: Any = Field(description="The value itself.")


def _source_tag(value: Any) -> str | None:
    if isinstance(value, dict):
        for key in ("attribute", "field", "model", "value"):
            if key in value:
                return f"<{key}>"
    return None


DataSourceFile = Annotated[
    Annotated[AttributeSourceFile, Tag("<attribute>")]
    | Annotated[FieldSourceFile, Tag("<field>")]
    | Annotated[ModelSourceFile, Tag("<model>")]
    | Annotated[LiteralSourceFile, Tag("<value>")],
    Discriminator(
        _source_tag,
        custom_error_type="expected",
        custom_error_message="expected {attribute: NAME}, {field: PATH}, {model: NAME} or {value: V}",
    ),
]


def _channels_tag(value: Any) -> str:
    return "<many>" if isinstance(value, list) else "<one>"


Channels = Annotated[
    Annotated[Name, Tag("<one>")] | Annotated[list[Name], Field(min_length=1), Tag("<many>")],
    Discriminator(_channels_tag),
]


class SendFile(FileModel):
    """A step that sends an action."""

    send: Name = Field(description="The step's name, unique in the journey.")
    channel: Channels = Field(
        description="The channel to send through, or a list: the first is taken that the person wants "
        "and that reaches them."
    )
    template: Text = Field(description="The message template to fill.")
    data: dict[str, DataSourceFile] = Field(
        default={}, description="What to fill the template with, by the template's own names."
    )
    expires_after: Duration = Field(
        default=DAY_US,
        json_schema_extra={"default": "24h"},
        description="How long the action may be shown after it was decided; default 24h.",
    )


class WaitFile(FileModel):
    """A step that waits for a while."""

    wait: Duration = Field(description="How long to wait.")


class MomentFile(FileModel):
    """A moment in the data."""

    model_config = ConfigDict(json_schema_extra={"not": {"required": ["before", "after"]}})

    field: Text = Field(description="Dot path of the entry event's field that is a timestamp or a date.")
    before: Duration | None = Field(default=None, description="So long before that moment.")
    after: Duration | None = Field(default=None, description="So long after that moment.")


def _until_tag(value: Any) -> str:
    return "<moment>" if isinstance(value, dict) else "<clock>"


class WaitUntilFile(FileModel):
    """A step that waits until a time of the day, or until a moment in the data."""

    wait_until: Annotated[
        Annotated[ClockTime, Tag("<clock>")] | Annotated[MomentFile, Tag("<moment>")],
        Discriminator(_until_tag),
    ] = Field(
        description='A clock time in the workspace\'s time zone such as "09:00", or {field: PATH, before: '
        "DURATION}; a moment that is over ends the wait at once."
    )


class AwaitedEventFile(FileModel):
    """An event that ends a wait."""

    event: EventTypes = Field(description="The event type that ends the wait, or a list of them.")
    where: ConditionFile | None = Field(
        default=None, description="Which of these events do, a condition on their fields; absent: all."
    )


class AwaitedConditionFile(FileModel):
    """A condition that ends a wait."""

    condition: ConditionFile = Field(
        description="Ends the wait once it holds, on attributes and the entry event's fields."
    )


def _awaited_tag(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    return "<condition>" if "condition" in value else "<event>"


class WaitForFile(FileModel):
    """A step that waits for an event, or for a condition to hold."""

    wait_for: Annotated[
        Annotated[AwaitedEventFile, Tag("<event>")] | Annotated[AwaitedConditionFile, Tag("<condition>")],
        Discriminator(
            _awaited_tag,
            custom_error_type="expected",
            custom_error_message="expected {event: TYPE} or {condition: ...}",
        ),
    ] = Field(description="What ends the wait: {event: TYPE, where: CONDITION} or {condition: CONDITION}.")
    timeout: Duration = Field(description="After so long the wait is over in any case.")
    then: list[StepFile] = Field(default=[], description="What follows when it came.")
    otherwise: list[StepFile] = Field(
        default=[], alias="else", description="What follows when it did not come in time."
    )


class ArmFile(FileModel):
    """One way of a branch."""

    condition: ConditionFile | None = Field(
        default=None,
        alias="if",
        description="When the way is taken, on attributes and the entry event's fields; absent: in any case.",
    )
    steps: list[StepFile] = Field(description="What follows on this way.")


class BranchFile(FileModel):
    """A step that takes the first way whose condition holds."""

    branch: list[ArmFile] = Field(
        min_length=1, description="The ways; where none is taken the run goes on behind the branch."
    )


class ShareFile(FileModel):
    """One way of a split."""

    name: Name = Field(description="The share's name; actions on this way have it as their variant.")
    percent: Percent = Field(description="Of all persons, by a stable hash.")
    steps: list[StepFile] = Field(default=[], description="What follows on this way.")


class SplitFile(FileModel):
    """A step that divides persons by a stable hash."""

    split: Name = Field(description="The split's name, unique in the journey.")
    shares: list[ShareFile] = Field(
        min_length=1, description="The ways, 100 percent at most; the rest goes on behind the split."
    )


class UpdateFile(FileModel):
    """A step that writes an attribute."""

    update: AttributeName = Field(description="The attribute, one of those that profiles.yaml has written.")
    to: DataSourceFile = Field(description="What to write; no value takes the attribute away.")


class ExitFile(FileModel):
    """A step that ends the run."""

    exit: Literal[True] = Field(description="true")


_STEPS = {
    "<send>": {"send", "channel", "template", "data", "expires_after"},
    "<wait_until>": {"wait_until"},
    "<wait_for>": {"wait_for", "timeout", "then", "else"},
    "<wait>": {"wait"},
    "<branch>": {"branch"},
    "<split>": {"split", "shares"},
    "<update>": {"update", "to"},
    "<exit>": {"exit"},
}


def _step_tag(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    return next((tag for tag, keys in _STEPS.items() if value.keys() & keys), None)


StepFile = Annotated[
    Annotated[SendFile, Tag("<send>")]
    | Annotated[WaitFile, Tag("<wait>")]
    | Annotated[WaitUntilFile, Tag("<wait_until>")]
    | Annotated[WaitForFile, Tag("<wait_for>")]
    | Annotated[BranchFile, Tag("<branch>")]
    | Annotated[SplitFile, Tag("<split>")]
    | Annotated[UpdateFile, Tag("<update>")]
    | Annotated[ExitFile, Tag("<exit>")],
    Discriminator(
        _step_tag,
        custom_error_type="expected",
        custom_error_message="expected a step: send, wait, wait_until, wait_for, branch, split, update, exit",
    ),
]

for _model in (WaitForFile, ArmFile, BranchFile, ShareFile, SplitFile):
    _model.model_rebuild()

STEP: TypeAdapter[StepFile] = TypeAdapter(StepFile)
DATA_SOURCE: TypeAdapter[DataSourceFile] = TypeAdapter(DataSourceFile)
