"""Actions: the contract with channel services."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Category(StrEnum):
    """What an action is about; the law asks different things of each."""

    LEGAL = "legal"
    OPERATIVE = "operative"
    COMMERCIAL = "commercial"
    ADVISORY = "advisory"


class ActionCause(BaseModel):
    """The event that the action answers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    event_id: str = Field(description="CloudEvents id of the event.")
    source: str = Field(description="CloudEvents source of the event.")
    type: str = Field(description="Event type.")
    time: datetime = Field(description="Event time.")


class ActionContact(BaseModel):
    """An action that the person had before."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: datetime = Field(description="When it was decided.")
    journey: str = Field(description="The journey that sent it.")
    step: str = Field(description="The step of the journey.")
    channel: str = Field(description="The channel that it went through.")
    answers: list[str] = Field(description="What came back of it, by first coming: delivered, opened, ...")


class ActionContext(BaseModel):
    """What is known of the person when the action is decided."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    attributes: dict[str, Any] = Field(description="The attributes that the channel asks for.")
    contacts: list[ActionContact] = Field(description="The newest actions before it, newest first.")


class ActionNominee(BaseModel):
    """Whom the person nominated to be told as well."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str | None = Field(default=None, description="How to address them; absent if nobody said.")
    language: str | None = Field(
        default=None, description="The language that they want; absent if nobody said."
    )


class Action(BaseModel):
    """One message to one person through one channel."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action_id: str = Field(description="32 hex digits; a retry sends the same bytes under the same id.")
    workspace: str = Field(description="The workspace that decided.")
    person_id: str = Field(
        description="The person to reach, 32 hex digits; for a nominee the person that it is about."
    )
    channel: str = Field(description="The channel to reach them through.")
    address: str | None = Field(
        default=None, description="Where to send it; absent where the channel looks it up itself."
    )
    nominee: ActionNominee | None = Field(
        default=None, description="To whom it goes in place of the person; absent where it goes to them."
    )
    category: Category = Field(description="What the action is about.")
    journey: str = Field(description="The journey that sends it.")
    journey_version: int = Field(description="The version of the journey.")
    step: str = Field(description="The step of the journey.")
    template: str = Field(description="The message template to fill.")
    variant: str | None = Field(default=None, description="The variant of the template.")
    language: str | None = Field(
        default=None, description="The language that the person wants; absent where they did not say."
    )
    data: dict[str, Any] = Field(default_factory=dict, description="What to fill the template with.")
    context: ActionContext | None = Field(
        default=None,
        description="What who speaks to the person should know; absent without any.",
    )
    priority: int = Field(description="Higher goes first.")
    sequence: int = Field(description="Rises within a person; an older one that comes later is stale.")
    cause: ActionCause = Field(description="The event that the action answers.")
    decided_at: datetime = Field(description="Event time at which it was decided.")
    expires_at: datetime = Field(description="After this time it must not be shown.")
