"""The shape of what workspace.yaml says about consents, caps, hours and groups."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.action import Category
from schemas.timestamps import DAY_US
from schemas.workspace.condition_file import ConditionFile, FileModel
from schemas.workspace.policy import ConsentRule
from schemas.workspace.values import ClockTime, Duration, DurationOrZero, Lookback, Name, Percent, Text

CategoryValue = Annotated[Category, Field(strict=False)]
Rule = Annotated[ConsentRule, Field(strict=False)]


class ConsentsFile(FileModel):
    """What each category needs before a message is sent."""

    legal: Rule = Field(default=ConsentRule.NOT_NEEDED, description="What the law prescribes to send.")
    operative: Rule = Field(default=ConsentRule.NOT_NEEDED, description="What an order needs.")
    advisory: Rule = Field(default=ConsentRule.OPT_OUT, description="Help with what a person has.")
    commercial: Rule = Field(default=ConsentRule.OPT_IN, description="What is for sale.")


class UseCaseFile(FileModel):
    """What a person may subscribe to."""

    name: Name = Field(description="What journeys and events call it.")
    subscribed: bool = Field(default=True, description="Whether a person is who never said anything.")


class CapFile(FileModel):
    """At most so many messages within any window of time."""

    limit: int = Field(ge=0, le=1000, description="How many.")
    window: Lookback = Field(description="Within any such time.")
    journey: Name | None = Field(default=None, description="Counts this journey's only; absent: all.")
    category: CategoryValue | None = Field(
        default=None, description="Counts this category only; absent: commercial and advisory."
    )
    channel: Name | None = Field(default=None, description="Counts this channel only; absent: all.")


class QuietHoursFile(FileModel):
    """The time of the day at which nothing is sent."""

    since: ClockTime = Field(alias="from", description='When they begin, such as "21:00".')
    until: ClockTime = Field(description='When they end, such as "08:00".')
    then: Literal["defer", "discard"] = Field(
        default="defer", description="Whether what comes then waits for their end, or is dropped."
    )
    categories: list[CategoryValue] | None = Field(
        default=None, min_length=1, description="What they hold back; absent: commercial and advisory."
    )
    channels: list[Name] | None = Field(default=None, min_length=1, description="Where; absent: everywhere.")


class SuppressionFile(FileModel):
    """Nothing is sent while a condition holds."""

    name: Name = Field(description="What decisions call it.")
    condition: ConditionFile = Field(description="On the person's attributes.")
    categories: list[CategoryValue] | None = Field(
        default=None, min_length=1, description="What it holds back; absent: commercial and advisory."
    )


class UnansweredFile(FileModel):
    """When a person does not answer."""

    limit: int = Field(ge=1, le=100, description="After so many messages in a row without an answer.")
    pause: Duration = Field(description="Nothing commercial or advisory is sent for so long.")


class ArbitrationFile(FileModel):
    """One commercial message a person and window."""

    window: Lookback = Field(
        default=DAY_US, json_schema_extra={"default": "24h"}, description="Of time; default 24h."
    )
    reserve: DurationOrZero = Field(
        default=0,
        json_schema_extra={"default": "0s"},
        description="So long before a journey of higher priority is due others are held back; default 0s.",
    )


class PolicyFile(FileModel):
    """The part of workspace.yaml that says what journeys may do to a person."""

    consents: ConsentsFile = Field(
        default=ConsentsFile(), description="Which categories need consent: not_needed, opt_out or opt_in."
    )
    use_cases: list[UseCaseFile] = Field(default=[], description="What persons may subscribe to.")
    caps: list[CapFile] = Field(default=[], description="How many messages a person gets at most.")
    quiet_hours: list[QuietHoursFile] = Field(
        default=[], description="When nothing is sent, in the person's time zone."
    )
    suppress: list[SuppressionFile] = Field(default=[], description="When nothing is sent.")
    unanswered: UnansweredFile | None = Field(default=None, description="When a person does not answer.")
    arbitration: ArbitrationFile | None = Field(
        default=None, description="One commercial message a person and window; absent: any number."
    )
    control_group: Percent = Field(
        default=0, description="How many percent of the persons get nothing commercial or advisory."
    )
    test_people: list[Text] = Field(
        default=[], description="Identities, such as email:ann@example.com, whom journeys on test reach."
    )
    dry_run: bool = Field(default=False, description="Whether everything is decided and nothing is sent.")
