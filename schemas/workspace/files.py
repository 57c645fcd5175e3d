"""The shape of a workspace's files: `workspace.yaml`, `profiles.yaml` and `journeys/NAME.yaml`.

What a model cannot see because it lies elsewhere in the workspace, the checks see.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag

from schemas.action import Category
from schemas.timestamps import DAY_US
from schemas.workspace.condition_file import ConditionFile, FileModel
from schemas.workspace.model import Aggregate
from schemas.workspace.values import (
    AttributeName,
    Duration,
    DurationOrZero,
    EventTypes,
    Lookback,
    Name,
    Region,
    SecretSource,
    Shards,
    Text,
    Time,
    TimeZone,
    WorkspaceName,
)


class NamespaceFile(FileModel):
    """A kind of identity."""

    name: Name = Field(description="What schemas and identities call the namespace.")
    priority: int = Field(
        ge=0,
        description="The best identity of an event has the lowest priority number; no two are equal.",
    )
    unique: bool = Field(default=False, description="A person has one value of it.")
    max_per_person: int | None = Field(
        default=None, ge=1, le=1000, description="How many values of it a person may have; absent: no limit."
    )
    normalizer: Literal["email", "phone"] | None = Field(
        default=None,
        description="Brings values into one form: mail addresses, or phone numbers as E.164; absent: none.",
    )


class ChannelFile(FileModel):
    """A way to reach a person."""

    name: Name = Field(description="What journeys call the channel.")
    address: Name | None = Field(
        default=None,
        description="The namespace whose identity is the address; absent: the channel looks it up itself.",
    )


class WorkspaceFile(FileModel):
    """workspace.yaml: who the tenant is, and which identities and channels it has."""

    name: WorkspaceName = Field(description="The workspace's name.")
    time_zone: TimeZone = Field(description="IANA time zone.")
    secret: SecretSource = Field(
        description="Where the HMAC secret of person ids is: file:PATH, relative to the workspace, "
        "or env:NAME; at least 16 bytes."
    )
    region: Region | None = Field(
        default=None,
        description="ISO 3166 region of phone numbers without a country code; absent: they must have one.",
    )
    shards: Shards = Field(
        default=16, description="Slices of the people, a power of two; fixed once the workspace has profiles."
    )
    allowed_lateness: DurationOrZero = Field(
        default=DAY_US,
        json_schema_extra={"default": "24h"},
        description="An event published later than this after its time goes to the tape only; default 24h.",
    )
    earliest: Duration = Field(
        default=1095 * DAY_US,
        json_schema_extra={"default": "1095d"},
        description="How long before its publish time an event may lie; default 1095d.",
    )
    namespaces: list[NamespaceFile] = Field(min_length=1, description="The kinds of identities.")
    channels: list[ChannelFile] = Field(default=[], description="The ways to reach a person.")


class AttributeFile(FileModel):
    """One value that every profile keeps."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"aggregate": {"enum": [Aggregate.COUNT, Aggregate.SUM]}}},
            "else": {"required": ["field"]},
        }
    )

    name: AttributeName = Field(description="The attribute's name, unique in the workspace.")
    event: EventTypes = Field(description='The event type, a list of them, or "*" for all.')
    field: Text | None = Field(
        default=None,
        description="Dot path into the event's data, or $time, $id, $source, $type; a path through an "
        "array gives each element. Absent: each event counts 1.",
    )
    aggregate: Annotated[Aggregate, Field(strict=False)] = Field(
        description="What is made of the entries. count: the number of events, with a field the number of "
        "each value. sum, average, min, max: of the field. distinct: the number of distinct values. first, "
        "last: the oldest, the newest value. value: the newest value, with a limit above 1 the newest values "
        "as a list."
    )
    limit: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Keeps the newest N entries only, by time and then event id, and aggregates those.",
    )
    lookback: Lookback | None = Field(
        default=None, description="How far back entries count; absent: for ever."
    )
    where: ConditionFile | None = Field(
        default=None, description="Which events count, a condition on their fields; absent: all."
    )


class TemplateFile(FileModel):
    """A list of attributes to keep in every profile."""

    name: Name = Field(description="The template's name.")
    attributes: list[AttributeFile] = Field(description="The attributes to keep.")


class ProfilesFile(FileModel):
    """profiles.yaml: what is kept in every profile."""

    templates: list[TemplateFile] = Field(description="The workspace's profile templates.")


class ValidFile(FileModel):
    """When a journey acts."""

    since: Time | None = Field(
        default=None, alias="from", description="The first day or instant (UTC) at which it acts."
    )
    until: Time | None = Field(
        default=None, description="The first day or instant (UTC) at which it no longer acts."
    )


class EntryFile(FileModel):
    """What starts a run of a journey."""

    event: EventTypes = Field(description="The event type that starts a run, or a list of them.")
    where: ConditionFile | None = Field(
        default=None,
        description="Which of these events are candidates, a condition on their fields; absent: all.",
    )
    cooldown: Duration | None = Field(
        default=None, description="For how long after a sent action no run starts; absent: no cooldown."
    )
    on_repeat: Literal["keep", "restart"] = Field(
        default="keep",
        description="What a further entry event does to a run that waits: keep it, or restart its wait.",
    )


class AttributeSourceFile(FileModel):
    """Takes the value of a profile's attribute."""

    attribute: AttributeName = Field(description="The attribute whose value to take.")


class FieldSourceFile(FileModel):
    """Takes the value of a field of the entry event."""

    field: Text = Field(description="Dot path of the entry event's field, or $time, $id, $source, $type.")


class LiteralSourceFile(FileModel):
    """Is the value itself."""

    value: Any = Field(description="The value itself.")


def _source_tag(value: Any) -> str | None:
    if isinstance(value, dict):
        for key in ("attribute", "field", "value"):
            if key in value:
                return f"<{key}>"
    return None


DataSourceFile = Annotated[
    Annotated[AttributeSourceFile, Tag("<attribute>")]
    | Annotated[FieldSourceFile, Tag("<field>")]
    | Annotated[LiteralSourceFile, Tag("<value>")],
    Discriminator(
        _source_tag,
        custom_error_type="expected",
        custom_error_message="expected {attribute: NAME}, {field: PATH} or {value: V}",
    ),
]


class WaitFile(FileModel):
    """A step that waits."""

    wait: Duration = Field(description="How long to wait after the entry event.")


class SendFile(FileModel):
    """The step that sends the action."""

    send: Name = Field(description="The step's name.")
    channel: Name = Field(description="The channel to send through.")
    template: Text = Field(description="The message template to fill.")
    data: dict[str, DataSourceFile] = Field(
        default={}, description="What to fill the template with, by the template's own names."
    )
    expires_after: Duration = Field(
        default=DAY_US,
        json_schema_extra={"default": "24h"},
        description="How long the action may be shown after it was decided; default 24h.",
    )


def _step_tag(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    if value.keys() & {"send", "channel", "template", "data", "expires_after"}:
        return "<send>"
    return "<wait>" if "wait" in value else None


StepFile = Annotated[
    Annotated[WaitFile, Tag("<wait>")] | Annotated[SendFile, Tag("<send>")],
    Discriminator(
        _step_tag,
        custom_error_type="expected",
        custom_error_message="expected a step, {wait: DURATION} or {send: NAME, channel: NAME, "
        "template: NAME}",
    ),
]


class JourneyFile(FileModel):
    """journeys/NAME.yaml: when to act, and how."""

    name: Name = Field(description="The journey's name, the same as the file's.")
    version: int = Field(ge=1, description="The journey's version; raise it when the journey changes.")
    active: bool = Field(default=True, description="Whether it acts at all.")
    category: Annotated[Category, Field(strict=False)] = Field(
        description="What its actions are about; the law asks different things of each."
    )
    priority: int = Field(default=50, ge=0, le=100, description="Higher goes first.")
    valid: ValidFile | None = Field(default=None, description="When it acts; absent: always.")
    entry: EntryFile = Field(description="What starts a run.")
    exit: list[Text] = Field(default=[], description="Event types that end a run that waits.")
    condition: ConditionFile | None = Field(
        default=None,
        description="Must hold when the action is decided, on attributes and the entry event's fields; "
        "absent: always holds.",
    )
    steps: list[StepFile] = Field(
        min_length=1, json_schema_extra={"maxItems": 2}, description="At most one wait, then one send."
    )
