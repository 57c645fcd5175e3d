"""The shape of a workspace's files: `workspace.yaml`, `profiles.yaml` and `journeys/NAME.yaml`.

What a model cannot see because it lies elsewhere in the workspace, the checks see.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from schemas.action import Category
from schemas.timestamps import DAY_US
from schemas.workspace.condition_file import ConditionFile, FileModel
from schemas.workspace.entry_files import EntryFile, ExitFile
from schemas.workspace.model import Aggregate
from schemas.workspace.policy_files import PolicyFile
from schemas.workspace.step_files import DataSourceFile, StepFile
from schemas.workspace.values import (
    AttributeName,
    Duration,
    DurationOrZero,
    EventTypes,
    Lookback,
    Name,
    Percent,
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


class ContextFile(FileModel):
    """What who speaks to the person should know."""

    attributes: list[AttributeName] = Field(default=[], description="Attributes of the profile.")
    contacts: int = Field(
        default=5, ge=0, le=20, description="So many of the person's newest actions, and what came of them."
    )


class ChannelFile(FileModel):
    """A way to reach a person."""

    name: Name = Field(description="What journeys call the channel.")
    address: Name | None = Field(
        default=None,
        description="The namespace whose identity is the address; absent: the channel looks it up itself.",
    )
    context: ContextFile | None = Field(
        default=None, description="What its actions tell besides the message, such as an agent needs."
    )


class ModelFile(FileModel):
    """A model that scores persons."""

    name: Name = Field(description="What journeys call the model.")
    file: Text = Field(
        description="A scikit-learn classifier, pickled, relative to the workspace; its probability of the "
        "last class is the score."
    )
    inputs: list[AttributeName] = Field(
        min_length=1, description="The attributes that it is given, in this order; without a value 0."
    )


class WorkspaceFile(PolicyFile):
    """workspace.yaml: who the tenant is, its identities and channels, and what persons are spared."""

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
    models: list[ModelFile] = Field(default=[], description="Models that score persons.")


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


class WrittenFile(FileModel):
    """An attribute that journeys write."""

    name: AttributeName = Field(description="The attribute's name, unique in the workspace.")
    kind: Literal["text", "number", "boolean", "timestamp", "date"] = Field(description="What it holds.")


class ProfilesFile(FileModel):
    """profiles.yaml: what is kept in every profile."""

    templates: list[TemplateFile] = Field(description="The workspace's profile templates.")
    written: list[WrittenFile] = Field(default=[], description="Attributes that journeys write.")


class ValidFile(FileModel):
    """When a journey acts."""

    since: Time | None = Field(
        default=None, alias="from", description="The first day or instant (UTC) at which it acts."
    )
    until: Time | None = Field(
        default=None, description="The first day or instant (UTC) at which it no longer acts."
    )


class GoalFile(FileModel):
    """What a person does because of an action."""

    event: EventTypes = Field(description="The event type that fulfils the purpose, or a list of them.")
    within: Duration = Field(description="Counts so long after an action.")


class JourneyFile(FileModel):
    """journeys/NAME.yaml: when to act, and how."""

    name: Name = Field(description="The journey's name, the same as the file's.")
    version: int = Field(ge=1, description="The journey's version; raise it when the journey changes.")
    active: bool = Field(default=True, description="Whether it acts at all.")
    category: Annotated[Category, Field(strict=False)] = Field(
        description="What its actions are about; the law asks different things of each."
    )
    priority: int = Field(default=50, ge=0, le=100, description="Higher goes first.")
    propensity: DataSourceFile | None = Field(
        default=None,
        description="How likely the person is to answer, a number: of journeys of one priority that come at "
        "once the likeliest goes first; absent: after all others.",
    )
    mode: Literal["live", "test", "dry_run"] = Field(
        default="live",
        description="live: acts. test: acts for test_people of workspace.yaml only. dry_run: decides and "
        "sends nothing.",
    )
    use_case: Name | None = Field(
        default=None, description="What a person must be subscribed to; absent: nothing."
    )
    control_group: Percent = Field(
        default=0, description="How many percent of the persons are held out, for comparison."
    )
    suppress: ConditionFile | None = Field(
        default=None, description="On attributes: nothing is sent while it holds; absent: never."
    )
    goal: GoalFile | None = Field(default=None, description="What its actions are for; absent: not known.")
    valid: ValidFile | None = Field(default=None, description="When it acts; absent: always.")
    entry: EntryFile = Field(description="What starts a run.")
    exit: list[ExitFile] = Field(
        default=[], description="What ends a run wherever it waits: event types, or {event: TYPE, key: PATH}."
    )
    condition: ConditionFile | None = Field(
        default=None,
        description="Must hold when the action is decided, on attributes and the entry event's fields; "
        "absent: always holds.",
    )
    steps: list[StepFile] = Field(min_length=1, description="What a run does, one after the other.")
